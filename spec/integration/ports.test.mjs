// The port rule: who gets which triple, also all at once, beside strangers, round the end of the range, and when none is left.
import assert from "node:assert/strict";
import net from "node:net";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { IMAGE } from "../support/dockhost.mjs";
import { assertDeployed, assertInDocker, assertInstance, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("ports");
const SMALL = 6;
let server;

before(async () => {
  server = await suite.server();
  // The last ports of the suite's range are for the process that has only those.
  await suite.connect(server, { settings: { DOCKHOST_PORT_END: suite.ports.end - SMALL } });
});

// Each test has its own stretch of the range, so that one that fails does not fail the next.
let stretch = suite.ports.start;
function next(count = 30) {
  stretch += count;
  return stretch - count;
}

async function create(username, startingPort, peer = server) {
  const data = succeeded(await peer.ask("create-container", { username, sshPublicKey: suite.key.publicKey, startingPort }));
  assertInstance(data);
  return data;
}

const remove = async (username, peer = server) => succeeded(await peer.ask("delete-container", { username }));

async function listen(options) {
  const listener = net.createServer();
  await new Promise((resolve, reject) => listener.once("error", reject).listen(options, resolve));
  return listener;
}

suite.test("ten creates at once with one starting port: ten containers, thirty ports", async () => {
  const from = next(60);
  const users = Array.from({ length: 10 }, () => suite.user());
  const created = await Promise.all(users.map((username) => create(username, from)));
  const ports = created.flatMap((data) => Object.values(data.ports));
  assert.equal(new Set(ports).size, 30, String(ports));
  assert.ok(ports.every((port) => port >= from && port < from + 60), String(ports));
  await Promise.all(users.map((username, index) => assertInDocker(username, created[index])));
  for (const { ports: triple } of created) await ssh(triple.ssh, suite.key, "true");
  await Promise.all(users.map((username) => remove(username)));
});

suite.test("the ports of a stopped container are not given away", async () => {
  const from = next();
  const [first, second] = [suite.user(), suite.user()];
  const one = await create(first, from);
  assert.equal(one.ports.ssh, from);
  succeeded(await server.ask("stop-container", { username: first }));
  assert.equal((await create(second, from)).ports.ssh, from + 3);
  assert.deepEqual(succeeded(await server.ask("start-container", { username: first })), one);
  await assertInDocker(first, one);
  assert.equal(await ssh(one.ports.ssh, suite.key, "whoami"), "root\n");
  await remove(first);
  await remove(second);
});

suite.test("nor are those of a foreign container that never ran", async () => {
  const from = next();
  const labels = { "dockhost.test": suite.name };
  const PortBindings = { "8080/tcp": [{ HostPort: String(from + 1) }] };
  const id = await docker.create(`${suite.prefix}foreign`, { Image: IMAGE, Labels: labels, HostConfig: { PortBindings } });
  const username = suite.user();
  assert.equal((await create(username, from)).ports.ssh, from + 3);
  await remove(username);
  await docker.remove(id);
});

const LISTENERS = [
  ["on IPv4 only", { host: "0.0.0.0" }],
  ["on IPv6 only", { host: "::", ipv6Only: true }],
  ["on 127.0.0.1 only", { host: "127.0.0.1" }],
  ["on ::1 only", { host: "::1" }],
];

for (const [where, options] of LISTENERS) {
  suite.test(`a listener ${where} inside the triple is avoided`, async () => {
    const from = next();
    const listener = await listen({ ...options, port: from + 2 });
    const username = suite.user();
    try {
      const created = await create(username, from);
      assert.equal(created.ports.ssh, from + 3);
      await ssh(created.ports.ssh, suite.key, "true");
      await remove(username);
    } finally {
      listener.close();
    }
  });
}

suite.test("deleting frees the ports", async () => {
  const from = next();
  for (let round = 0; round < 2; round += 1) {
    const username = suite.user();
    assert.equal((await create(username, from)).ports.ssh, from);
    await remove(username);
  }
});

suite.test("the search wraps to the start of the range, and with none left it is a 503", async () => {
  const peer = await suite.server();
  const start = suite.ports.end - SMALL + 1;
  await suite.connect(peer, { settings: { DOCKHOST_PORT_START: start, DOCKHOST_PORT_END: start + SMALL - 1 } });
  const [first, second, third] = [suite.user(), suite.user(), suite.user()];
  assert.equal((await create(first, start + 3, peer)).ports.ssh, start + 3);
  assert.equal((await create(second, 65000, peer)).ports.ssh, start);
  const request = { USERNAME: third, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: start };
  const { PORT_NO, ...reply } = await peer.ask("start_container", request);
  assertDeployed(reply, 503);
  assert.match(reply.message, /port/);
  assert.equal(PORT_NO, undefined);
  assert.deepEqual(await docker.ofUser(third), []);
  await remove(first, peer);
  assert.equal((await create(third, 1, peer)).ports.ssh, start + 3);
  await remove(second, peer);
  await remove(third, peer);
});
