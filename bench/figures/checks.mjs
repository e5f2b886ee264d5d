// Checks of one container: one at a time, and fifty at once.
const EACH = 400;
const AT_ONCE = 50;
const BATCHES = 20;

async function batch(subject, USERNAME) {
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, () => subject.ask("check_if_container_exists", { USERNAME })));
  return (AT_ONCE * 1000) / (performance.now() - began);
}

export async function run(bench) {
  const server = await bench.server();
  const [dockhost, agent] = [await bench.subject("dockhost", server), await bench.subject("agent", server)];
  const users = Array.from({ length: AT_ONCE }, () => bench.user());
  const SSH_PUB_KEY = await bench.key();
  const USERNAME = users[0];
  await dockhost.ask("start_container", { USERNAME, SSH_PUB_KEY, startingPortNo: 40000 });
  for (const event of ["check_if_container_exists", "check_if_container_running"]) {
    const samples = await bench.alternate(EACH, {
      dockhost: async () => (await dockhost.timed(event, { USERNAME })).ms,
      agent: async () => (await agent.timed(event, { USERNAME })).ms,
      raw: async () => {
        const began = performance.now();
        await bench.raw.call("GET", `/containers/${USERNAME}/json`);
        return performance.now() - began;
      },
    });
    const name = event.replace("check_if_container_", "").replace("exists", "exists-check").replace("running", "running-check");
    bench.row(`${name} p50`, "ms", samples, event.endsWith("exists") ? {
      goal: "≤ 0.35 × the Node agent, ≤ raw + 0.3 ms", met: (p50) => p50.dockhost <= 0.35 * p50.agent && p50.dockhost <= p50.raw + 0.3,
    } : {});
    bench.row(`${name} p99`, "ms", Object.fromEntries(Object.entries(samples).map(([who, list]) => [who, bench.quantile(list, 0.99)])));
  }
  bench.row("50 checks at once", "per s", await bench.alternate(BATCHES, {
    dockhost: () => batch(dockhost, USERNAME), agent: () => batch(agent, USERNAME),
  }), { goal: "≥ 3 × the Node agent", met: (rate) => rate.dockhost >= 3 * rate.agent });
}
