// A hundred and a thousand agents on this machine against one server: memory each, and how they come back when the
// server has been away: how evenly their first tries spread, and when the last is there.
import net from "node:net";
import { until } from "../../spec/support/until.mjs";

const SIZES = [100, 1000];
const AT_ONCE = 20;
const TENTHS = 10;

async function startAll(bench, server, size) {
  const subjects = [];
  for (let at = 0; at < size; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, size - at) }, (_, i) =>
      bench.subject("dockhost", server, { id: `node-${at + i}`, env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" } }));
    subjects.push(...(await Promise.all(batch)));
  }
  return subjects;
}

// Counts the first tries after the loss by tenths of the second in which they are due, and lets nobody in.
async function countTries(port, size) {
  const times = [];
  const door = net.createServer((socket) => {
    times.push(performance.now());
    socket.on("error", () => {}).destroy();
  });
  await new Promise((resolve) => door.listen(port, "127.0.0.1", resolve));
  const began = performance.now();
  await until(() => performance.now() - began > 1100, "the window");
  await new Promise((resolve) => door.close(resolve));
  const tenths = Array(TENTHS).fill(0);
  for (const time of times.slice(0, size)) tenths[Math.min(TENTHS - 1, Math.floor((time - began) / 100))] += 1;
  return Math.max(...tenths) / times.length;
}

export async function run(bench) {
  for (const size of SIZES) {
    const server = await bench.server();
    const subjects = await startAll(bench, server, size);
    bench.row(`private memory each, ${size} agents`, "MB", { dockhost: subjects.map((subject) => subject.memory().private) }, {
      goal: size === 1000 ? "≤ 3 MB" : undefined, met: size === 1000 ? ({ dockhost }) => dockhost <= 3 : undefined,
    });
    const { port } = server;
    await server.close();
    const crowded = await countTries(port, size);
    bench.row(`fullest tenth of the first second, ${size} agents`, "%", { dockhost: crowded * 100 }, {
      goal: "≤ 15 %", met: ({ dockhost }) => dockhost <= 15,
    });
    const began = performance.now();
    await server.listen(port);
    await until(() => server.backends.size === size, () => `${size} agents, ${server.backends.size} are back`, { timeout: 120000 });
    bench.row(`all back, ${size} agents`, "s", { dockhost: (performance.now() - began) / 1000 }, {
      goal: "≤ 60 s", met: ({ dockhost }) => dockhost <= 60,
    });
    await bench.clean();
  }
}
