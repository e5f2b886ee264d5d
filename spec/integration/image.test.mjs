// The instance image by itself, without the worker: who may log in, what survives, how it ends.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE } from "../support/dockhost.mjs";
import { makeKeyPair } from "../support/ssh.mjs";
import { until } from "../support/until.mjs";

const prefix = `dockhost-image-test-${process.pid}-`;
const names = [];
let scratch, first, second;

const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
const docker = (...args) => run("docker", ...args);
const inside = (name, script) => docker("exec", name, "sh", "-c", script);
const running = (name) => docker("inspect", "--format", "{{.State.Running}}", name) === "true";

function create({ keys, init = true } = {}) {
  const name = prefix + names.length;
  docker("create", "--name", name, `--init=${init}`, "--cap-drop", "NET_RAW", "--cap-drop", "MKNOD",
    "--publish", "127.0.0.1::22", ...(keys ? ["--env", `SSH_PUB_KEY=${keys}`] : []), IMAGE);
  names.push(name);
  return name;
}

/** Starts an instance and waits for sshd to answer. */
async function start(name) {
  docker("start", name);
  await until(() => hostKeys(name).length > 0, `sshd of ${name}`);
  return name;
}

/** Puts an authorized_keys into a container the way the worker does: as an archive, before its first start. */
function upload(name, text) {
  const home = join(scratch, `home-${name}`);
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".ssh", "authorized_keys"), text, { mode: 0o600 });
  const archive = execFileSync("tar", ["--owner=0", "--group=0", "-C", home, "-c", ".ssh"]);
  execFileSync("docker", ["cp", "-", `${name}:/root`], { input: archive, stdio: ["pipe", "ignore", "pipe"] });
}

const port = (name) => docker("port", name, "22/tcp").split(":").pop();

function hostKeys(name) {
  const scan = spawnSync("ssh-keyscan", ["-p", port(name), "-T", "2", "127.0.0.1"], { encoding: "utf8" });
  return scan.stdout.split("\n").filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(" ").slice(1).join(" ")).sort();
}

const sshArguments = (name, key) => ["-F", "/dev/null", "-p", port(name), "-i", key.file, "-o", "IdentitiesOnly=yes",
  "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=no",
  "-o", "UserKnownHostsFile=/dev/null"];

const ssh = (name, key, ...words) =>
  spawnSync("ssh", [...sshArguments(name, key), ...words], { encoding: "utf8", timeout: 20000 });

function assertLogsIn(name, key) {
  const result = ssh(name, key, "root@127.0.0.1", "id -un");
  assert.deepEqual([result.status, result.stdout.trim()], [0, "root"], result.stderr);
}

/** Sends SIGTERM and returns the seconds until the container has ended, with its exit code. */
function terminate(name) {
  const began = Date.now();
  docker("kill", "--signal", "TERM", name);
  const code = Number(docker("wait", name));
  return { seconds: (Date.now() - began) / 1000, code };
}

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), "dockhost-image-"));
  [first, second] = await Promise.all([makeKeyPair("first@example"), makeKeyPair("second@example")]);
});

after(async () => {
  if (names.length > 0) docker("rm", "--force", "--volumes", ...names);
  rmSync(scratch, { recursive: true, force: true });
  await Promise.all([first.remove(), second.remove()]);
});

test("the image holds no host key and no machine id", () => {
  const listing = docker("run", "--rm", "--name", `${prefix}listing`, IMAGE, "sh", "-c",
    "ls /etc/ssh; wc -c </etc/machine-id; ls /root/.ssh 2>/dev/null || true");
  assert.doesNotMatch(listing, /ssh_host_/);
  assert.match(listing, /^0$/m);
  assert.doesNotMatch(listing, /authorized_keys/);
});

test("every key of SSH_PUB_KEY lets root in, and the variable stays out of the session", async () => {
  const name = await start(create({ keys: `${first.publicKey}\n${second.publicKey}` }));
  assertLogsIn(name, first);
  assertLogsIn(name, second);
  assert.equal(ssh(name, first, "root@127.0.0.1", "printenv SSH_PUB_KEY").status, 1);
});

test("an uploaded authorized_keys is kept as it is, and only what it lacks is added", async () => {
  const uploaded = `# mine\n${first.publicKey}`; // no newline at its end
  const name = create({ keys: `${first.publicKey} other comment\n${second.publicKey}` });
  upload(name, uploaded);
  await start(name);
  assert.equal(inside(name, "cat /root/.ssh/authorized_keys"), `${uploaded}\n${second.publicKey}`);
  assert.equal(inside(name, "stat -c '%a %U' /root/.ssh /root/.ssh/authorized_keys"), "700 root\n600 root");
  assertLogsIn(name, first);
  assertLogsIn(name, second);
});

test("an uploaded authorized_keys is enough without SSH_PUB_KEY", async () => {
  const name = create();
  upload(name, `${second.publicKey}\n`);
  await start(name);
  assertLogsIn(name, second);
  assert.equal(ssh(name, first, "root@127.0.0.1", "true").status, 255);
});

test("a key that its owner took out stays out after a restart", async () => {
  const name = await start(create({ keys: `${first.publicKey}\n${second.publicKey}` }));
  inside(name, "sed -i '/first@example/d' /root/.ssh/authorized_keys");
  docker("stop", name);
  await start(name);
  assertLogsIn(name, second);
  assert.equal(ssh(name, first, "root@127.0.0.1", "true").status, 255);
});

test("nothing but a key is ever asked for, even where root has a password", async () => {
  const name = await start(create({ keys: first.publicKey }));
  inside(name, "echo root:secret | chpasswd");
  const result = ssh(name, second, "-o", "PubkeyAuthentication=no", "-o",
    "PreferredAuthentications=password,keyboard-interactive", "root@127.0.0.1", "true");
  assert.equal(result.status, 255);
  assert.match(result.stderr, /Permission denied \(publickey\)/);
});

test("host keys are each instance's own and survive stop and start", async () => {
  const one = await start(create({ keys: first.publicKey }));
  const other = await start(create({ keys: first.publicKey }));
  const keys = hostKeys(one);
  assert.ok(keys.length >= 2, `host keys: ${keys}`);
  assert.deepEqual(keys.filter((key) => hostKeys(other).includes(key)), []);
  docker("stop", one);
  await start(one);
  assert.deepEqual(hostKeys(one), keys);
});

for (const init of [true, false]) {
  test(`SIGTERM ends it promptly ${init ? "under docker-init" : "as PID 1"}, a session open or not`, async () => {
    const name = await start(create({ keys: first.publicKey, init }));
    const session = spawn("ssh", [...sshArguments(name, first), "root@127.0.0.1", "echo ready; exec sleep 600"]);
    await new Promise((resolve) => session.stdout.once("data", resolve));
    const { seconds, code } = terminate(name);
    session.kill();
    assert.ok(seconds < 2, `took ${seconds} s`);
    assert.notEqual(code, 137);
  });
}

test("sudo works", async () => {
  const name = await start(create({ keys: first.publicKey }));
  const result = ssh(name, first, "root@127.0.0.1", "sudo -u nobody id -un && sudo -n id -un");
  assert.equal(result.stdout, "nobody\nroot\n", result.stderr);
});

test("apt installs a package", async () => {
  const name = await start(create({ keys: first.publicKey }));
  const script = `set -e
    mkdir -p hello/DEBIAN hello/opt && echo hello >hello/opt/hello
    printf 'Package: hello-test\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <n@example>\\nDescription: x\\n' >hello/DEBIAN/control
    dpkg-deb --build hello /tmp/hello.deb && apt-get check && apt-get install -y /tmp/hello.deb && cat /opt/hello`;
  const result = ssh(name, first, "root@127.0.0.1", script);
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /hello\n$/);
});

test("a package script that restarts ssh does not end the instance", async () => {
  const name = await start(create({ keys: first.publicKey }));
  docker("exec", name, "sh", "-c", "invoke-rc.d ssh restart || true");
  assertLogsIn(name, first);
  assert.ok(running(name));
});
