// Memory after ten thousand commands.
const COMMANDS = 10000;
const AT_ONCE = 20;

async function storm(subject, USERNAME) {
  let left = COMMANDS;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await subject.ask(left % 2 ? "check_if_container_exists" : "check_if_container_running", { USERNAME });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

export async function run(bench) {
  const server = await bench.server();
  const subjects = { dockhost: await bench.subject("dockhost", server), agent: await bench.subject("agent", server) };
  const found = { resident: {}, private: {} };
  for (const [name, subject] of Object.entries(subjects)) {
    await storm(subject, bench.user());
    const memory = subject.memory();
    for (const kind of Object.keys(found)) found[kind][name] = memory[kind];
  }
  bench.row("resident memory after 10,000 commands", "MB", found.resident);
  bench.row("private memory after 10,000 commands", "MB", found.private);
}
