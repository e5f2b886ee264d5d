// User names: any string gets its instance, and what can be none is refused without harm.
import assert from "node:assert/strict";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { assertDeployed, assertInDocker, assertInstance, assertNotInDocker, failed, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";

const PLAIN = ["J.Doe_1-x", "deadbeefdeadbeefdeadbeef", "c0ffee".repeat(10) + "cafe", "n".repeat(128), "command-error"];
const ENCODED = ["a", "J. Doe", "ünï", "--help", "a b", "dockhost-xabc", "ü".repeat(64), "me@example.org", "../etc", "$(id)",
  "-rf", "日本", "'; --", "__proto__"];
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
const BAD = [...RESERVED, "", undefined, null, 7, 1.5, true, {}, [], ["a"], "x".repeat(129), "ü".repeat(65), "a\nb", "a\u0000b",
  "\u001b[2J", "a\u007fb", "a\u0085b"];

const encodedName = (user) => `dockhost-x${Buffer.from(user).toString("hex")}`;

// The bad ones too: what a fault of ours makes of them must be swept away.
const suite = new Suite("names", { users: [...PLAIN, ...ENCODED, ...BAD] });
let server;
let dockhost;

before(async () => {
  server = await suite.server();
  dockhost = await suite.connect(server);
});

async function wholeLife(username) {
  const payload = { username, sshPublicKey: suite.key.publicKey };
  assert.equal(await server.tell("check_if_container_exists", username, { USERNAME: username }), false);
  const created = succeeded(await server.ask("create-container", payload), `create for ${username}`);
  assertInstance(created);
  await ssh(created.ports.ssh, suite.key, "true");
  const container = await assertInDocker(username, created);
  assert.equal(container.Name, `/${PLAIN.includes(username) ? username : encodedName(username)}`);
  assert.equal(await server.tell("check_if_container_exists", username, { USERNAME: username }), true);
  const { containers } = succeeded(await server.ask("list-containers", { username }));
  assert.deepEqual(containers.map((entry) => [entry.username, entry.containerId]), [[username, created.containerId]]);
  assert.deepEqual(succeeded(await server.tell("stop-container", username, { username })), created);
  assert.deepEqual(succeeded(await server.ask("start-container", { username })), created);
  succeeded(await server.ask("delete-container", { username }), `delete for ${username}`);
  await assertNotInDocker(username);
}

// Three at a time: two cores have enough to do.
async function inTurns(users) {
  const waiting = [...users];
  const worker = async () => {
    while (waiting.length) await wholeLife(waiting.shift());
  };
  await Promise.all([worker(), worker(), worker()]);
}

suite.test("names that Docker allows are the containers' names", () => inTurns(PLAIN));

suite.test("all other names get their instance under dockhost-x and hex", { timeout: 120000 }, () => inTurns(ENCODED));

suite.test("names that look alike are different users", async () => {
  const users = ["a b", "a", "dockhost-xabc"];
  const created = new Map();
  for (const username of users) {
    created.set(username, succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey })));
  }
  succeeded(await server.ask("delete-container", { username: "a b" }));
  for (const username of users.slice(1)) await assertInDocker(username, created.get(username));
  failed(await server.ask("delete-container", { username: encodedName("a") }));
  await assertInDocker("a", created.get("a"));
  for (const username of users.slice(1)) succeeded(await server.ask("delete-container", { username }));
});

suite.test("what can be no name is a clear 400 and makes nothing", async () => {
  const before = (await docker.list()).map(({ Id }) => Id).filter(Boolean);
  for (const name of BAD) {
    const what = `user ${JSON.stringify(name)}`;
    const key = suite.key.publicKey;
    assert.match(failed(await server.ask("create-container", { username: name, sshPublicKey: key }), what), /user ?name/i, what);
    failed(await server.ask("delete-container", { username: name }), what);
    const reply = await server.ask("start_container", { USERNAME: name, SSH_PUB_KEY: key, startingPortNo: suite.ports.start });
    const { PORT_NO, ...rest } = reply;
    assertDeployed(rest, 400);
    assert.ok(PORT_NO === undefined || PORT_NO === null, what);
  }
  const made = (await docker.list()).filter(({ Id, Ports }) => !before.includes(Id)
    && Ports.some(({ PublicPort }) => PublicPort >= suite.ports.start && PublicPort <= suite.ports.end));
  assert.deepEqual(made, []);
});

suite.test("without an acknowledgement a reserved name is answered by command-error and never emitted", async () => {
  const before = server.received.length;
  for (const USERNAME of RESERVED) {
    const payload = { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start };
    const reply = await server.tell("start_container", "command-error", payload);
    assert.equal(reply.success, false);
    assert.equal(reply.command, "start_container");
  }
  assert.deepEqual([...new Set(server.received.slice(before).map(({ event }) => event))], ["command-error"]);
});

suite.test("after all that the process lives, on its first connection", async () => {
  assert.ok(dockhost.running);
  assert.equal(server.connections.length, 1);
  succeeded(await server.ask("list-containers", {}));
});
