// From the start of the process to its acceptance by the server.
const ROUNDS = 11;

export async function run(bench) {
  const server = await bench.server();
  const once = (kind) => async () => {
    const subject = await bench.subject(kind, server);
    bench.open.pop();
    const { accepted } = subject;
    await subject.stop();
    return accepted;
  };
  bench.row("exec → accepted, ws", "ms", await bench.alternate(ROUNDS, { dockhost: once("dockhost"), agent: once("agent") }), {
    goal: "≤ 1/8 of the Node agent", met: ({ dockhost, agent }) => dockhost <= agent / 8,
  });
}
