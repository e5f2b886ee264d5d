// Ten and fifty creates at once, to the last reply; then memory after them.
const ROUNDS = 2;

async function burst(bench, subject, size, SSH_PUB_KEY) {
  const users = Array.from({ length: size }, () => bench.user());
  const began = performance.now();
  const replies = await Promise.all(users.map((USERNAME, i) =>
    subject.ask("start_container", { USERNAME, SSH_PUB_KEY, startingPortNo: 40000 + 10 * i })));
  const ms = performance.now() - began;
  const failed = replies.filter(({ success }) => !success);
  await Promise.all(users.map((USERNAME) => subject.ask("delete_container", { USERNAME })));
  if (failed.length) throw new Error(`${subject.kind}: ${failed.length} of ${size} failed: ${failed[0].message}`);
  return ms;
}

export async function run(bench) {
  const server = await bench.server();
  const [dockhost, agent] = [await bench.subject("dockhost", server), await bench.subject("agent", server)];
  const keys = await bench.key();
  for (const size of [10, 50]) {
    bench.row(`${size} creates at once`, "ms", await bench.alternate(size === 10 ? ROUNDS : 1, {
      dockhost: () => burst(bench, dockhost, size, keys),
      agent: () => burst(bench, agent, size, keys),
    }));
  }
}
