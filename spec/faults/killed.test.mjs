// SIGKILL at every point where a command yields: before Docker has heard of a call, while it is at it, and when it has done
// it. Within 10 s of the restart nothing is half made, no port is held, and the user's next command works.
// The same where Docker goes in the midst of a create.
// ROUNDS=20 sweeps so often; without, the commands other than create have one of the three moments at each point.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import net from "node:net";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { WRAPPER } from "../support/dockhost.mjs";
import { COMMANDS, KillPoints, LEAK } from "../support/kill-points.mjs";
import { Random, SEED } from "../support/random.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const ROUNDS = Number(process.env.ROUNDS || 1);
// Valgrind alone takes seconds to start.
const RECOVERY = WRAPPER.length ? 60000 : 10000;
const LIMITS = { timeout: 120000 + ROUNDS * 240000 };
const MOMENTS = ["before", "amid", "after"];
// What Docker may have of the user after such a command was cut off.
const WHOLE = { create: ["absent", "running"], start: ["exited", "running"], stop: ["exited", "running"],
  delete: ["absent", "running"] };
// As in a container: what runs there can't be seen from outside, nor from the next one.
const UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
const KEYS_ARE_IN = "PUT /containers/ID/archive #1";

const suite = new Suite("killed");
const points = new KillPoints(suite);
const random = new Random();
const table = [];

before(async () => {
  await points.open();
  suite.closing(table, (rows) => rows.forEach(print));
});

function print({ command, calls, cases, failures }) {
  const count = (kind) => failures.filter(([what]) => what === kind).length;
  console.log(`${command}: ${calls} points, ${cases} cases: ${count("not whole")} not whole, ` +
    `${count("leak")} ports leaked, ${count("lock-out")} users locked out`);
}

const isFree = (port) => new Promise((resolve) => {
  const probe = net.createServer();
  probe.once("error", () => resolve(false)).listen(port, () => probe.close(() => resolve(true)));
});

async function assertTruthful({ user }) {
  const state = async () => (await docker.ofUser(user))[0]?.State;
  for (const [event, truth] of [["exists", Boolean], ["running", (word) => word === "running"]]) {
    const earlier = await state();
    const answer = await points.server.tell(`check_if_container_${event}`, user, { USERNAME: user });
    assert.ok([earlier, await state()].map(truth).includes(answer), `${event}: ${answer}, yet it is ${earlier}`);
  }
}

// The sequence that the user would ask for next.
async function goOn(command, given) {
  const state = await points.stateOf(given);
  if (state === "absent") {
    await until(() => isFree(given.port), LEAK, { timeout: RECOVERY });
    await points.create(given);
  } else if (command === "create" || command === "delete") await points.delete(given);
  else await points[state === "running" ? "stop" : "start"](given);
}

// What is wrong by now, or undefined.
async function look(command, given) {
  const state = await points.stateOf(given);
  if (!WHOLE[command].includes(state)) return ["not whole", `it is ${state}`];
  try {
    await assertTruthful(given);
    await goOn(command, given);
  } catch (error) {
    return [error.message.includes(LEAK) ? "leak" : "lock-out", error.message];
  }
  return undefined;
}

// What is still wrong when the time for recovery is over.
async function judge(command, given, deadline) {
  for (;;) {
    const broken = await look(command, given);
    if (!broken || Date.now() > deadline) return broken;
  }
}

async function settle(command, given) {
  let state;
  const whole = async () => WHOLE[command].includes((state = await points.stateOf(given)));
  return until(whole, "it", { timeout: RECOVERY }).then(() => undefined, () => ["not whole", `it is ${state} in the end`]);
}

// The node is restarted and asked at once, while Docker may still be at `work`; what comes of that is swept as well.
async function restart(command, given, row, where, { work, ...options } = {}) {
  points.launch(options);
  const deadline = Date.now() + RECOVERY;
  await points.server.backend(undefined, RECOVERY);
  let broken = await judge(command, given, deadline);
  await work;
  broken ??= await settle(command, given);
  row.cases += 1;
  if (broken) row.failures.push([broken[0], `${where}: ${given.user}: ${broken[1]}\n${points.node.tail()}`]);
}

function addRow(command, calls) {
  const row = { command, calls, cases: 0, failures: [] };
  table.push(row);
  return row;
}

const report = (row) => assert.deepEqual(row.failures, []);

// The points of a round. A call that only asks leaves Docker the same at each of its moments: one a round will do.
function casesOf(command, calls, round) {
  const all = (call) => !call.startsWith("GET") && (command === "create" || ROUNDS > 1);
  const one = (index) => [MOMENTS[(index + round) % MOMENTS.length]];
  return calls.flatMap((call, index) => (all(call) ? MOMENTS : one(index)).map((moment) => [call, moment]));
}

for (const command of COMMANDS) {
  suite.test(`${command}, killed at every call to Docker`, LIMITS, async () => {
    const calls = await points.learn(command);
    const row = addRow(command, calls.length);
    const rounds = Array.from({ length: ROUNDS }, (_, round) => casesOf(command, calls, round));
    let given = points.newCase();
    for (const [call, moment] of rounds.flat()) {
      if (command === "create") given = points.newCase();
      await points.prepare(command, given);
      const killed = await points.killAt(command, given, call, moment);
      if (killed) await restart(command, given, row, `${moment} ${call}`, killed);
      if (command === "create") points.clean(given);
      await points.quiet();
    }
    points.clean(given);
    report(row);
  });
}

suite.test("killed in a container of its own: its successor in another one does not wait for it", async () => {
  const options = { wrapper: [...UNSHARE, ...WRAPPER] };
  const row = addRow("create, in another PID namespace", 1);
  const given = points.newCase();
  try {
    await points.kill();
    points.launch(options);
    await points.quiet();
    await points.killAt("create", given, KEYS_ARE_IN, "after");
    await restart("create", given, row, KEYS_ARE_IN, options);
  } finally {
    points.clean(given);
    await points.kill();
    points.launch();
  }
  report(row);
});

// The boot id in a label is the last field.
const ofAnotherBoot = (maker) => maker.replace(/[^:]*$/, randomUUID());

suite.test("the power fails in a create: what it left in state created is gone soon after the next boot", async () => {
  const row = addRow("create, before another boot", 1);
  const given = points.newCase();
  await points.quiet();
  await points.killAt("create", given, KEYS_ARE_IN, "after");
  const { Config, HostConfig } = await docker.inspect(given.user);
  await docker.remove(given.user);
  const maker = ofAnotherBoot(Config.Labels["dockhost.maker"]);
  await docker.create(given.user, { ...Config, HostConfig, Labels: { ...Config.Labels, "dockhost.maker": maker } });
  await restart("create", given, row, KEYS_ARE_IN);
  points.clean(given);
  report(row);
});

suite.test("Docker goes in a create that has started its container: that is nobody's when Docker is back", async () => {
  const given = points.newCase();
  await points.quiet();
  points.watch(given, (_, call) => call === "GET /containers/ID/json #1" && points.docker.close().then(() => true));
  const reply = await points.send("create", given);
  assert.equal(reply.status, 503, JSON.stringify(reply));
  assert.equal(await points.stateOf(given), "running");
  // The user is quicker than the sweep.
  const held = [];
  points.docker.use((call) => call.is("GET", /^\/containers\/json$/) && held.push(call) > 0);
  await points.docker.open();
  assert.equal(await points.server.tell("check_if_container_exists", given.user, { USERNAME: given.user }), false);
  assert.equal(await points.stateOf(given), "absent");
  points.docker.use(undefined);
  await Promise.all(held.map((call) => call.pass()));
  await until(() => isFree(given.port), LEAK);
  await points.create(given);
  await points.delete(given);
});

suite.test(`killed at any time (SEED=${SEED})`, LIMITS, async () => {
  // Docker itself sees the connection end.
  const options = { settings: { DOCKER_HOST: undefined } };
  const row = addRow("any command at any time", 0);
  await points.kill();
  points.launch(options);
  for (const command of Array(ROUNDS).fill(COMMANDS).flat()) {
    const given = points.newCase();
    await points.prepare(command, given);
    points.send(command, given);
    const delay = random.below(400);
    await new Promise((resolve) => setTimeout(resolve, delay));
    await points.kill();
    await restart(command, given, row, `${command}, after ${delay} ms`, options);
    points.clean(given);
  }
  report(row);
});
