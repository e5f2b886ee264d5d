// Lists of 10, 200 and 1,000 containers, and memory before and after. The containers are made and never started.
import { body } from "../lib/body.mjs";
import { IMAGE } from "../lib/subject.mjs";

const SIZES = [10, 200, 1000];
const ROUNDS = 15;
const FILTER = encodeURIComponent(JSON.stringify({ label: ["dockhost.managed=true"] }));

async function fill(bench, from, to, keys) {
  const make = async (n) => {
    const user = bench.user();
    const port = 52000 + (n % 4000) * 3;
    const { status, body: text } = await bench.raw.call("POST", `/containers/create?name=${user}`, body(IMAGE, user, keys, [port, port + 1, port + 2]));
    if (status !== 201) throw new Error(`${status} ${text}`);
  };
  for (let at = from; at < to; at += 8) await Promise.all(Array.from({ length: Math.min(8, to - at) }, (_, i) => make(at + i)));
}

export async function run(bench) {
  const server = await bench.server({ maxHttpBufferSize: 1e7 });
  const [dockhost, agent] = [await bench.subject("dockhost", server), await bench.subject("agent", server)];
  const keys = await bench.key();
  const idle = { dockhost: dockhost.memory().private, agent: agent.memory().private };
  let have = 0;
  for (const size of SIZES) {
    await fill(bench, have, size, keys);
    have = size;
    // The first one reads each container's ports.
    await Promise.all([dockhost.ask("list-containers", {}), agent.ask("list-containers", {})]);
    bench.row(`list of ${size}`, "ms", await bench.alternate(ROUNDS, {
      dockhost: async () => (await dockhost.timed("list-containers", {})).ms,
      agent: async () => (await agent.timed("list-containers", {})).ms,
      raw: async () => {
        const began = performance.now();
        await bench.raw.call("GET", `/containers/json?all=true&filters=${FILTER}`);
        return performance.now() - began;
      },
    }), size === SIZES.at(-1) ? { goal: "≤ 1.2 × raw", met: (time) => time.dockhost <= 1.2 * time.raw } : {});
  }
  await new Promise((done) => setTimeout(done, 3000));
  bench.row("private memory, before lists", "MB", idle);
  bench.row("private memory, after lists", "MB", { dockhost: dockhost.memory().private, agent: agent.memory().private });
}
