// The deployed dialect: the real main server's exact sequences, its `once(USERNAME)` and its HTTP statuses.
import assert from "node:assert/strict";
import { before } from "node:test";
import { createInstance, deleteInstance, resumeInstance, stopInstance } from "../support/deployed-dialect.mjs";
import { assertDeployed, assertInDocker, assertKeys, assertNotInDocker } from "../support/shapes.mjs";
import * as docker from "../support/docker.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("deployed");
let server;

before(async () => {
  server = await suite.server();
  await suite.connect(server);
});

const request = (USERNAME, more = {}) => ({
  USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start, ...more,
});

const answers = ({ steps }) => steps.map(([event, answer]) => [event, typeof answer === "boolean" ? answer : answer.status]);

async function assertState(USERNAME, { exists, running }) {
  assert.equal(await server.tell("check_if_container_exists", USERNAME, { USERNAME }), exists);
  assert.equal(await server.tell("check_if_container_running", USERNAME, { USERNAME }), running);
}

function assertSuccess(result, status, message, options) {
  assertDeployed(result.http.body, status, options);
  assert.equal(result.http.body.message, message);
}

async function spawn(USERNAME) {
  const result = await createInstance(server, request(USERNAME));
  assertSuccess(result, 201, "Instance spawned successfully", { create: true });
  return result;
}

suite.test("create, stop, resume and delete in the server's own sequences", async () => {
  const USERNAME = suite.user();
  const created = await spawn(USERNAME);
  assert.deepEqual(answers(created), [["check_if_container_exists", false], ["start_container", 201]]);
  const { PORT_NO } = created.http.body;
  assert.ok(Number.isInteger(PORT_NO));
  const [container] = await docker.ofUser(USERNAME);
  assert.equal(docker.bindings(await docker.inspect(container.Id))[22], PORT_NO);
  await ssh(PORT_NO, suite.key, "echo precious > /root/kept");
  await assertState(USERNAME, { exists: true, running: true });

  const stopped = await stopInstance(server, USERNAME);
  assertSuccess(stopped, 200, "Instance stopped successfully");
  assert.deepEqual(answers(stopped),
    [["check_if_container_exists", true], ["check_if_container_running", true], ["stop_container", 200]]);
  assert.equal((await docker.inspect(container.Id)).State.Running, false);
  await assertState(USERNAME, { exists: true, running: false });

  const resumed = await resumeInstance(server, USERNAME);
  assertSuccess(resumed, 200, "Instance resumed successfully");
  assert.deepEqual(answers(resumed),
    [["check_if_container_exists", true], ["check_if_container_running", false], ["resume_container", 200]]);
  assert.equal(await ssh(PORT_NO, suite.key, "cat /root/kept"), "precious\n");

  const deleted = await deleteInstance(server, USERNAME);
  assertSuccess(deleted, 200, "Instance deleted successfully");
  assert.deepEqual(answers(deleted), [["check_if_container_exists", true], ["delete_container", 200]]);
  await assertState(USERNAME, { exists: false, running: false });
  await assertNotInDocker(USERNAME);
});

suite.test("the same with acknowledgements", async () => {
  const USERNAME = suite.user();
  assert.equal(await server.ask("check_if_container_exists", { USERNAME }), false);
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), false);
  const before = server.received.length;
  const created = await server.ask("start_container", request(USERNAME));
  assertDeployed(created, 201, { create: true });
  assert.equal(await server.ask("check_if_container_exists", { USERNAME }), true);
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), true);
  assertDeployed(await server.ask("stop_container", { USERNAME }), 200);
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), false);
  assertDeployed(await server.ask("resume_container", { USERNAME }), 200);
  assertDeployed(await server.ask("delete_container", { USERNAME }), 200);
  assert.equal(server.received.length, before, "an acknowledged command emits no event besides");
  await assertNotInDocker(USERNAME);
});

suite.test("a create for a user who has one: the server stops at the check, and a direct one is a 409", async () => {
  const USERNAME = suite.user();
  const { http } = await spawn(USERNAME);
  const second = await createInstance(server, request(USERNAME));
  assert.deepEqual(answers(second), [["check_if_container_exists", true]]);
  const reply = await server.tell("start_container", USERNAME, request(USERNAME));
  assertRefused(reply, 409);
  const [container] = await docker.ofUser(USERNAME);
  assert.equal(reply.data.containerId, container.Id);
  assert.equal(reply.data.ports.ssh, http.body.PORT_NO);
  assertSuccess(await deleteInstance(server, USERNAME), 200, "Instance deleted successfully");
});

// A failed create has no port to name: PORT_NO may be absent, never a lie.
function assertRefused(reply, status) {
  const { PORT_NO, ...rest } = reply;
  assertDeployed(rest, status);
  assert.ok(PORT_NO === undefined || PORT_NO === null, `PORT_NO is ${PORT_NO}`);
}

suite.test("stop of a stopped one and resume of a running one are 200", async () => {
  const USERNAME = suite.user();
  await spawn(USERNAME);
  assertDeployed(await server.tell("resume_container", USERNAME, { USERNAME }), 200);
  assertDeployed(await server.tell("stop_container", USERNAME, { USERNAME }), 200);
  assertDeployed(await server.tell("stop_container", USERNAME, { USERNAME }), 200);
  assertSuccess(await deleteInstance(server, USERNAME), 200, "Instance deleted successfully");
});

suite.test("a user without a container: 404", async () => {
  const USERNAME = suite.user();
  for (const event of ["stop_container", "resume_container", "delete_container"]) {
    assertRefused(await server.tell(event, USERNAME, { USERNAME }), 404);
    assertRefused(await server.ask(event, { USERNAME }), 404);
  }
});

suite.test("bad input: 400 with a reason, and no container", async () => {
  const USERNAME = suite.user();
  const { SSH_PUB_KEY, ...keyless } = request(USERNAME);
  const bad = [keyless, request(USERNAME, { SSH_PUB_KEY: "" }), request(USERNAME, { SSH_PUB_KEY: "garbage" }),
    request(USERNAME, { startingPortNo: 0 }), request(USERNAME, { startingPortNo: 65536 }),
    request(USERNAME, { startingPortNo: "31001x" }), request(USERNAME, { startingPortNo: "$(id)" })];
  for (const payload of bad) {
    assertRefused(await server.tell("start_container", USERNAME, payload), 400);
    assertRefused(await server.ask("start_container", payload), 400);
  }
  await assertNotInDocker(USERNAME);
  assert.ok(SSH_PUB_KEY);
});

suite.test("startingPortNo may be missing", async () => {
  const USERNAME = suite.user();
  const { startingPortNo, ...payload } = request(USERNAME);
  const reply = await server.tell("start_container", USERNAME, payload);
  assertDeployed(reply, 201, { create: true });
  assert.ok(reply.PORT_NO >= startingPortNo);
  assertDeployed(await server.tell("delete_container", USERNAME, { USERNAME }), 200);
});

suite.test("no usable user: 400 as acknowledgement, command-error without", async () => {
  for (const payload of [{}, { USERNAME: "" }, { USERNAME: 7 }, null]) {
    assertRefused(await server.ask("stop_container", payload), 400);
    const reply = await server.tell("stop_container", "command-error", payload);
    assertKeys(reply, ["success", "message", "data", "command"], JSON.stringify(reply));
    assert.equal(reply.command, "stop_container");
  }
});

suite.test("a check behind a create tells its outcome", async () => {
  const USERNAME = suite.user();
  const socket = await server.backend();
  const heard = [];
  const all = new Promise((resolve) => {
    socket.on(USERNAME, (answer) => heard.push(answer) === 3 && resolve());
  });
  socket.emit("start_container", request(USERNAME));
  socket.emit("check_if_container_exists", { USERNAME });
  socket.emit("check_if_container_running", { USERNAME });
  await all;
  socket.removeAllListeners(USERNAME);
  assertDeployed(heard[0], 201, { create: true });
  assert.deepEqual(heard.slice(1), [true, true]);
  await assertState(USERNAME, { exists: true, running: true });
  assertDeployed(await server.tell("delete_container", USERNAME, { USERNAME }), 200);
});

suite.test("a delete cancels the create before it: 409 and 200, and nothing stays", async () => {
  const USERNAME = suite.user();
  const [created, deleted] = await Promise.all([
    server.ask("start_container", request(USERNAME)), server.ask("delete_container", { USERNAME }),
  ]);
  assertRefused(created, 409);
  assertDeployed(deleted, 200);
  await assertNotInDocker(USERNAME);
  await spawn(USERNAME);
  assertDeployed(await server.tell("delete_container", USERNAME, { USERNAME }), 200);
});

suite.test("two creates of one user at once: one container, one 201, one 409", async () => {
  const USERNAME = suite.user();
  const replies = await Promise.all([1, 2].map(() => server.ask("start_container", request(USERNAME))));
  assert.deepEqual(replies.map(({ status }) => status), [201, 409]);
  await assertInDocker(USERNAME, replies[1].data);
  assertDeployed(await server.tell("delete_container", USERNAME, { USERNAME }), 200);
});

suite.test("a user's queue holds 16 commands, more are 429", async () => {
  const USERNAME = suite.user();
  const asked = [server.ask("start_container", request(USERNAME))];
  for (let count = 0; count < 24; count += 1) asked.push(server.ask("resume_container", { USERNAME }));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  const served = statuses.filter((status) => status !== 429).length;
  assert.equal(statuses[0], 201);
  assert.ok(served === 16 || served === 17, `${served} were served: ${statuses}`);
  assert.ok(statuses.slice(1, served).every((status) => status === 200), String(statuses));
  assertDeployed(await server.tell("delete_container", USERNAME, { USERNAME }), 200);
});
