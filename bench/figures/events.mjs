// What the wire and the dispatcher cost: a command that does nothing, one at a time and a hundred at once; and how late a
// heartbeat is answered meanwhile.
const SECONDS = 3;
const AT_ONCE = 100;
const PING_MS = 50;

// Round trips a second, and CPU time of the subject for each, in µs.
async function rate(subject, inFlight) {
  const before = subject.work().cpu;
  const began = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - began < SECONDS * 1000) {
      await subject.ask("echo", { username: "ada" });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - began) / 1000;
  return { rate: count / seconds, cpu: ((subject.work().cpu - before) * 1000) / count };
}

// The server's own pings, from the sending to the pong.
function watchHeartbeat(socket) {
  const late = [];
  let sent;
  const { conn } = socket;
  conn.on("packetCreate", ({ type }) => type === "ping" && (sent = performance.now()));
  conn.on("packet", ({ type }) => type === "pong" && late.push(performance.now() - sent));
  return late;
}

export async function run(bench) {
  const server = await bench.server({ pingInterval: PING_MS, pingTimeout: 20000 });
  const subjects = { dockhost: await bench.subject("dockhost", server), agent: await bench.subject("agent", server) };
  for (const inFlight of [1, AT_ONCE]) {
    const [rates, cpu, late] = [{}, {}, {}];
    for (const [name, subject] of Object.entries(subjects)) {
      const heartbeat = watchHeartbeat(subject.socket);
      const found = await rate(subject, inFlight);
      Object.assign(rates, { [name]: found.rate });
      Object.assign(cpu, { [name]: found.cpu });
      late[name] = bench.quantile(heartbeat, 0.99);
    }
    bench.row(`acknowledgements, ${inFlight} in flight`, "per s", rates);
    bench.row(`CPU for each, ${inFlight} in flight`, "µs", cpu);
    if (inFlight > 1) {
      bench.row("heartbeat's answer at full load, p99", "ms", late, { goal: "≤ 10 ms", met: ({ dockhost }) => dockhost <= 10 });
    }
  }
}
