// The versions of the Engine API, on the real Docker as if it were newer or older: what is spoken, what it costs, and what
// is said where nothing can be.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ApiVersions } from "../support/api-versions.mjs";
import { ofUser } from "../support/docker.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { assertDeployed, assertInDocker, assertNotInDocker, failed, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("engines");
const TOO_OLD = /is too old: it speaks API 1\.40 at the newest, and dockhost needs 1\.41 or newer: install Docker Engine 20\.10/;

async function open(newest, oldest) {
  const home = await suite.home();
  const versions = new ApiVersions(newest, oldest);
  const docker = suite.closing(new ScriptedDocker(join(home, "docker.sock")), (it) => it.close()).use(versions.rule);
  await docker.open();
  const settings = { DOCKER_HOST: docker.host };
  return { versions, docker, settings, home };
}

async function connect({ settings }) {
  const server = await suite.server();
  return { server, dockhost: await suite.connect(server, { settings }) };
}

// A life in both dialects.
async function live(server, username) {
  const { publicKey } = suite.key;
  const created = succeeded(await server.ask("create-container", { username, sshPublicKey: publicKey }), "create");
  await assertInDocker(username, created);
  assert.equal(await ssh(created.ports.ssh, suite.key, "echo in"), "in\n");
  const status = succeeded(await server.ask("container-status", { username }), "status");
  assert.ok(status.memoryBytes > 0 && status.pids > 0, JSON.stringify(status));
  succeeded(await server.ask("container-logs", { username }), "logs");
  assertDeployed(await server.ask("stop_container", { USERNAME: username }), 200);
  assert.equal(await server.ask("check_if_container_running", { USERNAME: username }), false);
  assertDeployed(await server.ask("resume_container", { USERNAME: username }), 200);
  await assertInDocker(username, created);
  succeeded(await server.ask("delete-container", { username }), "delete");
  await assertNotInDocker(username);
}

suite.test("Docker Engine 29 (API 1.44 to 1.52): 1.44 is spoken, found by a ping at the beginning", async () => {
  const engine = await open("1.52", "1.44");
  const { server, dockhost } = await connect(engine);
  await live(server, suite.user());
  assert.deepEqual([...engine.versions.spoken], ["1.44"]);
  assert.equal(engine.versions.refused, 0);
  assert.equal(engine.docker.seen("GET", /^\/version$/).length, 0);
  assert.equal(engine.versions.pings, 1);
  assert.equal(dockhost.matching(/ warn /).length, 0, dockhost.tail());
  await dockhost.stop();
});

suite.test("one that speaks only what is newer than all we know (1.60 to 1.99): its oldest is spoken", async () => {
  const engine = await open("1.99", "1.60");
  const { server, dockhost } = await connect(engine);
  await live(server, suite.user());
  assert.deepEqual([...engine.versions.spoken], ["1.60"]);
  assert.ok(engine.versions.refused <= 2, `${engine.versions.refused} calls were refused`);
  await dockhost.stop();
});

suite.test("one that is upgraded under way, without a pause: the next command speaks the new version, and is done once",
  async () => {
    const engine = await open("1.41");
    const { server, dockhost } = await connect(engine);
    const username = suite.user();
    succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey }));
    Object.assign(engine.versions, { newest: "1.52", oldest: "1.44", refused: 0 });
    const other = suite.user();
    succeeded(await server.ask("create-container", { username: other, sshPublicKey: suite.key.publicKey }));
    assert.deepEqual([...engine.versions.spoken], ["1.41", "1.44"]);
    assert.equal(engine.versions.refused, 1);
    assert.equal((await ofUser(other)).length, 1);
    succeeded(await server.ask("delete-container", { username }));
    succeeded(await server.ask("delete-container", { username: other }));
    assert.equal(engine.versions.refused, 1);
    assert.equal(server.connections.length, 1);
    await dockhost.stop();
  });

suite.test("one that is too old (1.40): each command and check says what to do, and an upgrade is noticed", async () => {
  const engine = await open("1.40", "1.12");
  const { server, dockhost } = await connect(engine);
  await dockhost.line(TOO_OLD);
  const username = suite.user();
  const create = () => server.ask("create-container", { username, sshPublicKey: suite.key.publicKey });
  assert.match(failed(await create()), TOO_OLD);
  assert.match(failed(await server.ask("list-containers", {})), TOO_OLD);
  assert.equal(engine.versions.spoken.size, 0);
  assert.equal(dockhost.matching(/docker:.*is too old/).length, 1);

  const { code, stdout } = await suite.cli(["check"], { settings: engine.settings });
  assert.equal(code, 1);
  assert.match(stdout, TOO_OLD);

  engine.versions.newest = "1.41";
  await dockhost.line(/Docker answers at/);
  await until(async () => (await create()).success, "the newer Docker to be used");
  succeeded(await server.ask("delete-container", { username }));
  await dockhost.stop();
});
