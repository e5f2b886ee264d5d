// Whose container is whose: strangers are invisible and untouched, what the Node backend made is adopted.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { createInstance, deleteInstance, resumeInstance, stopInstance } from "../support/deployed-dialect.mjs";
import * as docker from "../support/docker.mjs";
import { IMAGE } from "../support/dockhost.mjs";
import { assertEntry, assertInDocker, failed, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("foreign");
const OTHER = { repo: "dockhost-spec-foreign", tag: `run-${process.pid}` };
const OTHER_IMAGE = `${OTHER.repo}:${OTHER.tag}`;
let server;

before(async () => {
  await docker.tag(IMAGE, OTHER.repo, OTHER.tag);
  server = await suite.server();
  await suite.connect(server);
});

after(() => docker.untag(OTHER_IMAGE));

async function runForeign(name, body = {}) {
  const Labels = { "dockhost.test": suite.name, ...body.Labels };
  const id = await docker.create(name, { Image: OTHER_IMAGE, ...body, Labels });
  await docker.start(id);
  return docker.inspect(id);
}

async function assertUntouched(container) {
  const now = await docker.inspect(container.Id);
  assert.ok(now, `${container.Name} is still there`);
  assert.deepEqual([now.State, now.Name], [container.State, container.Name]);
}

const COMMANDS = ["start-container", "stop-container", "delete-container", "container-status", "container-logs"];

async function assertInvisible(container) {
  const username = container.Name.slice(1);
  const targets = [{ username }, { containerId: container.Id }, { containerId: container.Id.slice(0, 12) },
    { username: container.Id }, { username: container.Id.slice(0, 12) }];
  for (const target of targets) {
    for (const event of COMMANDS) failed(await server.ask(event, target), `${event} of ${JSON.stringify(target)}`);
  }
  for (const USERNAME of [username, container.Id, container.Id.slice(0, 12)]) {
    for (const check of ["check_if_container_exists", "check_if_container_running"]) {
      assert.equal(await server.tell(check, USERNAME, { USERNAME }), false);
    }
  }
  const { containers } = succeeded(await server.ask("list-containers", {}));
  assert.ok(!containers.some(({ containerId }) => containerId === container.Id));
  await assertUntouched(container);
}

suite.test("a stranger's container is invisible by name, by id and by prefix, and stays as it is", async () => {
  const container = await runForeign(suite.user("stranger"));
  await assertInvisible(container);
  await docker.remove(container.Id);
});

suite.test("nor does a label that only looks like ours make it ours", async () => {
  for (const Labels of [{ "dockhost.managed": "false" }, { "dockhost.username": suite.user() }, { "dockhost.managed": "" }]) {
    const container = await runForeign(suite.user("label"), { Labels });
    await assertInvisible(container);
    await docker.remove(container.Id);
  }
});

suite.test("a user whose name a stranger's container bears gets an instance under another name", async () => {
  const username = suite.user("taken");
  const stranger = await runForeign(username);
  const payload = { username, sshPublicKey: suite.key.publicKey };
  const created = succeeded(await server.ask("create-container", payload));
  const container = await assertInDocker(username, created);
  assert.equal(container.Name, `/dockhost-x${Buffer.from(username).toString("hex")}`);
  await ssh(created.ports.ssh, suite.key, "true");
  assert.equal(await server.tell("check_if_container_exists", username, { USERNAME: username }), true);
  const { containers } = succeeded(await server.ask("list-containers", { username }));
  assert.deepEqual(containers.map(({ containerId }) => containerId), [created.containerId]);
  failed(await server.ask("create-container", payload), "a second create");
  succeeded(await server.ask("stop-container", { username }));
  succeeded(await server.ask("start-container", { username }));
  succeeded(await server.ask("delete-container", { username }));
  assert.deepEqual(await docker.ofUser(username), []);
  failed(await server.ask("delete-container", { username }), "a second delete");
  await assertUntouched(stranger);
  await docker.remove(stranger.Id);
});

// As the Node backend runs it: named like the user, no label of ours, the configured image.
async function runAsNodeBackend(username, from) {
  const port = (offset) => [{ HostPort: String(from + offset) }];
  const id = await docker.create(username, {
    Image: IMAGE, Labels: { "dockhost.test": suite.name }, Env: [`SSH_PUB_KEY=${suite.key.publicKey}`],
    ExposedPorts: { "22/tcp": {}, "80/tcp": {}, "443/tcp": {} },
    HostConfig: { PortBindings: { "22/tcp": port(0), "80/tcp": port(1), "443/tcp": port(2) } },
  });
  await docker.start(id);
  // Without docker-init its first process hears no SIGTERM before it is sshd.
  await ssh(from, suite.key, "true");
  return docker.inspect(id);
}

suite.test("a container of the Node backend is adopted: checks, stop, resume, delete, and no second one", async () => {
  const USERNAME = suite.user("adopted");
  const from = suite.ports.start + 100;
  const container = await runAsNodeBackend(USERNAME, from);
  const ports = { ssh: from, http: from + 1, https: from + 2 };
  const { containers } = succeeded(await server.ask("list-containers", { username: USERNAME }));
  assert.equal(containers.length, 1);
  assertEntry(containers[0]);
  assert.deepEqual([containers[0].containerId, containers[0].ports], [container.Id, ports]);

  const second = await createInstance(server, { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: from });
  assert.deepEqual(second.steps, [["check_if_container_exists", true]]);
  const direct = await server.ask("start_container", { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: from });
  assert.deepEqual([direct.status, direct.data.containerId], [409, container.Id]);

  assert.equal((await stopInstance(server, USERNAME)).http.status, 200);
  assert.equal((await docker.inspect(container.Id)).State.Running, false);
  assert.equal((await resumeInstance(server, USERNAME)).http.status, 200);
  assert.equal((await docker.inspect(container.Id)).State.Running, true);
  await ssh(from, suite.key, "true");
  assert.equal((await deleteInstance(server, USERNAME)).http.status, 200);
  assert.equal(await docker.inspect(container.Id), null);
});

suite.test("an adopted container is reached by its id as well", async () => {
  const username = suite.user("adopted");
  const container = await runAsNodeBackend(username, suite.ports.start + 110);
  const prefix = { containerId: container.Id.slice(0, 12) };
  assert.equal(succeeded(await server.ask("stop-container", prefix)).containerId, container.Id);
  assert.equal((await docker.inspect(container.Id)).State.Running, false);
  assert.deepEqual(succeeded(await server.ask("delete-container", prefix)), { containerId: container.Id });
  assert.equal(await docker.inspect(container.Id), null);
});

const TIDY = `trap "sleep 1; exit 7" TERM; echo ready; while :; do sleep 0.1; done`;
const STUBBORN = `trap "" TERM; echo ready; while :; do sleep 0.1; done`;

async function stopped(script) {
  const username = suite.user("adopted");
  const Labels = { "dockhost.test": suite.name };
  await docker.start(await docker.create(username, { Image: IMAGE, Labels, Cmd: ["sh", "-c", script] }));
  const lines = async () => succeeded(await server.ask("container-logs", { username })).lines;
  await until(async () => (await lines()).includes("ready"), "the script");
  const began = Date.now();
  succeeded(await server.ask("stop-container", { username }));
  const { State } = await docker.inspect(username);
  await docker.remove(username);
  return { exitCode: State.ExitCode, waited: Date.now() - began };
}

suite.test("a stop is SIGTERM first, and SIGKILL after five seconds", async () => {
  const [tidy, stubborn] = await Promise.all([stopped(TIDY), stopped(STUBBORN)]);
  assert.equal(tidy.exitCode, 7, "it had the time to end by itself");
  assert.equal(stubborn.exitCode, 137);
  assert.ok(stubborn.waited > 4500 && stubborn.waited < 9000, `it was given ${stubborn.waited} ms`);
});

suite.test("an adopted container counts toward capacity", async () => {
  const username = suite.user("adopted");
  const container = await runAsNodeBackend(username, suite.ports.start + 120);
  const peer = await suite.server();
  const ours = await docker.list();
  const managed = ours.filter(({ Image, Labels }) => Labels["dockhost.managed"] === "true" || Image === IMAGE).length;
  await suite.connect(peer, { settings: { DOCKHOST_MAX_CONTAINERS: managed } });
  const refused = suite.user();
  failed(await peer.ask("create-container", { username: refused, sshPublicKey: suite.key.publicKey }));
  assert.deepEqual(await docker.ofUser(refused), []);
  await docker.remove(container.Id);
});
