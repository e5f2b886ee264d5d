// Docker away: the node stays connected, says so once, does not lie, and goes on by itself.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before } from "node:test";
import { createInstance } from "../support/deployed-dialect.mjs";
import { DockerProxy } from "../support/docker-proxy.mjs";
import * as docker from "../support/docker.mjs";
import { assertDeployed, assertPlain, failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("faults");
// Lines about Docker itself, not those of commands that failed by it.
const AWAY = /Docker (does not answer|can't|is not|has gone|went)(?!.*status=)/;
const BACK = /Docker answers/;
let server;
let dockhost;
let proxy;

before(async () => {
  const home = await suite.home();
  proxy = suite.closing(new DockerProxy(join(home, "docker.sock")), (it) => it.close());
  server = await suite.server();
  dockhost = await suite.connect(server, { home, settings: { DOCKER_HOST: proxy.host } });
});

const request = (USERNAME) => ({ USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start });

async function assertUnavailable(reply) {
  const { PORT_NO, ...rest } = reply;
  assertDeployed(rest, 503);
  assert.equal(PORT_NO, undefined);
  assert.match(rest.message, /Docker/);
}

// The log has one line of each kind since `from`, and none is an alarm of its own.
async function assertOneLine(pattern, from) {
  const line = await dockhost.line(pattern, { from });
  assertPlain(line);
  assert.deepEqual(dockhost.matching(pattern, from), [line]);
  return line;
}

suite.test("Docker is away at the start: connected all the same, a create is a 503 with the reason", async () => {
  const USERNAME = suite.user();
  assert.ok(await server.backend());
  const line = await dockhost.line(AWAY);
  assert.ok(line.includes(proxy.path), line);
  await assertUnavailable(await server.ask("start_container", request(USERNAME)));
  assert.match(failed(await server.ask("list-containers", {})), /Docker/);
  assert.match(failed(await server.ask("create-container", { username: USERNAME, sshPublicKey: suite.key.publicKey })), /Docker/);
  assert.equal(dockhost.matching(AWAY).length, 1, dockhost.tail());
});

suite.test("Docker appears: it is noticed and commands work, with nothing done by hand", async () => {
  const from = dockhost.mark();
  await proxy.open();
  await assertOneLine(BACK, from);
  const username = suite.user();
  const created = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey }));
  assert.ok(await docker.inspect(created.containerId));
  succeeded(await server.ask("delete-container", { username }));
});

suite.test("Docker goes and comes back: an exists-check is held and then tells the truth; one line for each", async () => {
  const USERNAME = suite.user();
  const { http } = await createInstance(server, request(USERNAME));
  assert.equal(http.status, 201);
  const from = dockhost.mark();
  await proxy.close();
  await dockhost.line(AWAY, { from });
  const other = suite.user();
  const held = { answered: 0 };
  const ask = async (user) => {
    const answer = await server.ask("check_if_container_exists", { USERNAME: user });
    held.answered += 1;
    return answer;
  };
  const checks = [ask(USERNAME), ask(other)];
  await assertUnavailable(await server.ask("stop_container", { USERNAME: suite.user() }));
  await assertUnavailable(await server.ask("start_container", request(suite.user())));
  assert.equal(held.answered, 0, "no check was answered while Docker was away");
  await proxy.open();
  assert.deepEqual(await Promise.all(checks), [true, false]);
  await assertOneLine(BACK, from);
  assert.equal(dockhost.matching(AWAY, from).length, 1, dockhost.tail());
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), true);
  assert.equal((await server.ask("delete_container", { USERNAME })).status, 200);
  assert.equal(server.connections.length, 1);
});

suite.test("a check that outwaits Docker: exists is true, running is the last state known", { timeout: 120000 }, async () => {
  const [running, stopped, nobody] = [suite.user(), suite.user(), suite.user()];
  for (const USERNAME of [running, stopped]) assert.equal((await server.ask("start_container", request(USERNAME))).status, 201);
  assert.equal((await server.ask("stop_container", { USERNAME: stopped })).status, 200);
  const from = dockhost.mark();
  await proxy.close();
  const began = Date.now();
  const checks = [["check_if_container_exists", nobody], ["check_if_container_running", running],
    ["check_if_container_running", stopped]];
  const found = await Promise.all(checks.map(([event, USERNAME]) => server.ask(event, { USERNAME })));
  const waited = Date.now() - began;
  assert.deepEqual(found, [true, true, false]);
  assert.ok(waited > 15000 && waited < 25000, `they were held for ${waited} ms`);
  assert.equal(dockhost.matching(AWAY, from).length, 1, dockhost.tail());
  await proxy.open();
  await assertOneLine(BACK, from);
  for (const USERNAME of [running, stopped]) assert.equal((await server.ask("delete_container", { USERNAME })).status, 200);
});

suite.test("a stranger's stop while Docker was away is seen when it is back", async () => {
  const USERNAME = suite.user();
  assert.equal((await server.ask("start_container", request(USERNAME))).status, 201);
  const [container] = await docker.ofUser(USERNAME);
  await proxy.close();
  await docker.stop(container.Id);
  await proxy.open();
  await until(async () => (await server.ask("check_if_container_running", { USERNAME })) === false, "the stop to be seen");
  assert.equal((await server.ask("delete_container", { USERNAME })).status, 200);
  assert.ok(dockhost.running);
});
