// The key and other passwords: in no line of the log, and nowhere that another process of the same user can look. And
// no name or message from outside can forge a line of the log or steer the terminal that shows it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmod, chown, cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { promisify } from "node:util";
import { BINARY, ROOT } from "../support/dockhost.mjs";
import { MainServer } from "../support/main-server.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("secrets");
const PIECE = 12;
const NOBODY = 65534;
const AS_NOBODY = process.getuid() === 0
  ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
const HOSTILE = "one\nFORGED\r\nFORGED\u001b[2J\u2028FORGED\u2029\u0085FORGED\u009b31m\u202egnp\u2066x\u0007\u007f\u200f\u0000";
const STEERS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

const run = promisify(execFile);

/** The pieces of a text that would be of use to somebody: of a JWT, what follows its constant head. */
function pieces(text) {
  const from = text.startsWith("eyJ") ? text.indexOf(".") + 1 : 0;
  return Array.from({ length: text.length - PIECE - from + 1 }, (_, i) => text.slice(from + i, from + i + PIECE));
}

function assertHidden(secret, text, what) {
  const found = pieces(secret).filter((piece) => text.includes(piece));
  assert.deepEqual(found, [], `${what} shows pieces of a secret:\n${text}`);
}

/** A main server that may refuse everybody, in words of its own. */
class Refusing extends MainServer {
  admit(socket, next) {
    this.shown = socket.handshake.auth.DOCKHOST_API_KEY;
    return this.words ? next(new Error(this.words(this.shown))) : super.admit(socket, next);
  }
}

async function refusing(options) {
  return suite.closing(await new Refusing(options).listen(), (server) => server.close());
}

/** The shipped scripts, with a command that logs, and fails with, whatever it is sent. */
async function scriptsWithEcho() {
  const directory = join(await suite.home(), "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  await writeFile(join(directory, "commands", "shout.lua"), `
return {
  params = { text = "string" },
  run = function(params, ctx)
    ctx.log.warn(params.text, { [params.text] = { params.text }, plain = params.text })
    ctx.log.debug("debug " .. params.text)
    error(params.text)
  end,
}
`);
  return directory;
}

let scripts;
before(async () => {
  scripts = await scriptsWithEcho();
});

for (const format of ["text", "json"]) {
  suite.test(`the key is in no line of the ${format} log, whatever the server sends back`, async () => {
    const server = await refusing();
    const file = join(await suite.home(), "key");
    const [first, second] = [server.key(), server.key("backend-1", { username: "somebody-else" })];
    await writeFile(file, `${first}\n`);
    const dockhost = await suite.connect(server, { args: [scripts],
      settings: { DOCKHOST_API_KEY: undefined, DOCKHOST_API_KEY_FILE: file, DEBUG: "*", DOCKHOST_LOG: format } });
    const [, claims, signature] = first.split(".");
    for (const text of [first, signature, `Bearer ${claims}`, first.slice(-30), `${signature.slice(0, 20)} ${signature.slice(15)}`]) {
      assert.equal((await server.ask("shout", { text })).success, false);
      await server.ask(text, { username: text });
      await server.ask("container-status", { username: text });
      await server.ask("check_if_container_exists", { USERNAME: text });
    }
    for (const [lines, next] of [[`${second}\n${second}\n`, /scripts reloaded/], [second, /accepted by/]]) {
      const from = dockhost.mark();
      await writeFile(file, lines);
      dockhost.signal("SIGHUP");
      await dockhost.line(next, { from });
    }
    await until(() => server.connections.length > 1, "the connection with the new key");
    await server.ask("shout", { text: `${first} was followed by ${second}` });
    server.words = (key) => `no such key: ${key}, ${key.slice(-20)} nor ${first}`;
    const from = dockhost.mark();
    server.io.disconnectSockets(true);
    await dockhost.line(/refuses this node/, { from });
    await dockhost.stop();
    assert.ok(dockhost.matching(/redacted/).length >= 10, dockhost.tail());
    for (const key of [first, second]) assertHidden(key, dockhost.stderr + dockhost.stdout, "the log");
  });
}

suite.test("settings that do not stand show no secret", async () => {
  const key = (await refusing()).key();
  const home = await suite.home();
  await writeFile(join(home, "open.env"), `DOCKHOST_API_KEY="${key}\n${key}\n`);
  await writeFile(join(home, "lines.env"), `MAIN_SERVER=ws://127.0.0.1:1\nDOCKHOST_API_KEY="${key}\\n${key}"\n`);
  const cases = [
    [{ DOCKHOST_API_KEY: `${key}\n${key}` }],
    [{ DOCKHOST_API_KEY: `${key} ${key}` }],
    [{ DOCKHOST_API_KEY: key.repeat(60) }],
    [{ DOCKHOST_API_KEY: key, DOCKHOST_PULL: "sometimes" }],
    [{ MAIN_SERVER_BACKEND_URL: `ws://user:${key}@127.0.0.1:1` }],
    [{ DOCKER_HOST: `tcp://user:${key}@127.0.0.1:1` }],
    [{}, ["--env-file", "open.env"]],
    [{}, ["--env-file", "lines.env"]],
  ];
  const attempts = cases.flatMap(([settings, args = []]) => ["run", "check"].map(async (verb) => {
    const { code, stdout, stderr } = await suite.cli([verb, ...args], { home, settings: { DEBUG: "*", ...settings } });
    assert.equal(code, verb === "run" ? 78 : 1, stderr);
    assert.notEqual(stdout + stderr, "");
    assertHidden(key, stdout + stderr, `${verb} with ${Object.keys(settings)} ${args}`);
  }));
  await Promise.all(attempts);
});

suite.test("a proxy's password is in no message", async () => {
  const password = "correct-horse-battery";
  const directory = await scriptsWithEcho();
  await writeFile(join(directory, "commands", "fetch.lua"), `
return { run = function(_, ctx)
  local answer, message = ctx.http({ url = "http://127.0.0.1:1/" })
  ctx.log.error(tostring(message))
  return nil, tostring(message)
end }
`);
  for (const proxy of [`http://user:${password}@127.0.0.1:1`, `nonsense://user:${password}@127.0.0.1:1`, `http://user:${password}@ [`]) {
    const { code, stdout, stderr } = await suite.cli(["call", "fetch", "--scripts", directory],
      { settings: { http_proxy: proxy, DEBUG: "*" } });
    assert.equal(code, 1);
    assert.notEqual(JSON.parse(stdout).message, "nil");
    assertHidden(password, stdout + stderr, proxy);
  }
});

/** An installed copy that an unprivileged user can run, wherever this tree is. */
async function installedCopy() {
  const root = await suite.home();
  await chmod(root, 0o755);
  await mkdir(join(root, "bin"));
  await cp(BINARY, join(root, "bin/dockhost"));
  for (const part of ["lib", "lua", "host/boot.lua"]) {
    await cp(join(ROOT, part), join(root, "share/dockhost", part), { recursive: true });
  }
  return join(root, "bin/dockhost");
}

/** Starts the copy as an unprivileged user who would like a core file. Its key comes from the environment. */
async function unprivileged(server) {
  const home = await suite.home();
  if (AS_NOBODY.length) await chown(home, NOBODY, NOBODY);
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key() };
  return suite.launch(["run"], { home, settings, binary: await installedCopy(),
    wrapper: ["sh", "-c", 'ulimit -c unlimited && exec "$@"', "sh", ...AS_NOBODY] });
}

/** Reads a file of /proc as the same user, from another process. */
async function readAsNobody(pid, name) {
  const [program, ...args] = [...AS_NOBODY, "head", "-c", "4096", `/proc/${pid}/${name}`];
  return (await run(program, args)).stdout;
}

suite.test("/proc shows the key to nobody", async () => {
  const server = await refusing();
  const dockhost = await unprivileged(server);
  await server.backend();
  const key = server.shown;
  const { pid } = dockhost;
  const control = suite.closing(spawn(AS_NOBODY[0] ?? "env", [...AS_NOBODY.slice(1), "sleep", "600"],
    { env: { PATH: process.env.PATH, SECRET: key } }), (child) => child.kill());
  const shown = () => readAsNobody(control.pid, "environ").catch(() => "");
  await until(async () => (await shown()).includes(key), "the environment of a process that does not care");
  for (const name of ["environ", "maps", "mem", "auxv", "stack"]) {
    await assert.rejects(readAsNobody(pid, name), /Permission denied/, name);
  }
  assert.equal((await stat(`/proc/${pid}/mem`)).uid, 0);
  const cmdline = await readFile(`/proc/${pid}/cmdline`, "utf8");
  assert.match(cmdline, /dockhost\0run\0$/);
  assertHidden(key, cmdline, "the command line");
  if (AS_NOBODY.length) {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8");
    assert.match(environ, /MAIN_SERVER_BACKEND_URL=http/);
    assertHidden(key, environ, "the environment, to root");
  }
  // What was wiped is still known after a reload.
  const from = dockhost.mark();
  dockhost.signal("SIGHUP");
  await dockhost.line(/scripts reloaded/, { from });
  server.io.disconnectSockets(true);
  await until(() => server.connections.length === 2 && server.connected(), "the next connection");
  assert.equal(server.shown, key);
  await dockhost.stop();
});

suite.test("no core is written, and the state directory is its user's alone", async () => {
  const server = await refusing();
  const dockhost = await unprivileged(server);
  await server.backend();
  assert.match(await readFile(`/proc/${dockhost.pid}/limits`, "utf8"), /^Max core file size +0 +0 /m);
  const state = await stat(join(dockhost.home, "state"));
  assert.equal(state.mode & 0o777, 0o700);
  assert.equal((await stat(join(dockhost.home, "state/run.lock"))).mode & 0o777, 0o600);
  dockhost.signal("SIGABRT");
  // The sanitizers make an exit of it.
  assert.ok(["SIGABRT", 1].includes(await dockhost.ended()));
  assert.deepEqual(await readdir(dockhost.home), ["state"]);
});

/** Each physical line is one that we wrote, and none that a name or message made. */
function assertOurs(log, format) {
  const lines = log.split("\n");
  assert.equal(lines.pop(), "", "the last line is whole");
  assert.ok(lines.length > 10);
  for (const line of lines) {
    assert.doesNotMatch(line, STEERS, JSON.stringify(line));
    if (format === "json") {
      const record = JSON.parse(line);
      assert.match(record.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.match(record.level, /^(debug|info|warn|error)$/);
      assert.equal(typeof record.message, "string");
    } else {
      assert.match(line, /^(\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info |warn |error) \S| {4})/);
    }
  }
  assert.ok(lines.filter((line) => line.includes("FORGED")).length >= 4, log);
}

for (const format of ["text", "json"]) {
  suite.test(`names and messages from outside forge no line of the ${format} log`, async () => {
    const server = await refusing();
    const home = await suite.home();
    const scripted = suite.closing(new ScriptedDocker(join(home, "docker.sock")), (peer) => peer.close());
    scripted.use((call) => !call.background && !call.is("GET", /^\/containers\/json/) && (call.answer(500, { message: HOSTILE }), true));
    await scripted.open();
    const dockhost = await suite.connect(server, { args: [scripts],
      settings: { DEBUG: "*", DOCKHOST_LOG: format, DOCKER_HOST: scripted.host } });
    await server.ask("shout", { text: HOSTILE });
    await server.ask(HOSTILE, { username: HOSTILE });
    (await server.backend()).emit(HOSTILE, { username: HOSTILE });
    await server.ask("container-status", { username: HOSTILE.replace(/[\u0000-\u001f\u007f-\u009f]/gu, "") });
    await server.ask("create-container", { username: suite.user(), sshPublicKey: `${suite.key.publicKey} ${HOSTILE}` });
    await server.ask("create-container", { username: suite.user(), sshPublicKey: suite.key.publicKey, startingPort: HOSTILE });
    server.words = () => HOSTILE;
    server.io.disconnectSockets(true);
    await dockhost.line(/refuses this node/);
    await dockhost.stop();
    assertOurs(dockhost.stderr, format);
  });
}
