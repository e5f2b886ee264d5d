// The command line: what each command prints, how it exits, and that the process never starts another program.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { BINARY, IMAGE, ROOT, WRAPPER } from "../support/dockhost.mjs";
import { MainServer } from "../support/main-server.mjs";
import { assertInDocker, assertInstance, assertNotInDocker, assertPlain, failed, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("cli");
const NO_DOCKER = "unix:///nonexistent/docker.sock";
let server;

before(async () => {
  server = await suite.server();
});

const link = () => ({ MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key() });

async function call(event, payload, options) {
  const args = payload === undefined ? [] : [typeof payload === "string" ? payload : JSON.stringify(payload)];
  const { code, stdout, stderr } = await suite.cli(["call", event, ...args], options);
  return { code, stdout, stderr, reply: stdout ? JSON.parse(stdout) : undefined };
}

suite.test("--help and --version", async () => {
  const help = await suite.cli(["--help"]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  for (const word of ["run", "check", "call", "ps", "--version", "--env-file"]) assert.ok(help.stdout.includes(word), word);
  const version = await suite.cli(["--version"]);
  assert.deepEqual([version.code, version.stderr], [0, ""]);
  assert.match(version.stdout, /^dockhost \d+\.\d+\.\d+\S*\n$/);
});

suite.test("what is no command is said so, with where to look", async () => {
  for (const args of [["frobnicate"], ["--frobnicate"], ["call"], ["run", "one", "two"], ["ps", "more"], []]) {
    const { code, stdout, stderr } = await suite.cli(args);
    assert.ok(code > 0 && code !== 78, `${args} exits ${code}`);
    assert.equal(stdout, "");
    assert.match(stderr, /--help|usage/i);
    assert.doesNotMatch(stderr, /traceback/i);
  }
});

suite.test("call: create, list and delete print the reply as JSON", async () => {
  const username = suite.user();
  const made = await call("create-container", { username, sshPublicKey: suite.key.publicKey });
  assert.equal(made.code, 0, made.stderr);
  const created = succeeded(made.reply);
  assertInstance(created);
  await assertInDocker(username, created);
  await ssh(created.ports.ssh, suite.key, "true");
  const listed = await call("list-containers", { username });
  assert.deepEqual(succeeded(listed.reply).containers.map(({ containerId }) => containerId), [created.containerId]);
  const table = await suite.cli(["ps"]);
  assert.equal(table.code, 0);
  const row = table.stdout.split("\n").find((line) => line.includes(username));
  assert.ok(row.includes("running") && row.includes(String(created.ports.ssh)), table.stdout);
  const gone = await call("delete-container", { username });
  assert.deepEqual([gone.code, succeeded(gone.reply)], [0, { containerId: created.containerId }]);
  await assertNotInDocker(username);
});

suite.test("call exits with 1 on success:false, and still prints the reply", async () => {
  const username = suite.user();
  for (const [event, payload] of [["delete-container", { username }], ["create-container", { username }], ["no-such-command", {}],
    ["stop-container", undefined]]) {
    const { code, reply } = await call(event, payload);
    assert.equal(code, 1, event);
    failed(reply, event);
  }
});

suite.test("call with what is no JSON says so", async () => {
  const { code, stdout, stderr } = await suite.cli(["call", "list-containers", "{not json"]);
  assert.ok(code > 0);
  assert.equal(stdout, "");
  assert.match(stderr, /JSON/);
  assertPlain(stderr.trim());
});

suite.test("call and ps without Docker say what to do", async () => {
  const settings = { DOCKER_HOST: NO_DOCKER };
  const { code, reply } = await call("list-containers", {}, { settings });
  assert.equal(code, 1);
  assert.match(failed(reply), /Docker.*\/nonexistent\/docker\.sock/);
  const table = await suite.cli(["ps"], { settings });
  assert.equal(table.code, 1);
  assert.match(table.stderr, /Docker.*docker info/);
});

suite.test("an image that is not there: the reply names it and make image", async () => {
  const username = suite.user();
  const settings = { DOCKHOST_IMAGE: "dockhost-spec-none:none" };
  const { code, reply } = await call("create-container", { username, sshPublicKey: suite.key.publicKey }, { settings });
  assert.equal(code, 1);
  assert.match(failed(reply), /dockhost-spec-none:none.*make image/);
  await assertNotInDocker(username);
});

// Nothing listens on port 1: as when the registry is down.
const UNREACHABLE = { repo: "127.0.0.1:1/dockhost-spec", tag: `run-${process.pid}` };

suite.test("DOCKHOST_PULL: always makes do with the local image, missing says how to get one", async () => {
  const DOCKHOST_IMAGE = `${UNREACHABLE.repo}:${UNREACHABLE.tag}`;
  const username = suite.user();
  const payload = { username, sshPublicKey: suite.key.publicKey };
  const create = (DOCKHOST_PULL) => call("create-container", payload, { settings: { DOCKHOST_IMAGE, DOCKHOST_PULL } });
  const absent = await create("missing");
  assert.equal(absent.code, 1);
  assert.match(failed(absent.reply), /make image/);
  await assertNotInDocker(username);
  await docker.tag(IMAGE, UNREACHABLE.repo, UNREACHABLE.tag);
  suite.closing(DOCKHOST_IMAGE, docker.untag);
  const made = await create("always");
  const { containerId } = succeeded(made.reply);
  assert.equal((await docker.inspect(containerId)).Config.Image, DOCKHOST_IMAGE);
  assert.match(made.stderr, /pull/i);
  succeeded((await call("delete-container", { username })).reply);
});

const TOPICS = [/settings/i, /scripts/i, /docker/i, /image/i, /ports/i, /main server/i, /key/i];

suite.test("check: one line for each thing, and 0 when all is well", async () => {
  const { code, stdout, stderr } = await suite.cli(["check"], { settings: link() });
  assert.equal(code, 0, stdout + stderr);
  const lines = stdout.trim().split("\n");
  for (const topic of TOPICS) assert.ok(lines.some((line) => topic.test(line)), `${topic} in\n${stdout}`);
  assert.ok(lines.length >= 6 && lines.length <= 12, stdout);
  assert.ok(!stdout.includes(link().DOCKHOST_API_KEY));
});

async function failingCheck(settings, pattern) {
  const { code, stdout } = await suite.cli(["check"], { settings });
  assert.equal(code, 1, stdout);
  assert.match(stdout, pattern);
  assert.doesNotMatch(stdout, /traceback|\.lua:\d/i);
  for (const topic of TOPICS.slice(0, 4)) assert.match(stdout, topic);
}

suite.test("check: 1 when something fails, and the line says what to do", async () => {
  await failingCheck({ ...link(), DOCKER_HOST: NO_DOCKER }, /Docker does not answer at .*\/nonexistent\/docker\.sock.*docker info/);
  await failingCheck({ ...link(), DOCKHOST_API_KEY: "bad.key.AAAA" }, /Invalid DOCKHOST_API_KEY/);
  await failingCheck({ ...link(), DOCKHOST_IMAGE: "dockhost-spec-none:none" }, /dockhost-spec-none:none.*make image/);
  const absent = await new MainServer().listen();
  await absent.close();
  await failingCheck({ ...link(), MAIN_SERVER_BACKEND_URL: absent.url }, new RegExp(`127\\.0\\.0\\.1:${absent.port}`));
});

suite.test("check without a main server is all well in local mode", async () => {
  const { code, stdout } = await suite.cli(["check"]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /local mode/i);
});

const BAD_SETTINGS = {
  DOCKHOST_PORT_START: ["abc", "0", "70000", "-1", "1.5"],
  DOCKHOST_PORT_END: ["1", "65536"],
  DOCKHOST_MAX_CONTAINERS: ["-1", "many"],
  DOCKHOST_PULL: ["sometimes"],
  DOCKER_HOST: ["ftp://somewhere", "nonsense"],
  MAIN_SERVER_BACKEND_URL: ["http://", "ftp://x", "http://a b"],
  DOCKHOST_MEMORY: ["12q", "-5m"],
  DOCKHOST_CPUS: ["x", "-1"],
  DOCKHOST_PIDS: ["1.5"],
  DOCKHOST_LOG: ["xml"],
  DOCKHOST_CONSOLE: ["nonsense", "127.0.0.1:99999"],
  DOCKHOST_LAN_IP: ["not an address"],
};

suite.test("bad settings: 78, with the variable, its problem and an example", async () => {
  const cases = Object.entries(BAD_SETTINGS).flatMap(([name, values]) => values.map((value) => [name, value]));
  for (const [name, value] of cases) {
    const { code, stderr } = await suite.cli(["run"], { settings: { ...link(), [name]: value } });
    assert.equal(code, 78, `${name}=${value}: ${stderr}`);
    const line = stderr.split("\n").find((text) => text.includes(name));
    assert.match(line ?? "", new RegExp(`${name}=\\S`), `${name}=${value}: an example in ${stderr}`);
    assert.doesNotMatch(stderr, /traceback/i);
  }
});

suite.test("a main server without a key: 78 and what to do", async () => {
  const { code, stderr } = await suite.cli(["run"], { settings: { MAIN_SERVER_BACKEND_URL: server.url } });
  assert.equal(code, 78);
  assert.match(stderr, /DOCKHOST_API_KEY/);
});

suite.test("an unknown DOCKHOST_ name is warned about, and no more", async () => {
  const process = await suite.connect(server, { settings: { DOCKHOST_IMGE: "x" } });
  assert.match(await process.line(/DOCKHOST_IMGE/), /DOCKHOST_IMAGE/);
  await process.stop();
});

suite.test(".env in the working directory, and the environment wins", async () => {
  const home = await suite.home();
  const lines = ["# a comment", "export DOCKHOST_PULL='never'", `DOCKHOST_PORT_START="${suite.ports.start + 30}"  # quoted`,
    `DOCKHOST_PORT_END=${suite.ports.start + 80}`, "DOCKHOST_IMAGE=dockhost-spec-none:none", ""];
  await writeFile(join(home, ".env"), lines.join("\n"));
  const username = suite.user();
  const settings = { DOCKHOST_PORT_START: undefined, DOCKHOST_PORT_END: undefined, DOCKHOST_PULL: undefined };
  const { reply } = await call("create-container", { username, sshPublicKey: suite.key.publicKey }, { home, settings });
  assert.equal(succeeded(reply).ports.ssh, suite.ports.start + 30);
  succeeded((await call("delete-container", { username })).reply);
});

suite.test("--env-file names another one, and one that is not there is an error", async () => {
  const home = await suite.home();
  const file = join(home, "other settings");
  await writeFile(file, "DOCKHOST_PULL=sometimes\n");
  const settings = { DOCKHOST_PULL: undefined };
  const bad = await suite.cli(["run", "--env-file", file], { home, settings });
  assert.equal(bad.code, 78, bad.stderr);
  assert.match(bad.stderr, /DOCKHOST_PULL/);
  const missing = await suite.cli(["run", "--env-file", `${home}/nowhere`]);
  assert.equal(missing.code, 78, missing.stderr);
  assert.ok(missing.stderr.includes("nowhere"));
  await writeFile(file, "DOCKHOST_PULL never\n");
  const broken = await suite.cli(["run", "--env-file", file], { settings });
  assert.equal(broken.code, 78, broken.stderr);
  assert.match(broken.stderr, /other settings:1|line 1/);
});

suite.test("without a main server: local mode, and call in another process makes what ssh enters", async () => {
  const local = await suite.launch(["run"]);
  await local.line(/local mode/i);
  const username = suite.user();
  const made = await call("create-container", { username, sshPublicKey: suite.key.publicKey });
  assert.equal(made.code, 0, made.stderr);
  const { ports } = succeeded(made.reply);
  assert.equal(await ssh(ports.ssh, suite.key, "whoami"), "root\n");
  assert.match((await suite.cli(["ps"])).stdout, new RegExp(username));
  assert.equal((await call("delete-container", { username })).code, 0);
  await local.stop();
});

async function brokenScripts(file, text) {
  const directory = join(await suite.home(), "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  await writeFile(join(directory, file), text);
  return directory;
}

suite.test("scripts that do not load: 78 with file, line and why", async () => {
  const cases = [
    ["commands/broken.lua", "return {\n  run = function(\n", /broken\.lua:\d/],
    ["dialect.lua", "\nerror('boom')\n", /dialect\.lua:2: boom/],
    ["commands/rule.lua", "return { params = { a = 'nonsense' }, run = function() end }\n", /rule\.lua.*nonsense/],
  ];
  for (const [file, text, pattern] of cases) {
    const { code, stderr } = await suite.cli(["run", await brokenScripts(file, text)]);
    assert.equal(code, 78, stderr);
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /traceback/i);
  }
  const { code, stderr } = await suite.cli(["run", "/nonexistent/scripts"]);
  assert.equal(code, 78, stderr);
  assert.match(stderr, /\/nonexistent\/scripts/);
});

suite.test("DOCKHOST_LOG=json: each line is one object", async () => {
  const process = await suite.connect(server, { settings: { DOCKHOST_LOG: "json", DEBUG: "dockhost:*" } });
  const username = suite.user();
  failed(await server.ask("delete-container", { username }));
  await process.stop();
  assert.ok(process.lines.length >= 3);
  for (const line of process.lines) assert.equal(typeof JSON.parse(line), "object", line);
});

suite.test("DEBUG adds lines, and the key is in none", async () => {
  const process = await suite.connect(server, { settings: { DEBUG: "dockhost:*" } });
  succeeded(await server.ask("list-containers", {}));
  await process.stop();
  const plain = await suite.connect(server);
  succeeded(await server.ask("list-containers", {}));
  await plain.stop();
  assert.ok(process.lines.length > plain.lines.length, process.stderr);
  assert.ok(!process.stderr.includes(server.key().split(".")[0]));
});

suite.test("a log that nobody reads stops nothing, and says later what is missing", async () => {
  const process = await suite.connect(server, { settings: { DEBUG: "dockhost:*" } });
  process.child.stderr.pause();
  const event = `no-such-${"x".repeat(400)}`;
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 50 }, () => server.ask(event, {})));
  }
  process.child.stderr.resume();
  await until(async () => {
    succeeded(await server.ask("list-containers", {}));
    return process.matching(/lines? dropped/).length;
  }, "the count of the dropped lines");
  await process.stop();
});

suite.test("names made to forge log lines are harmless there", async () => {
  const process = await suite.connect(server);
  const from = process.mark();
  failed(await server.ask("delete-container", { username: "x\n2030-01-01 forged line" }));
  failed(await server.ask("no-such\u001b[2J\nforged event", {}));
  succeeded(await server.ask("list-containers", {}));
  await process.stop();
  assert.ok(!process.lines.slice(from).some((line) => /^(2030-01-01 )?forged/.test(line)), process.tail());
  assert.doesNotMatch(process.stderr, /\u001b\[2J/);
});

const STRACE = ["/usr/bin/strace", "/usr/local/bin/strace"];

async function tracing() {
  const home = await suite.home();
  await mkdir(join(home, "trace"));
  const wrapper = [tracer(), "-f", "-qq", "-e", "trace=execve,execveat,fork,vfork,clone,clone3", "-o", join(home, "trace/out")];
  // A sanitizer's search for leaks does not work in a traced process.
  const settings = { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, "detect_leaks=0"].filter(Boolean).join(":") };
  return { home, wrapper, settings };
}

function tracer() {
  return STRACE.find((path) => {
    try {
      return execFileSync(path, ["-V"]);
    } catch {
      return false;
    }
  });
}

// strace ignores SIGTERM while it has a child, so the child is told.
async function childOf(pid) {
  const found = await until(() => readFile(`/proc/${pid}/task/${pid}/children`, "utf8"), "the traced process");
  return Number(found.trim().split(" ")[0]);
}

async function lifeOfOne() {
  const username = suite.user();
  const { ports } = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey }));
  await ssh(ports.ssh, suite.key, "true");
  for (const event of ["container-status", "container-logs", "stop-container", "start-container", "delete-container"]) {
    succeeded(await server.ask(event, { username }), event);
  }
}

async function childrenOf(pid) {
  const tasks = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "")));
  return texts.join("").trim();
}

suite.test("the process never starts another program", async () => {
  if (!tracer() || WRAPPER.length) {
    const process = await suite.connect(server);
    await lifeOfOne();
    assert.equal(await childrenOf(process.pid), "");
    return process.stop();
  }
  const { home, ...options } = await tracing();
  const process = await suite.connect(server, { home, ...options });
  const traced = await childOf(process.pid);
  // A failure must not leave the child, which would outlive its tracer.
  await lifeOfOne().catch((error) => {
    globalThis.process.kill(traced, "SIGKILL");
    throw error;
  });
  globalThis.process.kill(traced, "SIGTERM");
  assert.equal(await process.ended(), 0);
  const calls = (await readFile(join(home, "trace/out"), "utf8")).split("\n").filter(Boolean);
  const programs = calls.filter((line) => /\bexecve(at)?\(/.test(line));
  assert.equal(programs.length, 1, programs.join("\n"));
  assert.ok(programs[0].includes(BINARY));
  // Threads share their memory; a process of its own does not.
  const forks = calls.filter((line) => /\b(v?fork|clone3?)\(/.test(line));
  const processes = forks.filter((line) => !line.includes("CLONE_THREAD"));
  assert.deepEqual(processes, []);
});
