// Create, stop, start, delete: against the raw calls with the same body.
import tar from "tar-stream";
import { body } from "../lib/body.mjs";
import { IMAGE } from "../lib/subject.mjs";

const ROUNDS = 9;
const RAW_PORT = 50000;

async function archive(keys) {
  const pack = tar.pack();
  pack.entry({ name: "root/.ssh", type: "directory", mode: 0o700 });
  pack.entry({ name: "root/.ssh/authorized_keys", mode: 0o600 }, `${keys}\n`);
  pack.finalize();
  const chunks = [];
  for await (const chunk of pack) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function timed(action) {
  const began = performance.now();
  const result = await action();
  if (result.status >= 400) throw new Error(`${result.status} ${result.body ?? result.message}`);
  return performance.now() - began;
}

async function rawRound(bench, keys, upload) {
  const user = bench.user();
  const at = `/containers/${user}`;
  const times = {};
  times.create = await timed(async () => {
    const made = await bench.raw.call("POST", `/containers/create?name=${user}`, body(IMAGE, user, keys, [RAW_PORT, RAW_PORT + 1, RAW_PORT + 2]));
    if (made.status >= 400) return made;
    await bench.raw.call("PUT", `${at}/archive?path=%2F`, upload, "application/x-tar");
    return bench.raw.call("POST", `${at}/start`);
  });
  times.stop = await timed(() => bench.raw.call("POST", `${at}/stop?t=5`));
  times.start = await timed(() => bench.raw.call("POST", `${at}/start`));
  times.delete = await timed(() => bench.raw.call("DELETE", `${at}?force=true&v=true`));
  return times;
}

async function subjectRound(bench, subject, keys) {
  const USERNAME = bench.user();
  const step = (event, more) => timed(() => subject.ask(event, { USERNAME, ...more }));
  return {
    create: await step("start_container", { SSH_PUB_KEY: keys, startingPortNo: 40000 }),
    stop: await step("stop_container"),
    start: await step("resume_container"),
    delete: await step("delete_container"),
  };
}

const of = (rounds, step) => Object.fromEntries(Object.entries(rounds).map(([who, list]) => [who, list.map((times) => times[step])]));

export async function run(bench) {
  const server = await bench.server();
  const [dockhost, agent] = [await bench.subject("dockhost", server), await bench.subject("agent", server)];
  const keys = await bench.key();
  const upload = await archive(keys);
  const rounds = await bench.alternate(ROUNDS, {
    dockhost: () => subjectRound(bench, dockhost, keys),
    agent: () => subjectRound(bench, agent, keys),
    raw: () => rawRound(bench, keys, upload),
  });
  bench.row("create → reply", "ms", of(rounds, "create"), {
    goal: "≤ raw + 3 % or 8 ms", met: (time) => time.dockhost <= Math.max(time.raw * 1.03, time.raw + 8),
  });
  for (const step of ["stop", "start", "delete"]) bench.row(step, "ms", of(rounds, step));
}
