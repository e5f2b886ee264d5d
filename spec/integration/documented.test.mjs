// The documented dialect, from create to delete, with and without acknowledgements.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { WRAPPER } from "../support/dockhost.mjs";
import { assertEntry, assertInDocker, assertInstance, assertKeys, assertNotInDocker, assertReply, failed, succeeded }
  from "../support/shapes.mjs";
import { makeKeyPair, ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("documented");
let server;
let dockhost;

before(async () => {
  server = await suite.server();
  dockhost = await suite.connect(server);
});

async function create(username, more = {}) {
  const payload = { username, sshPublicKey: suite.key.publicKey, ...more };
  const data = succeeded(await server.ask("create-container", payload), "create");
  assertInstance(data, "create");
  return data;
}

const remove = async (target) => succeeded(await server.ask("delete-container", target), "delete");

suite.test("create, ssh, list, status, logs, stop, start, delete, by user name", async () => {
  const username = suite.user();
  const { key } = suite;
  const created = await create(username);
  const replied = Date.now();
  await ssh(created.ports.ssh, key, "true");
  const waited = Date.now() - replied;
  assert.ok(waited < 5000 || WRAPPER.length, `ssh succeeded ${waited} ms after the reply`);
  const container = await assertInDocker(username, created);
  assert.equal(container.Name, `/${username}`);
  await ssh(created.ports.ssh, key, "echo precious > /root/kept && for i in 1 2 3 4 5; do echo line-$i > /proc/1/fd/1; done");

  const { containers } = succeeded(await server.ask("list-containers", { username }), "list");
  assert.equal(containers.length, 1);
  assertEntry(containers[0]);
  assert.deepEqual({ ...containers[0], createdAt: "", image: "" },
    { containerId: created.containerId, username, state: "running", ports: created.ports, createdAt: "", image: "" });

  const status = succeeded(await server.ask("container-status", { username }), "status");
  assertEntry(status, { running: true });
  assert.ok(status.memoryBytes > 0 && status.memoryLimit >= status.memoryBytes, JSON.stringify(status));
  assert.equal(status.pids >= 1, await docker.measures(), JSON.stringify(status));
  assert.ok(status.uptimeSeconds >= 0 && status.uptimeSeconds < 60 && status.rxBytes > 0, JSON.stringify(status));

  assert.deepEqual(succeeded(await server.ask("stop-container", { username }), "stop"), created);
  const { State } = await assertInDocker(username, created, { running: false });
  assert.notEqual(State.ExitCode, 137, "it ended by SIGTERM and needed no SIGKILL");
  const stopped = succeeded(await server.ask("container-status", { username }), "status");
  assertEntry(stopped);
  assert.equal(stopped.state, "exited");

  // Read when nothing writes any more: sshd logs there too.
  const { lines } = succeeded(await server.ask("container-logs", { username }), "logs");
  assert.deepEqual(lines.filter((line) => line.startsWith("line-")), [1, 2, 3, 4, 5].map((number) => `line-${number}`));
  assert.deepEqual(succeeded(await server.ask("container-logs", { username, tail: 3 })), { lines: lines.slice(-3) });
  assert.deepEqual(succeeded(await server.ask("container-logs", { username, tail: 0 })), { lines: [] });

  assert.deepEqual(succeeded(await server.ask("start-container", { username }), "start"), created);
  await assertInDocker(username, created);
  assert.equal(await ssh(created.ports.ssh, key, "cat /root/kept"), "precious\n");

  assert.deepEqual(await remove({ username }), { containerId: created.containerId });
  await assertNotInDocker(username);
});

suite.test("each command takes a containerId, whole or its first 12 digits", async () => {
  const username = suite.user();
  const created = await create(username);
  const whole = { containerId: created.containerId };
  const prefix = { containerId: created.containerId.slice(0, 12) };
  assert.deepEqual(succeeded(await server.ask("stop-container", whole)), created);
  assert.deepEqual(succeeded(await server.ask("start-container", prefix)), created);
  assert.deepEqual(succeeded(await server.ask("stop-container", prefix)), created);
  assert.deepEqual(succeeded(await server.ask("start-container", whole)), created);
  for (const target of [whole, prefix]) {
    assert.equal(succeeded(await server.ask("container-status", target)).username, username);
    assert.ok(Array.isArray(succeeded(await server.ask("container-logs", target)).lines));
  }
  const { containerId: id } = created;
  for (const containerId of [id.slice(0, 11), "", "zz".repeat(6), `${id}00`, 12345678901234, null]) {
    failed(await server.ask("delete-container", { containerId }), `delete of ${containerId}`);
  }
  await assertInDocker(username, created);
  assert.deepEqual(await remove(prefix), whole);
  await assertNotInDocker(username);
  const again = suite.user();
  const second = await create(again);
  assert.deepEqual(await remove({ containerId: second.containerId }), { containerId: second.containerId });
  await assertNotInDocker(again);
});

suite.test("without an acknowledgement the reply is an event named after the user", async () => {
  const username = suite.user();
  const payload = { username, sshPublicKey: suite.key.publicKey };
  const created = succeeded(await server.tell("create-container", username, payload));
  assertInstance(created);
  await assertInDocker(username, created);
  assertEntry(succeeded(await server.tell("list-containers", username, { username })).containers[0]);
  assertEntry(succeeded(await server.tell("container-status", username, { username })), { running: true });
  assert.deepEqual(succeeded(await server.tell("stop-container", username, { username })), created);
  assert.deepEqual(succeeded(await server.tell("start-container", username, { username })), created);
  const deleted = succeeded(await server.tell("delete-container", username, { username }));
  assert.deepEqual(deleted, { containerId: created.containerId });
  failed(await server.tell("delete-container", username, { username }));
  await assertNotInDocker(username);
});

suite.test("with neither acknowledgement nor user the reply is command-error", async () => {
  for (const args of [[{}], [{ username: "" }], [{ username: 7 }], [null], ["text"], [[]], []]) {
    const reply = await server.tell("stop-container", "command-error", ...args);
    assertKeys(reply, ["success", "message", "data", "command"], JSON.stringify(args));
    assert.equal(reply.command, "stop-container");
    const { command, ...rest } = reply;
    failed(rest, command);
  }
});

suite.test("an unknown event fails its acknowledgement, and is ignored where none was asked for", async () => {
  failed(await server.ask("no-such-command", { username: suite.user() }));
  const before = server.received.length;
  const username = suite.user();
  (await server.backend()).emit("no-such-command", { username });
  succeeded(await server.tell("list-containers", username, { username }));
  assert.deepEqual(server.received.slice(before).map(({ event }) => event), [username]);
});

suite.test("several keys, one a line, all open the door", async () => {
  const username = suite.user();
  const other = suite.closing(await makeKeyPair("other key"), (pair) => pair.remove());
  const { ports } = await create(username, { sshPublicKey: `${suite.key.publicKey}\n${other.publicKey}\n` });
  for (const key of [suite.key, other]) assert.equal(await ssh(ports.ssh, key, "whoami"), "root\n");
  const modes = await ssh(ports.ssh, other, "stat -c '%a %U' /root/.ssh /root/.ssh/authorized_keys");
  assert.equal(modes, "700 root\n600 root\n");
  await remove({ username });
});

suite.test("the starting port is honoured, as number and as decimal string, and lifted into the range", async () => {
  const wanted = suite.ports.start + 150;
  const [first, second, third] = [suite.user(), suite.user(), suite.user()];
  assert.equal((await create(first, { startingPort: wanted })).ports.ssh, wanted);
  assert.equal((await create(second, { startingPort: String(wanted + 60) })).ports.ssh, wanted + 60);
  assert.equal((await create(third, { startingPort: "3100" })).ports.ssh, suite.ports.start);
  for (const username of [first, second, third]) await remove({ username });
});

suite.test("USERNAME, SSH_PUB_KEY and startingPortNo name the same fields", async () => {
  const USERNAME = suite.user();
  const wanted = suite.ports.start + 90;
  const payload = { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: wanted };
  const created = succeeded(await server.ask("create-container", payload));
  assertInstance(created);
  assert.equal(created.ports.ssh, wanted);
  assert.deepEqual(succeeded(await server.ask("stop-container", { USERNAME })), created);
  await remove({ USERNAME });
});

suite.test("a second create fails and describes the one that is there", async () => {
  const username = suite.user();
  const created = await create(username);
  const reply = await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey });
  failed(reply);
  assert.equal(reply.data.containerId, created.containerId);
  assert.deepEqual(reply.data.ports, created.ports);
  await assertInDocker(username, created);
  await remove({ username });
});

suite.test("start of a running one and stop of a stopped one are successes that change nothing", async () => {
  const username = suite.user();
  const created = await create(username);
  const startedAt = (await docker.inspect(created.containerId)).State.StartedAt;
  assert.deepEqual(succeeded(await server.ask("start-container", { username })), created);
  assert.equal((await docker.inspect(created.containerId)).State.StartedAt, startedAt);
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(succeeded(await server.ask("stop-container", { username })), created);
  }
  await assertInDocker(username, created, { running: false });
  await remove({ username });
});

suite.test("a user without a container: every command says so", async () => {
  const username = suite.user();
  for (const event of ["start-container", "stop-container", "delete-container", "container-status", "container-logs"]) {
    assert.match(failed(await server.ask(event, { username }), event), /has no container/);
  }
  assert.deepEqual(succeeded(await server.ask("list-containers", { username })), { containers: [] });
  assert.ok(Array.isArray(succeeded(await server.ask("list-containers", {})).containers));
});

suite.test("at capacity a create is refused, and a delete makes room", async () => {
  const peer = await suite.server();
  const here = (await docker.list({ label: ["dockhost.managed=true"] })).length;
  await suite.connect(peer, { settings: { DOCKHOST_MAX_CONTAINERS: here + 1 } });
  const [first, second] = [suite.user(), suite.user()];
  const payload = (username) => ({ username, sshPublicKey: suite.key.publicKey });
  succeeded(await peer.ask("create-container", payload(first)));
  assert.match(failed(await peer.ask("create-container", payload(second))), /full|capacity|limit|room/i);
  await assertNotInDocker(second);
  succeeded(await peer.ask("delete-container", { username: first }));
  succeeded(await peer.ask("create-container", payload(second)));
  succeeded(await peer.ask("delete-container", { username: second }));
});

suite.test("a missing or bad key is refused and makes nothing", async () => {
  const username = suite.user();
  const good = suite.key.publicKey;
  const [type, blob] = good.split(" ");
  const bad = [undefined, null, "", "  \n", 7, {}, ["x"], "garbage", `${type} `, `${type} AAAA`, `ssh-rsa ${blob}`,
    `command="id" ${good}`, `no-pty ${good}`, `${good}\ngarbage`, `${type} ${blob} a\u0000b`, `${type} ${blob}\u001b[2J`,
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    `${type} ${blob} ${"x".repeat(17000)}`];
  for (const sshPublicKey of bad) {
    const message = failed(await server.ask("create-container", { username, sshPublicKey }), `the key ${sshPublicKey}`);
    assert.match(message, /key/i);
  }
  await assertNotInDocker(username);
});

suite.test("a bad starting port is refused, makes nothing and runs nothing", async () => {
  const username = suite.user();
  const trace = join(suite.key.directory, "run");
  const bad = [0, 65536, -1, 1.5, true, {}, [], "", " 3100", "0x50", "1e4", "31001x", `$(touch ${trace})`, `;touch ${trace}`];
  for (const startingPort of bad) {
    const payload = { username, sshPublicKey: suite.key.publicKey, startingPort };
    const message = failed(await server.ask("create-container", payload), `port ${JSON.stringify(startingPort)}`);
    assert.match(message, /port/i);
  }
  assert.equal(existsSync(trace), false);
  await assertNotInDocker(username);
});

suite.test("a payload that is no object fails its acknowledgement, and extra arguments do no harm", async () => {
  for (const args of [[], [null], ["text"], [7], [[1, 2]], [true]]) {
    failed(await server.ask("create-container", ...args), `create with ${JSON.stringify(args)}`);
  }
  const username = suite.user();
  assertReply(await server.ask("list-containers", { username }, "more", { and: "more" }));
  assert.ok(dockhost.running);
});
