// An instance's life on Podman, in both dialects: what differs from Docker is at the edges that these tests touch.
import assert from "node:assert/strict";
import { mkdir, readlink, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { IMAGE } from "../support/dockhost.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { assertDeployed, assertEntry, assertInDocker, assertInstance, assertNotInDocker, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("engines");
let server;
let dockhost;
let scripted;
let settings;
let measured;

before(async () => {
  const { Components: [{ Name }] } = await docker.version();
  assert.equal(Name, "Podman Engine", `DOCKER_HOST=${process.env.DOCKER_HOST} is no Podman`);
  measured = await docker.measures();
  server = await suite.server();
  const scripts = await suite.home();
  await mkdir(join(scripts, "hooks"));
  for (const hook of ["container-started", "container-stopped", "container-deleted"]) {
    await writeFile(join(scripts, "hooks", `${hook}.lua`), `return function(event, ctx)
      ctx.log.info("heard ${hook}", { user = event.username, was = event.exitCode })
    end`);
  }
  // In between, to do something just before a call, and to be away.
  scripted = suite.closing(new ScriptedDocker(join(scripts, "docker.sock")), (it) => it.close());
  await scripted.open();
  settings = { DOCKER_HOST: scripted.host };
  dockhost = await suite.connect(server, { args: [scripts], settings });
}, { timeout: 60000 });

function listen(listener, port, host) {
  return new Promise((resolve, reject) => listener.once("error", reject).listen(port, host, resolve));
}

const pidNamespace = async () => /\d+/.exec(await readlink("/proc/self/ns/pid"))[0];

async function create(username, startingPort) {
  const data = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey, startingPort }));
  assertInstance(data);
  return data;
}

suite.test("the node knows that Podman answers before anything has happened there", async () => {
  await dockhost.line(/Docker answers at/);
});

suite.test("create, ssh, list, status, logs, stop, start, delete", async () => {
  const username = suite.user();
  const created = await create(username);
  await assertInDocker(username, created);
  const script = "echo precious > /root/kept && for i in 1 2 3 4 5; do echo line-$i > /proc/1/fd/1; done";
  await ssh(created.ports.ssh, suite.key, script);
  const { containers: [listed] } = succeeded(await server.ask("list-containers", { username }));
  assertEntry(listed);
  assert.deepEqual([listed.state, listed.ports], ["running", created.ports]);

  const status = succeeded(await server.ask("container-status", { username }));
  assertEntry(status, { running: true });
  assert.ok(status.memoryBytes > 0 && status.rxBytes > 0 && status.uptimeSeconds < 60, JSON.stringify(status));
  assert.equal(status.pids >= 1, measured, JSON.stringify(status));
  assert.equal(status.memoryLimit === 512 * 1024 * 1024, measured, JSON.stringify(status));

  succeeded(await server.ask("stop-container", { username }));
  const { State } = await assertInDocker(username, created, { running: false });
  assert.notEqual(State.ExitCode, 137, "it ended by SIGTERM and needed no SIGKILL");
  assert.equal(succeeded(await server.ask("container-status", { username })).state, "exited");
  const { lines } = succeeded(await server.ask("container-logs", { username }));
  assert.deepEqual(lines.filter((line) => line.startsWith("line-")), [1, 2, 3, 4, 5].map((number) => `line-${number}`));
  assert.deepEqual(succeeded(await server.ask("container-logs", { username, tail: 3 })), { lines: lines.slice(-3) });

  assert.deepEqual(succeeded(await server.ask("start-container", { username })), created);
  assert.equal(await ssh(created.ports.ssh, suite.key, "cat /root/kept"), "precious\n");
  assert.deepEqual(succeeded(await server.ask("delete-container", { username })), { containerId: created.containerId });
  await assertNotInDocker(username);
});

suite.test("that containers reach each other here is said once", async () => {
  const said = dockhost.matching(/ warn .*can reach each other on the network dockhost: .*Podman does not know/);
  assert.equal(said.length, 1, dockhost.tail());
});

suite.test("the same in the deployed dialect", async () => {
  const USERNAME = suite.user("a user @ x");
  const payload = { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start };
  assert.equal(await server.ask("check_if_container_exists", { USERNAME }), false);
  const reply = await server.ask("start_container", payload);
  assertDeployed(reply, 201, { create: true });
  await ssh(reply.PORT_NO, suite.key, "true");
  assert.equal((await server.ask("start_container", payload)).status, 409);
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), true);
  assertDeployed(await server.ask("stop_container", { USERNAME }), 200);
  assert.equal(await server.ask("check_if_container_running", { USERNAME }), false);
  assertDeployed(await server.ask("resume_container", { USERNAME }), 200);
  assertDeployed(await server.ask("delete_container", { USERNAME }), 200);
  assert.equal(await server.ask("check_if_container_exists", { USERNAME }), false);
});

suite.test("ports: a stopped container keeps its own, and what another program has is avoided", async () => {
  const from = suite.ports.start + 30;
  const [first, second] = [suite.user(), suite.user()];
  const listener = net.createServer();
  await listen(listener, from + 4, "127.0.0.1");
  assert.equal((await create(first, from)).ports.ssh, from);
  succeeded(await server.ask("stop-container", { username: first }));
  assert.equal((await create(second, from)).ports.ssh, from + 6);
  for (const username of [first, second]) succeeded(await server.ask("delete-container", { username }));
  listener.close();
});

suite.test("a port that is taken just before the start is a conflict: the next triple is used", async () => {
  const from = suite.ports.start + 60;
  const username = suite.user();
  const listener = net.createServer();
  scripted.use(async (call) => {
    if (!listener.listening && call.is("POST", /\/start$/)) await listen(listener, from + 1, "0.0.0.0");
    return false;
  });
  const { ports } = await create(username, from);
  scripted.use(undefined);
  assert.equal(ports.ssh, from + 3);
  await ssh(ports.ssh, suite.key, "true");
  assert.equal((await docker.ofUser(username)).length, 1, "the first one is gone");
  succeeded(await server.ask("delete-container", { username }));
  listener.close();
});

suite.test("a stranger's container is invisible, and its name is not taken from it", async () => {
  const username = suite.user();
  const [repository, tag] = ["localhost/dockhost-test/stranger", "latest"];
  await docker.tag(IMAGE, repository, tag);
  await docker.create(username, { Image: `${repository}:${tag}`, Labels: { "dockhost.test": "engines" } });
  await create(username);
  const names = (await docker.list({ name: [username] })).map(({ Names }) => Names[0]);
  assert.deepEqual(names, [`/${username}`]);
  const [own] = await docker.ofUser(username);
  assert.match(own.Names[0], /^\/dockhost-x/);
  succeeded(await server.ask("delete-container", { username }));
  assert.ok(await docker.inspect(username), "the stranger's is still there");
  await docker.remove(username);
  await docker.untag(`${repository}:${tag}`);
});

suite.test("what happens behind the node's back is heard of as it happens", async () => {
  const username = suite.user();
  await create(username);
  const seen = dockhost.mark();
  const heard = (hook, more = "") => dockhost.line(new RegExp(`heard ${hook}.*user=${username}${more}`), { from: seen });
  await docker.stop(username);
  await heard("container-stopped", " was=[0-9]+");
  assert.equal(await server.ask("check_if_container_running", { USERNAME: username }), false);
  await docker.start(username);
  await heard("container-started");
  await docker.remove(username);
  await heard("container-deleted");
});

suite.test("what happens while Podman's service is away is heard of when it is back, and once", async () => {
  const username = suite.user();
  await create(username);
  await dockhost.line(new RegExp(`heard container-started.*user=${username}`));
  const seen = dockhost.mark();
  await scripted.close();
  await dockhost.line(/Docker does not answer/, { from: seen });
  await docker.remove(username);
  await scripted.open();
  await dockhost.line(new RegExp(`heard container-deleted.*user=${username}`), { from: seen });
  assert.equal(await server.ask("check_if_container_exists", { USERNAME: username }), false);
  assert.equal(dockhost.matching(new RegExp(`heard container-started.*user=${username}`), seen).length, 0);
  assert.equal(dockhost.matching(new RegExp(`heard container-deleted.*user=${username}`), seen).length, 1);
});

suite.test("what a crash left half made is removed when the node starts", async () => {
  const username = suite.user();
  await dockhost.stop();
  // Of a process that is no more.
  const maker = `${await pidNamespace()}:4194304:1`;
  await docker.create(username, { Image: IMAGE, Labels: { "dockhost.managed": "true", "dockhost.username": username,
    "dockhost.maker": maker, "dockhost.attempt": `${maker}:1:1` } });
  await suite.connect(server, { settings });
  await until(async () => (await docker.inspect(username)) === null, "the half-made container to be gone", { timeout: 30000 });
});
