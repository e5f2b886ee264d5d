// A real Docker of our own that is stopped, killed and frozen under the node: nobody's container is lost, nothing
// half-made stays, and every command is answered once and truthfully.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before } from "node:test";
import { ApiVersions } from "../support/api-versions.mjs";
import { bindings } from "../support/docker.mjs";
import { IMAGE } from "../support/dockhost.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { SecondDocker } from "../support/second-docker.mjs";
import { assertDeployed, assertPlain } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("daemon");
const SWEPT = 20000;
let second;
let scripted;
let server;
let dockhost;

before(async () => {
  const home = await suite.home();
  second = suite.closing(await SecondDocker.open(IMAGE), (it) => it.close());
  // In between, to see where a command is when the daemon dies.
  scripted = suite.closing(new ScriptedDocker(join(home, "docker.sock"), second.socket), (it) => it.close());
  await scripted.open();
  server = await suite.server();
  dockhost = await suite.connect(server, { home, settings: { DOCKER_HOST: scripted.host } });
}, { timeout: 120000 });

const EVENTS = { create: "start_container", start: "resume_container", stop: "stop_container", delete: "delete_container",
  exists: "check_if_container_exists", running: "check_if_container_running" };

function ask(command, USERNAME, port = suite.ports.start) {
  const more = command === "create" ? { SSH_PUB_KEY: suite.key.publicKey, startingPortNo: port } : {};
  return server.ask(EVENTS[command], { USERNAME, ...more });
}

async function expect(command, user, status) {
  const reply = await ask(command, user);
  assert.equal(reply.status, status, `${command}: ${JSON.stringify(reply)}`);
  return reply;
}

async function make(word) {
  const user = suite.user(word);
  await expect("create", user, 201);
  return user;
}

/** The user's containers in Docker itself, by label. */
async function ofUser(user) {
  const all = await second.list();
  return all.filter(({ Labels }) => Labels["dockhost.username"] === user);
}

async function assertOne(user, state) {
  const found = await ofUser(user);
  assert.deepEqual(found.map(({ State }) => State), [state], user);
  return second.inspect(found[0].Id);
}

const isRunning = (user) => until(async () => (await second.inspect(user))?.State.Status === "running",
  `${user} to run`, { timeout: SWEPT });
const isGone = (user) => until(async () => (await ofUser(user)).length === 0, `${user} to be gone`, { timeout: SWEPT });

// The user is not locked out, and the ports that the failed attempt had are free again.
async function assertFree(user, port) {
  const reply = await ask("create", user, port);
  assert.equal(reply.status, 201, JSON.stringify(reply));
  assert.equal(reply.PORT_NO, port);
  await expect("delete", user, 200);
  await isGone(user);
}

suite.test("Docker is stopped and started: containers are found again, as they were", async () => {
  const [running, stopped] = [await make("running"), await make("stopped")];
  await expect("stop", stopped, 200);
  const before = bindings(await second.inspect(running));
  await second.stop();
  const held = ask("exists", running);
  const refused = await ask("stop", suite.user("nobody"));
  assertDeployed(refused, 503);
  await second.start();
  assert.equal(await held, true);
  await isRunning(running);
  assert.equal(await ask("running", running), true);
  assert.equal(await ask("running", stopped), false);
  assert.deepEqual(bindings(await assertOne(running, "running")), before);
  await assertOne(stopped, "exited");
  await expect("start", stopped, 200);
  for (const user of [running, stopped]) await expect("delete", user, 200);
});

suite.test("containers that a stranger removed, stopped or made while the node could not see are known as they are", async () => {
  const [removed, stopped] = [await make("removed"), await make("stopped")];
  await scripted.close();
  await second.call("DELETE", `/containers/${removed}?force=1`);
  await second.call("POST", `/containers/${stopped}/stop?t=1`);
  await scripted.open();
  assert.equal(await ask("exists", removed), false);
  assert.equal(await ask("running", stopped), false);
  assertDeployed(await ask("delete", removed), 404);
  await expect("delete", stopped, 200);
});

// Kills Docker once when such a call comes: before Docker has heard of it, while it is at it, or when it has done it.
function killAt(method, pattern, when) {
  return new Promise((resolve) => {
    scripted.use(async (call) => {
      if (!call.is(method, pattern)) return false;
      scripted.use(undefined);
      if (when === "after") await call.forward();
      if (when === "amid") call.send().catch(() => {});
      await second.kill({ containerd: when === "amid" });
      call.drop();
      resolve();
      return true;
    });
  });
}

// From then on a daemon is back a moment later, as a supervisor would have it.
async function killedDuring(command, user, method, pattern, when) {
  const killed = killAt(method, pattern, when);
  const answer = ask(command, user);
  await killed;
  await second.start();
  const reply = await answer;
  assert.ok([200, 201, 503].includes(reply.status), JSON.stringify(reply));
  assertPlain(reply.message);
  return reply;
}

const STEPS = [["POST", /^\/containers\/create$/, "before"], ["POST", /^\/containers\/create$/, "amid"],
  ["POST", /^\/containers\/create$/, "after"], ["PUT", /\/archive$/, "amid"], ["POST", /\/start$/, "amid"],
  ["POST", /\/start$/, "after"]];

for (const [method, pattern, when] of STEPS) {
  suite.test(`Docker is killed in a create, ${when} ${method} ${pattern.source}: nothing half-made stays`, async () => {
    const user = suite.user("killed");
    const reply = await killedDuring("create", user, method, pattern, when);
    if (reply.success) {
      await isRunning(user);
      await expect("delete", user, 200);
    }
    await isGone(user);
    await assertFree(user, suite.ports.start);
  });
}

for (const [command, method, pattern, truth] of [["stop", "POST", /\/stop$/, "exited"], ["delete", "DELETE", /^\/containers\//, "gone"]]) {
  for (const when of ["amid", "after"]) {
    suite.test(`Docker is killed ${when} a ${command}: the answer is true, and the next command works`, async () => {
      const user = await make("killed");
      const reply = await killedDuring(command, user, method, pattern, when);
      const [container] = await ofUser(user);
      if (reply.success) assert.equal(container?.State ?? "gone", truth);
      else if (container) await expect(command, user, 200);
      if (await second.inspect(user)) await expect("delete", user, 200);
      await assertFree(user, suite.ports.start);
    });
  }
}

suite.test("Docker freezes: checks are held 20 s and do not lie, commands are 503, and on thaw all goes on", async () => {
  const [running, stopped] = [await make("running"), await make("stopped")];
  await expect("stop", stopped, 200);
  second.freeze();
  const began = Date.now();
  try {
    const timed = async (command, user) => [await ask(command, user), (Date.now() - began) / 1000];
    const asked = [["exists", suite.user("nobody")], ["exists", running], ["running", suite.user("never")], ["running", stopped],
      ["create", suite.user("nobody")], ["stop", suite.user("nobody")], ["delete", suite.user("nobody")]];
    const answers = await Promise.all(asked.map(([command, user]) => timed(command, user)));
    assert.deepEqual(answers.slice(0, 4).map(([answer]) => answer), [true, true, false, false]);
    for (const [answer] of answers.slice(4)) assert.equal(answer.status, 503, JSON.stringify(answer));
    for (const [, seconds] of answers) assert.ok(seconds >= 19.5 && seconds < 25, `answered after ${seconds} s`);
  } finally {
    second.thaw();
  }
  assert.equal(await ask("running", running), true);
  for (const user of [running, stopped]) await expect("delete", user, 200);
});

suite.test("what a frozen Docker does after we gave up is cleaned away", async () => {
  const user = suite.user("late");
  let late;
  scripted.use(async (call) => {
    if (!call.is("POST", /^\/containers\/create$/)) return false;
    scripted.use(undefined);
    second.freeze();
    late = call.forward();
    call.drop();
    return true;
  });
  const answer = ask("create", user);
  await until(() => late !== undefined, "the creation to reach Docker");
  const deleted = ask("delete", user);
  second.thaw();
  assert.equal((await late).status, 201);
  assert.equal((await answer).success, false);
  assert.ok([200, 404].includes((await deleted).status));
  await isGone(user);
  await assertFree(user, suite.ports.start);
});

suite.test("Docker is another version after a restart: it is spoken to in that one", async () => {
  const user = await make("upgraded");
  const versions = new ApiVersions("1.43", "1.43");
  await scripted.close();
  await scripted.open();
  scripted.use(versions.rule);
  await until(async () => (await ask("exists", user)) && versions.spoken.has("1.43"), "the other version to be spoken");
  await expect("delete", user, 200);
  scripted.use(undefined);
});

suite.test("at the end it is the same process and connection, and Docker holds nothing of ours", async () => {
  assert.equal(server.connections.length, 1);
  assert.ok(dockhost.running);
  assert.deepEqual((await second.list()).map(({ Names }) => Names[0]), []);
  assert.equal(dockhost.matching(/traceback|internal error/).length, 0);
});
