// `dockhost check` in the cases that operators meet, each with real servers: what is wrong is named, and what to do.
import assert from "node:assert/strict";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { Certificates } from "../support/certificates.mjs";
import * as docker from "../support/docker.mjs";
import { BINARY, IMAGE, ROOT } from "../support/dockhost.mjs";
import { makeKey } from "../support/api-key.mjs";
import { MainServer } from "../support/main-server.mjs";
import { muteNameServer } from "../support/mute-name-server.mjs";
import { answering, engineIo3, mute, registry } from "../support/strange-servers.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("check");
let server;
let certificates;

before(async () => {
  server = await suite.server();
  certificates = new Certificates(await suite.home());
  await certificates.authority("ours");
  await certificates.authority("theirs");
  await certificates.issue("good", { subject: "DNS:localhost", authority: "ours" });
  await certificates.issue("other", { subject: "DNS:other.example", authority: "ours" });
  await certificates.issue("expired", { subject: "DNS:localhost", authority: "ours", expired: true });
});

const link = (url = server.url, key = server.key()) => ({ MAIN_SERVER_BACKEND_URL: url, DOCKHOST_API_KEY: key });

/** What `check --json` found, by name, and the exit code. */
async function check(settings, options) {
  const { code, stdout, stderr } = await suite.cli(["check", "--json"], { settings, ...options });
  assert.equal(stderr, "");
  const result = JSON.parse(stdout);
  assert.equal(result.ok, code === 0);
  const found = Object.fromEntries(result.checks.map((line) => [line.name, line]));
  for (const { ok, level, message, advice } of result.checks) {
    assert.equal(ok, level !== "failure");
    assert.doesNotMatch(`${message} ${advice}`, /traceback|\.lua:\d|nil/);
    if (settings.DOCKHOST_API_KEY) assert.ok(!`${message}${advice}`.includes(settings.DOCKHOST_API_KEY));
  }
  return { code, found };
}

// One line of it: its level, what it says and what it advises.
async function assertFound(settings, name, level, message, advice, options) {
  const { code, found } = await check(settings, options);
  assert.equal(found[name].level, level, JSON.stringify(found, null, 1));
  assert.match(found[name].message, message);
  if (advice) assert.match(found[name].advice ?? "", advice);
  if (level === "failure") assert.equal(code, 1);
  return found;
}

const together = (cases) => Promise.all(cases.map((one) => assertFound(...one)));

suite.test("all is well with socket.io 4 and 3", async () => {
  for (const version of [4, 3]) {
    const one = version === 4 ? server : await suite.server({ version });
    const { code, found } = await check({ ...link(one.url, one.key()) });
    assert.equal(code, 0, JSON.stringify(found));
    assert.match(found["main server"].message, /accepts the key/);
    assert.match(found.clock.message, /as the main server's/);
    assert.match(found.key.message, /valid until \d{4}-/);
    assert.equal(one.connections.length, 1);
  }
});

suite.test("keys: refused, expired, nearly, damaged, no token", () => together([
  [link(server.url, makeKey("another secret", { id: "backend-1" })), "main server", "failure", /Invalid DOCKHOST_API_KEY/, /new key/],
  [link(server.url, server.key("a", { expiresIn: -60 })), "key", "failure", /has expired on/, /new one/],
  [link(server.url, server.key("b", { expiresIn: 2 * 86400 + 60 })), "key", "warning", /expires in 2 days/, /new one/],
  [link(server.url, server.key("c").slice(0, 60)), "key", "failure", /cut off or damaged/],
  [link(server.url, `'${server.key("d")}'`), "key", "failure", /quotes/],
  [link(server.url, "not-a-token-at-all"), "key", "ok", /no JSON web token/],
  [{ ...link(), DOCKHOST_API_KEY: undefined, DOCKHOST_API_KEY_FILE: "/nonexistent/key" }, "key", "failure", /No such file/],
]));

suite.test("servers that can't be reached", async () => {
  const absent = await new MainServer().listen();
  await absent.close();
  await together([
    [link(absent.url), "main server", "failure", /connection refused/, /is the main server running/],
    [link("ws://nonexistent.invalid"), "main server", "failure", /nonexistent\.invalid/, /getent hosts/],
  ]);
});

suite.test("what takes a connection or a question, and does not answer", async () => {
  const silent = await mute(suite);
  const socket = join(await suite.home(), "mute.sock");
  await mute(suite, { path: socket });
  const names = await muteNameServer(suite, "127.0.0.61");
  await together([
    [link(silent.url), "main server", "failure", /can't be reached/, /firewall|hangs/],
    [{ DOCKER_HOST: `unix://${socket}` }, "Docker", "failure", /did not finish in time/, /docker info/],
    [link("ws://main.example"), "main server", "failure", /name server does not answer/, /resolv\.conf/, { wrapper: names.wrapper }],
  ]);
  assert.ok(names.questions.length > 0);
});

suite.test("servers that are no Socket.IO server, or one of another version", async () => {
  const html = { "Content-Type": "text/html" };
  const strange = await Promise.all([
    answering(suite, 404, html, "<html>"),
    answering(suite, 200, html, "<html>welcome"),
    answering(suite, 502, html, "<html>bad gateway"),
    answering(suite, 301, { Location: "https://elsewhere.example/socket.io/" }, ""),
    answering(suite, 400, { "Content-Type": "application/json" }, '{"code":5,"message":"Unsupported protocol version"}'),
    answering(suite, 200, { "Content-Type": "text/plain" }, '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'),
    engineIo3(suite),
  ]);
  const said = [
    [/not a Socket\.IO server \(HTTP 404/, /MAIN_SERVER_BACKEND_URL/],
    [/not a Socket\.IO server \(HTTP 200/, /MAIN_SERVER_BACKEND_URL/],
    [/a proxy answers for it with HTTP 502/, /running/],
    [/redirects to https:\/\/elsewhere\.example/, /MAIN_SERVER_BACKEND_URL/],
    [/protocol version/, /socket\.io 3 or 4/],
    [/can't be reached/, /proxy.*websockets/],
    [/Socket\.IO server of version 2/, /socket\.io 3 or 4/],
  ];
  await together(strange.map(({ url }, i) => [link(url), "main server", "failure", ...said[i]]));
});

suite.test("TLS that does not verify", async () => {
  const serve = async (name) => suite.server({ tls: await certificates.of(name) });
  const [good, other, expired] = await Promise.all(["good", "other", "expired"].map(serve));
  const trusting = { SSL_CERT_FILE: certificates.path("ours") };
  await together([
    [{ ...link(good.url, good.key()), ...trusting }, "main server", "ok", /accepts the key/],
    [link(good.url, good.key()), "main server", "failure", /not signed by an authority known here/, /SSL_CERT_FILE/],
    [{ ...link(other.url, other.key()), ...trusting }, "main server", "failure", /not valid for localhost/, /another name/],
    [{ ...link(expired.url, expired.key()), ...trusting }, "main server", "failure", /has expired/, /renewed/],
    [link(`wss://127.0.0.1:${server.port}`), "main server", "failure", /is it really TLS/, /ws:\/\//],
  ]);
  // What it asks a server that does not verify is what time it is, and nothing else.
  assert.deepEqual([other.refusals, other.connections, expired.connections], [[], [], []]);
});

suite.test("a clock that is wrong", async () => {
  const late = await suite.server();
  late.http.prependListener("request", (request, response) =>
    response.setHeader("Date", new Date(Date.now() + 3 * 3600000).toUTCString()));
  await assertFound(link(late.url, late.key()), "clock", "failure", /clock is [23] h behind the main server's/, /timedatectl/);
});

suite.test("Docker that is not there, does not run, or is something else", async () => {
  const home = await suite.home();
  const dead = join(home, "dead.sock");
  await writeFile(dead, "");
  const web = await answering(suite, 404, { "Content-Type": "text/html" }, "<html>");
  const wantsTls = await answering(suite, 400, {}, "Client sent an HTTP request to an HTTPS server.\n");
  const absent = await new MainServer().listen();
  await absent.close();
  const at = (DOCKER_HOST) => ({ DOCKER_HOST });
  await together([
    [at("unix:///nonexistent/docker.sock"), "Docker", "failure", /no such socket/, /systemctl start docker/],
    [at(`unix://${dead}`), "Docker", "failure", /dead\.sock/, /systemctl start docker/],
    [at(`tcp://127.0.0.1:${absent.port}`), "Docker", "failure", /refused/, /right port/],
    [at(`tcp://127.0.0.1:${web.port}`), "Docker", "failure", /HTTP 404|Docker/, /DOCKER_HOST/],
    [at(`tcp://127.0.0.1:${wantsTls.port}`), "Docker", "failure", /./, /DOCKER_TLS_VERIFY|DOCKER_HOST/],
    [at("tcp://nonexistent.invalid:2375"), "Docker", "failure", /resolve/, /getent hosts/],
  ]);
});

suite.test("a user who may not use Docker's socket is told of the group", async () => {
  // The tree may lie where only root may look.
  const copy = suite.closing(await mkdtemp("/tmp/dockhost-spec-"), (path) => rm(path, { recursive: true }));
  await chmod(copy, 0o755);
  for (const part of ["host/boot.lua", "lib", "lua"]) await cp(join(ROOT, part), join(copy, part), { recursive: true });
  await cp(BINARY, join(copy, "build/dockhost"));
  const wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c",
    `exec ${copy}/build/dockhost "$@"`];
  const home = "/tmp";
  const found = await assertFound({ DOCKHOST_STATE: "/nonexistent/state", USER: "nobody" }, "Docker", "failure",
    /permission denied/, /group/, { wrapper, home });
  assert.equal(found.state.level, "failure");
  assert.match(found.state.message, /Permission denied/);
  assert.match(found.state.advice, /DOCKHOST_STATE/);
});

suite.test("images: the registry has it, does not give it, can't be reached, must not be asked", async () => {
  const has = await registry(suite, "dockhost-spec", "there");
  const ask = (DOCKHOST_IMAGE, DOCKHOST_PULL) => ({ DOCKHOST_IMAGE, DOCKHOST_PULL });
  await together([
    [ask(`${has}/dockhost-spec:there`), "image", "warning", /is not here; the registry has it/, /--pull/],
    [ask(`${has}/dockhost-spec:none`), "image", "failure", /does not give it/, /name right/],
    [ask("127.0.0.1:1/dockhost-spec:none"), "image", "failure", /registry can't be reached/, /make image/],
    [ask("127.0.0.1:1/dockhost-spec:none", "never"), "image", "failure", /DOCKHOST_PULL=never/, /docker pull/],
    [ask(IMAGE), "image", "ok", /is here/],
  ]);
});

suite.test("ports: taken, and fewer than containers", async () => {
  const start = suite.ports.start + 10;
  const taken = await Promise.all([0, 1, 2].map((i) => mute(suite, { port: start + i, host: "127.0.0.1" })));
  assert.equal(taken.length, 3);
  const range = (from, to, more) => ({ DOCKHOST_PORT_START: from, DOCKHOST_PORT_END: to, ...more });
  await together([
    [range(start, start + 2), "ports", "failure", /no three free ports/, /widen/],
    [range(start + 3, start + 12, { DOCKHOST_MAX_CONTAINERS: 500 }), "ports", "warning", /room for 3 more/, /widen/],
    [range(start + 3, start + 5, { DOCKHOST_MAX_CONTAINERS: 0 }), "ports", "ok", new RegExp(`${start + 3}, ${start + 4}`)],
  ]);
});

suite.test("the console's address is taken, or not of this machine", async () => {
  const other = await mute(suite);
  await together([
    [{ DOCKHOST_CONSOLE: `127.0.0.1:${other.port}` }, "console", "warning", /can't be listened at/, /DOCKHOST_CONSOLE/],
    [{ DOCKHOST_CONSOLE: "192.0.2.77:3002" }, "console", "warning", /can't be listened at/, /DOCKHOST_CONSOLE/],
    [{ DOCKHOST_CONSOLE: "off" }, "console", "ok", /off/],
  ]);
});

suite.test("scripts and settings that can't be used", async () => {
  const home = await suite.home();
  await mkdir(join(home, "scripts/commands"), { recursive: true });
  await writeFile(join(home, "scripts/commands/broken.lua"), "return {");
  const { code, stdout } = await suite.cli(["check", "scripts"], { home });
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL scripts +scripts\/commands\/broken\.lua:1: .*dockhost scripts/m);
  const found = await assertFound({ DOCKHOST_PULL: "sometimes" }, "settings", "failure", /DOCKHOST_PULL/);
  assert.deepEqual(Object.keys(found), ["settings"]);
  await assertFound({ DOCKHOST_IMGE: "x" }, "settings", "warning", /main server/, /DOCKHOST_IMAGE/);
});

suite.test("a node that serves is not forgotten by the server, whatever state directory check is given", async () => {
  const busy = await suite.server();
  const node = await suite.connect(busy);
  await node.line(/accepted by the main server/);
  for (const settings of [link(busy.url, busy.key("backend-1", { expiresIn: 86400 * 20 })), { ...link(busy.url, busy.key()), DOCKHOST_STATE: join(node.home, "state") }]) {
    const { found } = await check(settings);
    assert.equal(found["main server"].level, "ok");
    assert.match(found["main server"].message, /it was not tried.*a Socket\.IO server answers/);
  }
  assert.ok(busy.connected());
  assert.deepEqual([busy.disconnects, busy.connections.length], [[], 1]);
  await assertFound(link(busy.url, busy.key("another")), "main server", "ok", /accepts the key/);
  await node.stop();
  await assertFound(link(busy.url, busy.key()), "main server", "ok", /accepts the key/);
});

suite.test("two nodes of one key on a machine: the second says so", async () => {
  const busy = await suite.server();
  const first = await suite.connect(busy);
  await first.line(/accepted by the main server/);
  const second = await suite.launch(["run"], { settings: link(busy.url, busy.key("backend-1", { expiresIn: 86400 * 20 })) });
  await second.line(/another dockhost of this machine serves with the same key/);
  await second.stop();
  await first.stop();
});

suite.test("check makes nothing", async () => {
  const home = await suite.home();
  const state = join(home, "deep/state");
  const found = await assertFound({ DOCKHOST_STATE: state }, "state", "ok", /is made at the first start/, undefined, { home });
  assert.ok(found);
  await assert.rejects(mkdir(state), /ENOENT/);
});

/** The program on a terminal: its stdout is all that is shown there. */
async function onTerminal(args, settings) {
  const home = await suite.home();
  return suite.launch(["-qec", `${BINARY} ${args}`, "/dev/null"], { binary: "script", wrapper: [], home, settings, input: "" });
}

suite.test("a terminal has marks, colour, advice on its own line, and what is waited for", async () => {
  const process = await onTerminal("check", link("ws://127.0.0.1:1"));
  assert.equal(await process.ended(60000), 1, process.stdout);
  const texts = ["\u001b[32m✔\u001b[0m Docker", "\u001b[31m✘\u001b[0m main server", "→ nothing listens there",
    "connecting to the main server"];
  for (const text of texts) assert.ok(process.stdout.includes(text), `${JSON.stringify(text)} in ${process.stdout}`);
});

suite.test("check --pull pulls the image, with a bar on a terminal", async () => {
  let send;
  const rest = new Promise((resolve) => (send = resolve));
  const host = await registry(suite, "dockhost-spec", "pulled", { size: 8000000, rest });
  const DOCKHOST_IMAGE = `${host}/dockhost-spec:pulled`;
  suite.closing(DOCKHOST_IMAGE, docker.untag);
  const process = await onTerminal("check --pull", { DOCKHOST_IMAGE, DOCKHOST_PULL: "missing" });
  const bar = /pulling 127\.0\.0\.1:\d+\/dockhost-spec:pulled \[█*░+\] \d+ % {2}\S+ \S+ of 8\.0 MB/;
  await until(() => bar.test(process.stdout), () => `a bar in ${process.stdout}`, { timeout: 30000 });
  send();
  assert.equal(await process.ended(60000), 0, process.stdout);
  assert.match(process.stdout, /✔\S* image +\S+ was pulled/);
  assert.ok(await docker.image(DOCKHOST_IMAGE));
});
