// A connected program that nobody asks anything: its memory, and what it does in a minute.
const SECONDS = 60;

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

export async function run(bench) {
  const server = await bench.server();
  const subjects = { dockhost: await bench.subject("dockhost", server), agent: await bench.subject("agent", server) };
  await pause(5);
  const before = Object.fromEntries(Object.entries(subjects).map(([name, subject]) => [name, subject.work()]));
  await pause(SECONDS);
  const all = (read) => Object.fromEntries(Object.entries(subjects).map(([name, subject]) => [name, read(subject, name)]));
  bench.row("resident memory, idle", "MB", all((subject) => subject.memory().resident), {
    goal: "≤ 12 MB, ≤ 1/6 of the Node agent", met: ({ dockhost, agent }) => dockhost <= 12 && dockhost <= agent / 6,
  });
  bench.row("private memory, idle", "MB", all((subject) => subject.memory().private), {
    goal: "≤ 2.5 MB, ≤ 1/12 of the Node agent", met: ({ dockhost, agent }) => dockhost <= 2.5 && dockhost <= agent / 12,
  });
  bench.row("context switches, idle minute", "", all((subject, name) => subject.work().switches - before[name].switches), {
    goal: "≤ 10", met: ({ dockhost }) => dockhost <= 10,
  });
  bench.row("CPU, idle minute", "ms", all((subject, name) => subject.work().cpu - before[name].cpu), {
    goal: "≤ 2 ms", met: ({ dockhost }) => dockhost <= 2,
  });
}
