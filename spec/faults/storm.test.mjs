// Ports that others take at the wrong moment: under a stranger that binds them in a loop, forced at the start of a create,
// and while a container is stopped. Never is there a container without its ports.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { HeldDocker, STEPS } from "../support/held-docker.mjs";
import { bind, storm } from "../support/port-storm.mjs";
import { SEED } from "../support/random.mjs";
import { assertDeployed, assertInDocker, assertNotInDocker, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("storm");
const CREATES = 16;
const ATTEMPTS = 5;
let server;
let held;

before(async () => {
  held = suite.closing(new HeldDocker(join(await suite.home(), "docker.sock")), (it) => it.close());
  await held.open();
  server = await suite.server();
  await suite.connect(server, { settings: { DOCKER_HOST: held.host, DOCKHOST_MAX_CONTAINERS: 500 } });
});

// Each test has its own stretch of the range.
let stretch = suite.ports.start;
const next = (count = 30) => (stretch += count) - count;

const create = (USERNAME, startingPortNo) =>
  server.ask("start_container", { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo });
const status = async (event, USERNAME) => (await server.ask(event, { USERNAME })).status;

/** What Docker has really published of a container, by container port. */
function published({ NetworkSettings }) {
  const ports = Object.entries(NetworkSettings.Ports ?? {}).filter(([, bindings]) => bindings?.length);
  return Object.fromEntries(ports.map(([port, [{ HostPort }]]) => [parseInt(port, 10), Number(HostPort)]));
}

const triple = (first) => ({ 22: first, 80: first + 1, 443: first + 2 });

async function assertPublished(username, first) {
  const [{ Id }] = await docker.ofUser(username);
  const container = await docker.inspect(Id);
  assert.equal(container.State.Status, "running");
  assert.deepEqual(docker.bindings(container), triple(first));
  assert.deepEqual(published(container), triple(first), "its ports are published");
}

suite.test(`${CREATES} creates while a stranger binds and frees ports all the time (SEED=${SEED})`, async () => {
  const start = next(150);
  const stranger = await storm({ start, end: start + 79 });
  const users = Array.from({ length: CREATES }, () => suite.user());
  let replies;
  try {
    replies = await Promise.all(users.map((username) => create(username, start)));
  } finally {
    await stranger.stop();
  }
  assert.ok(stranger.count > 500, `the stranger had ${stranger.count} ports`);
  for (const [index, reply] of replies.entries()) {
    if (reply.status === 201) {
      await assertPublished(users[index], reply.PORT_NO);
    } else {
      assert.equal(reply.status, 503, reply.message);
      assert.match(reply.message, /ports were taken by others 5 times in a row/);
      await assertNotInDocker(users[index]);
    }
  }
  const made = replies.flatMap(({ PORT_NO }, index) => (PORT_NO ? [{ port: PORT_NO, username: users[index] }] : []));
  assert.ok(made.length >= CREATES / 2, `only ${made.length} were made: ${replies.map((reply) => reply.message).join("; ")}`);
  for (const { port } of made.slice(0, 3)) await ssh(port, suite.key, "true");
  for (const { username } of made) assert.equal(await status("delete_container", username), 200);
});

/** From now on takes a port of the triple that a create of the user's starts with, `times` times. */
class Thief {
  constructor(username, times, options) {
    Object.assign(this, { username, times, options, listeners: [] });
    held.watch(STEPS.starts, (call) => this.take(call.path.split("/")[2]));
  }

  async take(id) {
    const { Name, HostConfig } = await docker.inspect(id);
    if (Name !== `/${this.username}` || this.listeners.length === this.times) return;
    const [{ HostPort }] = HostConfig.PortBindings["80/tcp"];
    this.listeners.push(await bind({ port: Number(HostPort), ...this.options }));
  }

  free() {
    for (const listener of this.listeners) listener.close();
  }
}

const ADDRESSES = [{ host: "0.0.0.0" }, { host: "::", ipv6Only: true }, { host: "127.0.0.1" }];

suite.test("a port that is taken at the start, on any address: removed and made anew on the next triple", async () => {
  await Promise.all(ADDRESSES.map(async (options) => {
    const start = next();
    const username = suite.user();
    const thief = new Thief(username, 2, options);
    try {
      const reply = await create(username, start);
      assert.equal(reply.status, 201, reply.message);
      assert.equal(reply.PORT_NO, start + 6, options.host);
      const creations = held.seen("POST", /create$/).filter(({ query }) => query.get("name") === username);
      assert.equal(creations.length, 3, "each try is a container of its own");
      await assertPublished(username, start + 6);
      await ssh(start + 6, suite.key, "true");
    } finally {
      thief.free();
    }
    assert.equal(await status("delete_container", username), 200);
  }));
});

suite.test("taken five times in a row: 503, nothing is left, and the first triple serves once it is free", async () => {
  const start = next();
  const username = suite.user();
  const thief = new Thief(username, ATTEMPTS, { host: "0.0.0.0" });
  try {
    const reply = await create(username, start);
    assert.equal(reply.status, 503, reply.message);
    assert.match(reply.message, /taken by others 5 times in a row/);
    assert.equal(thief.listeners.length, ATTEMPTS);
    await assertNotInDocker(username);
  } finally {
    thief.free();
  }
  assert.equal((await create(username, start)).PORT_NO, start);
  assert.equal(await status("delete_container", username), 200);
});

suite.test("a stopped container whose port a stranger has taken: told, kept, and whole again once the port is free", async () => {
  const start = next();
  const username = suite.user();
  const created = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey, startingPort: start }));
  await ssh(start, suite.key, "echo mine > /root/note");
  assert.equal(await status("stop_container", username), 200);
  const stranger = await bind({ host: "0.0.0.0", port: start + 1 });
  try {
    const reply = await server.ask("resume_container", { USERNAME: username });
    assertDeployed(reply, 503);
    assert.ok(reply.message.includes(`port ${start + 1} `), reply.message);
    assert.match(reply.message, /end that one, then start this again/);
    await assertInDocker(username, created, { running: false });
  } finally {
    stranger.close();
  }
  assert.deepEqual(succeeded(await server.ask("start-container", { username })), created);
  await assertPublished(username, start);
  assert.equal(await ssh(start, suite.key, "cat /root/note"), "mine\n");
  assert.equal(await status("delete_container", username), 200);
});
