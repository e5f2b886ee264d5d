// A stranger on this machine: a process that binds ports of a range in a tight loop, on one address or another, and lets
// them go again. `node port-storm.mjs FIRST LAST SEED` prints how often it had one.
import { spawn } from "node:child_process";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Random, SEED } from "./random.mjs";
import { within } from "./until.mjs";

const SELF = fileURLToPath(import.meta.url);
const ADDRESSES = [{ host: "0.0.0.0" }, { host: "::", ipv6Only: true }, { host: "127.0.0.1" }];
const AT_ONCE = 8;
const LONGEST = 30;

/** Resolves to the open listener. */
export function bind(options) {
  const listener = net.createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    listener.once("error", reject).listen(options, () => resolve(listener));
  });
}

/** Starts such a process: `{ count, stop() }`. */
export async function storm({ start, end }, seed = SEED) {
  const child = spawn(process.execPath, [SELF, start, end, seed], { stdio: ["ignore", "pipe", "inherit"] });
  const it = { count: 0 };
  const lines = createInterface({ input: child.stdout });
  const first = new Promise((resolve) => lines.on("line", (line) => resolve((it.count = Number(line)))));
  const gone = new Promise((resolve) => child.once("close", resolve));
  it.stop = () => {
    child.kill("SIGKILL");
    return gone;
  };
  await within(first, "the first ports to be bound");
  return it;
}

async function rage(random, first, last, count) {
  for (;;) {
    const listener = await bind({ port: random.between(first, last), ...random.pick(ADDRESSES) }).catch(() => undefined);
    if (listener) count();
    await new Promise((resolve) => setTimeout(resolve, random.below(LONGEST)));
    listener?.close();
  }
}

if (process.argv[1] === SELF) {
  const [first, last, seed] = process.argv.slice(2).map(Number);
  const random = new Random(seed);
  let had = 0;
  for (let i = 0; i < AT_ONCE; i += 1) rage(random, first, last, () => (had += 1));
  setInterval(() => console.log(had), 100);
}
