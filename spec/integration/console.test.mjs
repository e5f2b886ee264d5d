// The console's API: what it answers to whom, what it streams, and who is kept out.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { before } from "node:test";
import { promisify } from "node:util";
import { Console } from "../support/console-client.mjs";
import * as docker from "../support/docker.mjs";
import { DockerProxy } from "../support/docker-proxy.mjs";
import { BINARY, environment, ROOT } from "../support/dockhost.mjs";
import { failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until, within } from "../support/until.mjs";

const run = promisify(execFile);
const suite = new Suite("console");
const PORT = suite.ports.end;
const NOBODY = 65534;
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
  + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

let home;
let server;
let proxy;
let dockhost;
let web;

const consoleSettings = (port, more = {}) => ({ DOCKHOST_CONSOLE: `127.0.0.1:${port}`, ...more });
const tokenOf = async (where) => (await readFile(join(where, "state/console-token"), "utf8")).trim();
const consoleAt = async (where, port) => suite.closing(new Console(port, await tokenOf(where)), (it) => it.close());

before(async () => {
  home = await suite.home();
  server = await suite.server();
  proxy = suite.closing(await new DockerProxy(join(home, "docker.sock")).open(), (it) => it.close());
  dockhost = await suite.connect(server, { home, settings: consoleSettings(PORT, { DEBUG: "*", DOCKER_HOST: proxy.host }) });
  await dockhost.line(/Docker answers/);
  web = await consoleAt(home, PORT);
});

/** A test whose streams end with it. */
const test = (name, body) => suite.test(name, async () => {
  try {
    await body();
  } finally {
    web.close();
  }
});

async function create(username, at = web) {
  const { status, reply } = await at.command("create-container", { username, sshPublicKey: suite.key.publicKey });
  assert.equal(status, 200);
  return succeeded(reply);
}

/** Another process's command, with the same settings. */
async function call(event, payload) {
  const { code, stdout, stderr } = await suite.cli(["call", event, JSON.stringify(payload)], { home });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("commands are the main server's, with the reply's status as HTTP's", async () => {
  const username = suite.user();
  const created = await create(username);
  const again = await web.command("create-container", { username, sshPublicKey: suite.key.publicKey });
  assert.equal(again.status, 409);
  failed(again.reply);
  const listed = await web.json("/api/containers");
  const entry = listed.containers.find((one) => one.username === username);
  assert.deepEqual({ id: entry.containerId, ports: entry.ports, state: entry.state },
    { id: created.containerId, ports: created.ports, state: "running" });
  const exists = await web.command("check_if_container_exists", { USERNAME: username });
  assert.deepEqual([exists.status, exists.reply], [200, true]);
  assert.equal((await web.command("dance", {})).status, 404);
  assert.equal((await web.command("stop-container", { username: "connect" })).status, 400);
  const deleted = await web.command("delete_container", { USERNAME: username });
  assert.deepEqual([deleted.status, deleted.reply.status, deleted.reply.success], [200, 200, true]);
  const { commands } = await web.json("/api/state");
  assert.deepEqual(commands.slice(0, 2).map(({ event, status, source }) => [event, status, source]),
    [["delete_container", 200, "console"], ["stop-container", 400, "console"]]);
});

test("the state tells of the node, the connection, Docker and capacity", async () => {
  const state = await web.json("/api/state");
  const { ServerVersion: version } = await docker.info();
  assert.match(state.version, /^\d+\.\d+\.\d+$/);
  assert.ok(Math.abs(state.time - Date.now() / 1000) < 60);
  assert.equal(state.connection.state, "connected");
  assert.equal(state.connection.server, server.url.replace("http", "ws"));
  assert.ok(state.connection.latencyMs !== null && state.connection.latencyMs < 1000, `${state.connection.latencyMs} ms`);
  assert.equal(state.connection.reconnects, 0);
  assert.deepEqual([state.docker.up, state.docker.version, state.docker.image.state], [true, version, "present"]);
  assert.equal(state.capacity.most, 50);
  assert.ok(state.node.commands >= 7 && state.node.uptimeSeconds >= 0);
  assert.ok(state.log.some(({ message }) => message.includes("accepted by the main server")));
});

test("a stream shows what other processes do to containers, and what those use", async () => {
  const username = suite.user();
  const of = (list) => list.find((one) => one.username === username);
  const stream = await web.watch();
  assert.equal(of((await stream.next("state")).containers), undefined);
  await call("create-container", { username, sshPublicKey: suite.key.publicKey });
  await stream.next("containers", (list) => of(list)?.state === "running");
  const usage = await stream.next("usage", (all) => all[username]?.cpuPercent !== undefined);
  assert.ok(usage[username].memoryBytes > 0 && usage[username].memoryLimit === 512 * 1024 * 1024, JSON.stringify(usage));
  await call("stop-container", { username });
  await stream.next("containers", (list) => of(list)?.state === "exited");
  const from = stream.mark();
  await call("delete-container", { username });
  await stream.next("containers", (list) => !of(list), { from });
  await stream.next("capacity", () => true, { from });
});

test("a stream shows commands of the main server, and the log", async () => {
  const username = suite.user();
  const stream = await web.watch();
  const state = await stream.next("state");
  await server.ask("container-status", { username });
  const begun = await stream.next("command", ({ user }) => user === username);
  assert.deepEqual([begun.event, begun.ms, begun.source], ["container-status", null, "server"]);
  const ended = await stream.next("command", ({ id, ms }) => id === begun.id && ms !== null);
  assert.deepEqual([ended.status, ended.success], [404, false]);
  const line = await stream.next("log", ({ level, message }) => level === "info" && message.includes("container-status"));
  assert.ok(line.time >= state.time);
});

test("a stream shows Docker go and come back; readiness tells why it is not ready", async () => {
  assert.deepEqual([(await web.ask("GET", "/readyz")).status, (await web.ask("GET", "/healthz")).status], [200, 200]);
  const stream = await web.watch();
  await stream.next("state");
  await proxy.close();
  const down = await stream.next("docker", ({ up }) => !up);
  assert.match(down.failure, /Docker does not answer/);
  const { status, text } = await web.ask("GET", "/readyz");
  assert.deepEqual([status, JSON.parse(text).docker], [503, "down"]);
  assert.match(JSON.parse(text).reasons[0], /Docker does not answer/);
  assert.equal((await web.ask("GET", "/healthz")).status, 200);
  assert.equal((await web.command("list-containers", {})).status, 503);
  const from = stream.mark();
  await proxy.open();
  await stream.next("docker", ({ up }) => up, { from });
  assert.equal((await web.ask("GET", "/readyz")).status, 200);
});

test("readiness and streams show the main server go and come back", async () => {
  const stream = await web.watch();
  await stream.next("state");
  const { port } = server;
  await server.close();
  await stream.next("connection", ({ state, nextTryAt }) => state === "waiting" && nextTryAt > 0);
  const { status, text } = await web.ask("GET", "/readyz");
  assert.equal(status, 503);
  assert.match(JSON.parse(text).reasons[0], /main server/);
  const from = stream.mark();
  await server.listen(port);
  const back = await stream.next("connection", ({ state }) => state === "connected", { from, timeout: 30000 });
  assert.ok(back.reconnects >= 1);
});

test("a container's log is streamed and followed to its end", async () => {
  const username = suite.user("lög s");
  const path = `/api/logs/${encodeURIComponent(username)}`;
  await create(username);
  const [{ Id }] = await docker.ofUser(username);
  await docker.exec(Id, ["sh", "-c", "echo 'early <b>&amp;' > /proc/1/fd/1"]);
  const stream = await web.watch(`${path}?tail=200&follow=1`);
  await stream.next("line", (line) => line === "early <b>&amp;");
  await docker.exec(Id, ["sh", "-c", "echo late > /proc/1/fd/2"]);
  await stream.next("line", (line) => line === "late");
  const short = await web.watch(`${path}?tail=1`);
  assert.equal((await short.next("end")).message, "this is all");
  await until(() => short.ended, "the end of a stream that follows nothing");
  await web.command("stop-container", { username });
  assert.match((await stream.next("end")).message, /the container is exited/);
  await until(() => stream.ended, "the end of the stream");
  await web.command("delete-container", { username });
  assert.equal((await web.get(path)).status, 404);
});

test("at most 16 streams are open", async () => {
  const open = () => until(async () => {
    const stream = await web.watch();
    return stream.status === 200 && stream;
  }, "room for a stream");
  const streams = await Promise.all(Array.from({ length: 16 }, open));
  await Promise.all(streams.map((stream) => stream.next("state")));
  const { status, text } = await web.get("/api/events");
  assert.equal(status, 503);
  assert.match(failed(JSON.parse(text)), /too many streams/);
  streams[7].close();
  await (await open()).next("state");
});

/** Whether a connection to the console stands, as its side of the kernel sees it: the reader's own would have to read. */
function stands(localPort) {
  // Not by the promise: that of Node 18 ends with the first page.
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  const ends = (line) => line.trim().split(/\s+/).slice(1, 4);
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  return lines.map(ends).some(([from, to, state]) => state === "01" && from?.endsWith(`:${hex(PORT)}`)
    && to.endsWith(`:${hex(localPort)}`));
}

let lazy;
let talker;

test("readers that do not read disturb nobody", async () => {
  talker = suite.user("talker");
  await create(talker);
  const [{ Id }] = await docker.ofUser(talker);
  await docker.exec(Id, ["sh", "-c", `yes ${"0123456789".repeat(100)} | head -n 12000 > /proc/1/fd/1`]);
  const path = `/api/logs/${talker}?tail=10000&follow=1`;
  lazy = await Promise.all([1, 2, 3].map(() => web.send("GET", path, { headers: web.bearer })));
  suite.closing(lazy, (responses) => responses.forEach((response) => response.destroy()));
  for (const { statusCode, socket } of lazy) {
    assert.equal(statusCode, 200);
    assert.ok(stands(socket.localPort), "a reader is connected");
  }
  const stream = await web.watch();
  await stream.next("state");
  // Before any of them is dropped.
  assert.equal((await web.ask("GET", "/healthz")).status, 200);
  for (const { socket } of lazy) assert.ok(stands(socket.localPort), "a reader is still connected");
});

test("the page is served with the token alone, by way of a cookie", async () => {
  const entered = await web.ask("GET", `/?token=${web.token}`);
  assert.deepEqual([entered.status, entered.headers.location], [303, "/"]);
  const [cookie] = entered.headers["set-cookie"];
  assert.match(cookie, /^dockhost-\d+=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
  const headers = { cookie: cookie.split(";")[0] };
  for (const [path, type, file] of [["/", "text/html; charset=utf-8", "index.html"],
    ["/console.js", "text/javascript; charset=utf-8", "console.js"],
    ["/console.css", "text/css; charset=utf-8", "console.css"],
    ["/favicon.svg", "image/svg+xml", "favicon.svg"]]) {
    const answer = await web.ask("GET", path, { headers });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, type], path);
    assert.equal(answer.text, await readFile(join(ROOT, "lib/dockhost/console/page", file), "utf8"));
    const head = await web.ask("HEAD", path, { headers });
    assert.deepEqual([head.status, head.text, head.headers["content-length"]],
      [200, "", answer.headers["content-length"]]);
  }
  assert.equal((await web.ask("GET", "/api/state", { headers })).status, 200);
  assert.equal((await web.ask("GET", "/../console/token.lua", { headers })).status, 404);
});

const PROTECTED = [["GET", "/"], ["GET", "/console.js"], ["GET", "/console.css"], ["GET", "/api/state"],
  ["GET", "/api/containers"], ["GET", "/api/events"], ["GET", "/api/logs/ada"], ["POST", "/api/commands/list-containers"],
  ["GET", "/nowhere"], ["PUT", "/api/state"], ["HEAD", "/api/state"]];

/** What each of a list of headers gets, at every path that needs the token. */
async function attempt(attempts, expected, at = web) {
  for (const headers of attempts) {
    for (const [method, path] of PROTECTED) {
      const body = method === "POST" ? "{}" : undefined;
      const { status, text } = await at.ask(method, path,
        { headers: { "content-type": method === "POST" ? "application/json" : null, ...headers }, body });
      assert.ok(expected.includes(status), `${method} ${path} with ${JSON.stringify(headers)}: ${status}`);
      assert.ok(!text.includes(at.token) && !text.includes("containers"), text);
    }
  }
}

test("without the token, or with another, nothing is served", async () => {
  const { token } = web;
  const other = token.replace(/./g, (digit) => (digit === "0" ? "1" : "0"));
  await attempt([{}, { authorization: `Bearer ${other}` }, { authorization: `Bearer ${token.slice(1)}` },
    { authorization: `Bearer ${token}0` }, { authorization: token }, { authorization: `Basic ${token}` },
    { cookie: `dockhost-${PORT}=${other}` }, { cookie: `dockhost-${PORT}=${token}` }, { cookie: `token=${token}` },
    { cookie: `dockhost-1=${token}` },
    { cookie: `dockhost-${PORT}=` }], [401]);
  for (const path of [`/api/state?token=${token}`, `/console.js?token=${token}`, `/?token=${other}`, "/?token=",
    `/?token=${token.slice(1)}`, `/api/events?token=${token}`]) {
    const { status, headers } = await web.ask("GET", path);
    assert.deepEqual([status, headers["set-cookie"]], [401, undefined], path);
  }
});

test("a page of another site gets nothing, by its name, its origin or a form, with the token too", async () => {
  const names = ["evil.example", `evil.example:${PORT}`, `127.0.0.1:${PORT + 1}`, `127.0.0.1.evil.example:${PORT}`,
    `localhost.evil.example:${PORT}`, "", `127.0.0.1:${PORT}@evil.example`];
  await attempt(names.map((host) => ({ ...web.bearer, host })), [421, 400]);
  const origins = ["http://evil.example", "null", `https://127.0.0.1:${PORT}`, `http://localhost:${PORT}`,
    `http://127.0.0.1:${PORT + 1}`];
  await attempt(origins.map((origin) => ({ ...web.bearer, origin })), [403]);
  const sites = ["cross-site", "same-site"];
  await attempt(sites.map((site) => ({ "sec-fetch-site": site })), [403, 401]);
  for (const site of sites) {
    assert.equal((await web.command("list-containers", {}, { "sec-fetch-site": site })).status, 403);
    assert.equal((await web.get("/api/events", { "sec-fetch-site": site })).status, 403);
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", null]) {
    assert.equal((await web.command("list-containers", {}, { "content-type": type })).status, 415, type);
  }
  for (const host of names) {
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const { status } = await web.ask("GET", path, { headers: { host } });
      // An address is no name that could be rebound, whatever its port.
      const expected = host === `127.0.0.1:${PORT + 1}` ? [200] : [421, 400];
      assert.ok(expected.includes(status), `${path} at ${host}: ${status}`);
    }
  }
  const own = await web.command("list-containers", {},
    { origin: `http://127.0.0.1:${PORT}`, "sec-fetch-site": "same-origin" });
  assert.equal(own.status, 200);
});

test("what is too large or malformed is refused", async () => {
  const large = await web.ask("POST", "/api/commands/list-containers", {
    headers: { ...web.bearer, "content-type": "application/json" }, body: JSON.stringify({ username: "x".repeat(70000) }),
  });
  assert.equal(large.status, 413);
  for (const body of ["{", "username=ada", "[".repeat(2000)]) {
    const answer = await web.ask("POST", "/api/commands/list-containers",
      { headers: { ...web.bearer, "content-type": "application/json" }, body });
    assert.equal(answer.status, 400);
    failed(JSON.parse(answer.text));
  }
  assert.equal((await web.ask("GET", "/healthz")).status, 200);
});

test("every answer bounds what a page may do", async () => {
  const type = { "content-type": "application/json" };
  const answers = [web.get("/"), web.get("/console.js"), web.get("/api/state"), web.get("/nowhere"), web.ask("GET", "/"),
    web.ask("GET", "/healthz"), web.ask("GET", "/readyz"), web.ask("GET", "/metrics"),
    web.ask("GET", `/?token=${web.token}`),
    web.get("/", { host: "evil.example" }), web.get("/api/state", { origin: "http://evil.example" }),
    web.ask("PUT", "/", { headers: web.bearer }), web.command("dance", {}),
    web.ask("POST", "/api/commands/x", { headers: { ...web.bearer, ...type }, body: "{" })];
  for (const { status, headers } of await Promise.all(answers)) {
    assert.equal(headers["content-security-policy"], POLICY, status);
    assert.deepEqual(["x-content-type-options", "referrer-policy", "cache-control", "cross-origin-resource-policy"]
      .map((name) => headers[name]), ["nosniff", "no-referrer", "no-store", "same-origin"], `${status}`);
    assert.equal(headers["access-control-allow-origin"], undefined);
  }
});

/** Runs a script of ours as another user, with what it prints. */
async function asNobody(script) {
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script],
    { uid: NOBODY, gid: NOBODY, cwd: "/", env: { PATH: process.env.PATH } });
  return JSON.parse(stdout);
}

test("another user of the machine gets health and metrics, and no way to the token", async () => {
  const directory = join(home, "state");
  const file = join(directory, "console-token");
  assert.deepEqual([(await stat(directory)).mode & 0o777, (await stat(file)).mode & 0o777], [0o700, 0o600]);
  assert.match(web.token, /^[0-9a-f]{32}$/);
  // Whoever may look into the directories above finds the way barred.
  await chmod(home, 0o755);
  const statuses = await asNobody(`
    const status = async (path, init) => (await fetch("http://${web.host}" + path, init)).status;
    const posted = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const found = {};
    for (const path of ["/healthz", "/readyz", "/metrics", "/", "/api/state", "/api/containers", "/api/events",
      "/api/logs/ada"]) found[path] = await status(path);
    found.command = await status("/api/commands/list-containers", posted);
    console.log(JSON.stringify(found));
    process.exit();`);
  assert.deepEqual(statuses, { "/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 401, "/api/state": 401,
    "/api/containers": 401, "/api/events": 401, "/api/logs/ada": 401, command: 401 });
  const read = await asNobody(`
    import { readFileSync } from "node:fs";
    const found = {};
    for (const path of [${JSON.stringify(file)}, "/proc/${dockhost.pid}/environ", "/proc/${dockhost.pid}/mem",
      "/proc/${dockhost.pid}/maps", "/proc/${dockhost.pid}/cmdline"]) {
      try { found[path] = readFileSync(path, "latin1"); } catch (error) { found[path] = error.code; }
    }
    console.log(JSON.stringify(found));`);
  assert.equal(read[file], "EACCES");
  for (const [path, text] of Object.entries(read)) assert.ok(!text.includes(web.token), `${path} shows the token`);
});

test("the token is in no line of the log, whatever is logged, and `dockhost console` prints it", async () => {
  const { token } = web;
  await web.command("container-status", { username: token });
  await web.command(token, {});
  await server.ask("container-status", { username: token });
  const { code, stdout, stderr } = await suite.cli(["console"], { home, settings: consoleSettings(PORT, { DEBUG: "*" }) });
  assert.deepEqual([code, stdout], [0, `http://127.0.0.1:${PORT}/?token=${token}\n`]);
  assert.ok(!stderr.includes(token));
  assert.ok(dockhost.lines.length > 100, "much was logged");
  assert.ok(dockhost.matching(/container-status/).length > 0);
  assert.ok(!dockhost.stderr.includes(token) && !dockhost.stdout.includes(token), "the token is in the log");
  for (let i = 0; i + 12 <= token.length; i += 1) {
    assert.ok(!dockhost.stderr.includes(token.slice(i, i + 12)), "a piece of the token is in the log");
  }
});

test("an address that is taken is a warning, and the node serves all the same", async () => {
  const taken = net.createServer();
  await new Promise((resolve) => taken.listen(PORT - 1, "127.0.0.1", resolve));
  const other = await suite.server();
  const where = await suite.home();
  await writeFile(join(where, ".env"), `DOCKHOST_CONSOLE=127.0.0.1:${PORT - 1}\n`);
  const node = await suite.connect(other, { home: where, settings: { DOCKHOST_CONSOLE: undefined } });
  assert.match(await node.line(/the console can't listen/), new RegExp(`127\\.0\\.0\\.1:${PORT - 1}.*goes on`));
  succeeded(await other.ask("list-containers", {}));
  await new Promise((resolve) => taken.close(resolve));
  node.signal("SIGHUP");
  await node.line(/the console is at/);
  const at = await consoleAt(where, PORT - 1);
  assert.equal((await at.get("/api/state")).status, 200);

  // A stream ends with the address that it was opened at; the node's connection stays.
  const stream = await at.watch();
  await stream.next("state");
  await writeFile(join(where, ".env"), `DOCKHOST_CONSOLE=localhost:${PORT - 2}\n`);
  node.signal("SIGHUP");
  await node.line(new RegExp(`the console is at http://localhost:${PORT - 2}/`));
  await until(() => stream.ended, "the end of the stream");
  await assert.rejects(at.ask("GET", "/healthz"), { code: "ECONNREFUSED" });
  const moved = await consoleAt(where, PORT - 2);
  assert.equal((await moved.get("/api/state")).status, 200);
  await writeFile(join(where, ".env"), "DOCKHOST_CONSOLE=off\n");
  node.signal("SIGHUP");
  await node.line(/the console is off/);
  await assert.rejects(moved.ask("GET", "/healthz"), { code: "ECONNREFUSED" });
  assert.equal(other.connections.length, 1);
});

test("README's lines for scripts work as they stand there", async () => {
  const [, lines] = (await readFile(join(ROOT, "README.md"), "utf8")).match(/<!-- run: console -->\n```sh\n([^]*?)```/);
  const text = lines.replaceAll("127.0.0.1:3002", web.host).replaceAll("build/dockhost", BINARY);
  const env = environment(home, suite.settings(consoleSettings(PORT)));
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", text], { cwd: home, env });
  const [containers, listed, ready] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  for (const list of [containers, succeeded(listed)]) {
    assert.ok(list.containers.some(({ username }) => username === talker));
  }
  assert.equal(ready.ready, true);
});

test("readers that did not read are dropped in the end", async () => {
  await Promise.all(lazy.map(({ socket }) => until(() => !stands(socket.localPort),
    "a reader that does not read to be dropped", { timeout: 40000, every: 200 })));
  await web.command("delete-container", { username: talker });
});

test("a new token, made by SIGHUP, shuts out who has the old one", async () => {
  const stream = await web.watch();
  await stream.next("state");
  await rm(join(home, "state/console-token"));
  dockhost.signal("SIGHUP");
  await until(() => stream.ended, "the end of the stream");
  assert.equal((await web.get("/api/state")).status, 401);
  web.token = await tokenOf(home);
  assert.equal((await web.get("/api/state")).status, 200);
});

test("local mode is ready without a main server; the token outlives the process", async () => {
  const where = await suite.home();
  const settings = consoleSettings(PORT - 3);
  const start = async () => {
    const node = await suite.launch(["run"], { home: where, settings });
    await node.line(/the console is at/);
    await node.line(/Docker answers/);
    return node;
  };
  const node = await start();
  const local = await consoleAt(where, PORT - 3);
  const { status, text } = await local.ask("GET", "/readyz");
  assert.deepEqual([status, JSON.parse(text)], [200, { ready: true, docker: "up", server: "local" }]);
  const username = suite.user();
  await create(username, local);
  const state = await local.json("/api/state");
  assert.equal(state.connection.state, "local");
  assert.ok(state.containers.some((one) => one.username === username));
  assert.equal((await local.command("delete-container", { username })).status, 200);
  const stream = await local.watch();
  await stream.next("state");
  await node.stop();
  await until(() => stream.ended, "the end of the stream");
  const next = await start();
  assert.equal(await tokenOf(where), local.token);
  assert.equal((await local.get("/api/state")).status, 200);
  await next.stop();
});
