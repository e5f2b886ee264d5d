// The link to the main server under faults: silence, resets, delays and splits. The server forgets a node when any socket of its
// key ends, as the deployed one does.
import assert from "node:assert/strict";
import net from "node:net";
import { cp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { ROOT } from "../support/dockhost.mjs";
import { FaultProxy } from "../support/fault-proxy.mjs";
import { muteNameServer } from "../support/mute-name-server.mjs";
import { ScriptedServer } from "../support/scripted-server.mjs";
import { failed } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("link");
const HEARTBEAT = { pingInterval: 1000, pingTimeout: 1000 };
const bound = ({ pingInterval, pingTimeout }) => pingInterval + pingTimeout + 10000;
const BOUND = bound(HEARTBEAT);

async function throughProxy(server, { settings, ...options } = {}) {
  const proxy = suite.closing(await new FaultProxy(server.port).listen(), (it) => it.close());
  const process = await suite.connect(server, { settings: { MAIN_SERVER_BACKEND_URL: proxy.url, ...settings }, ...options });
  return { proxy, process };
}

/** A script directory with one more command, and other waits. */
async function scripts({ reconnect, commands = {} }) {
  const directory = join(await suite.home(), "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  if (reconnect) await writeFile(join(directory, "reconnect.lua"), reconnect);
  for (const [name, body] of Object.entries(commands)) await writeFile(join(directory, "commands", `${name}.lua`), body);
  return directory;
}

const SLOW = `return {
  params = { username = "username", seconds = "number" },
  run = function(params, ctx)
    ctx.sleep(params.seconds)
    return { waited = params.seconds }, "done"
  end,
}`;
const WAITS = (seconds) => `return function() return ${seconds} end\n`;

// These wait for the contract's own times, so they run side by side.
function waiting(name, body) {
  let outcome;
  before(() => {
    outcome = body().then(() => ({}), (error) => ({ error }));
  });
  suite.test(name, async () => {
    const { error } = await outcome;
    if (!error) return;
    suite.report(name, []);
    throw error;
  });
}

// The server's timers are its only knowledge of a loss: one that fires late is a server under load.
function freeze({ conn }) {
  clearTimeout(conn.pingIntervalTimer);
  clearTimeout(conn.pingTimeoutTimer);
}

const cures = (server) => server.disconnects.filter((reason) => reason === "client namespace disconnect").length;

// The link alone: nothing that waits for Docker.
const answers = async (server) => failed(await server.ask("no-such-command", {}));

suite.test("frames byte by byte, and 300 ms late in both directions", async () => {
  const server = await suite.server({ pingInterval: 2000, pingTimeout: 2000 });
  const { proxy, process } = await throughProxy(server);
  proxy.split = 1;
  await answers(server);
  proxy.split = 0;
  proxy.delay = 300;
  const began = Date.now();
  await Promise.all([answers(server), answers(server)]);
  assert.ok(Date.now() - began >= 600);
  assert.equal(server.connections.length, 1);
  await process.stop();
});

suite.test("a server that accepts and drops is not hammered: the waits grow from one short connection to the next", async () => {
  let accepted = 0;
  const server = suite.closing(await new ScriptedServer({
    greet: (peer) => {
      peer.open();
      peer.frame(/^40/).then(() => {
        accepted += 1;
        peer.accept();
        peer.socket.terminate();
      }, () => {});
    },
  }).listen(), (it) => it.close());
  const reconnect = "return function(attempt) return 0.05 * 2.0 ^ math.min(attempt - 1, 10) end\n";
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: "some.key.here" };
  const process = await suite.launch(["run", await scripts({ reconnect })], { settings });
  await until(() => accepted >= 6, "six connections");
  const waits = await until(() => {
    const found = process.matching(/next try in/).map((line) => Number(/next try in ([\d.]+) s/.exec(line)[1]));
    return found.length >= 6 && found;
  }, "six waits");
  assert.deepEqual(waits.slice(1, 6), [0.1, 0.2, 0.4, 0.8, 1.6]);
  await process.stop();
});

suite.test("a malformed packet right behind a command: the command's reply still comes, and then the redial", async () => {
  const server = suite.closing(await new ScriptedServer().listen(), (it) => it.close());
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key() };
  const process = await suite.launch(["run", await scripts({ reconnect: WAITS(0) })], { settings });
  const peer = await server.backend();
  await process.line(/accepted by the main server/);
  const { _socket: tcp } = peer.socket;
  tcp.cork();
  peer.event("no-such-command", {}, 5);
  peer.send("nonsense");
  tcp.uncork();
  assert.equal((await peer.acknowledgement(5)).success, false);
  await peer.ended();
  await process.line(/connection to the main server was lost: /);
  await server.peer(2);
  await process.stop();
});

suite.test("a refused key waits in a lane of its own, and a new key file ends the wait by itself", async () => {
  const server = await suite.server();
  const home = await suite.home();
  const file = join(home, "key");
  await writeFile(file, "wrong.key.here\n");
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY_FILE: file };
  const process = await suite.launch(["run"], { home, settings });
  assert.match(await process.line(/Invalid DOCKHOST_API_KEY/), /next try in 60\.0 s/);
  await writeFile(`${file}.new`, server.key());
  const changed = Date.now();
  await rename(`${file}.new`, file);
  await server.backend();
  assert.ok(Date.now() - changed < 10000, `${Date.now() - changed} ms`);
  assert.equal(server.refusals.length, 1);
  await process.stop();
});

suite.test("a name that nobody resolves holds up nothing else: not a command, not the heartbeat, not a reload", async () => {
  const { questions, wrapper } = await muteNameServer(suite, "127.83.9.10");
  const server = await suite.server(HEARTBEAT);
  const fetch = 'return { run = function(_, ctx) return ctx.http({ url = "http://fetched.example.com/" }) end }\n';
  const args = [await scripts({ commands: { fetch } })];
  const serving = await suite.connect(server, { args, wrapper });
  (await server.backend()).emit("fetch", {});
  await until(() => questions.some((question) => question.includes("fetched")), "the question of the command");
  await answers(server);
  let beats = 0;
  (await server.backend()).conn.on("heartbeat", () => (beats += 1));
  await until(() => beats >= 3, "three heartbeats");
  assert.deepEqual([server.connections.length, server.received.length], [1, 0]);

  const settings = { MAIN_SERVER_BACKEND_URL: "ws://main.example.com", DOCKHOST_API_KEY: server.key() };
  const dialling = await suite.launch(["run"], { settings, wrapper });
  await until(() => questions.some((question) => question.includes("main")), "the question for the main server");
  await dialling.line(/Docker answers/);
  const from = dialling.mark();
  dialling.signal("SIGHUP");
  await dialling.line(/scripts reloaded/, { from });
  assert.deepEqual(dialling.matching(/can't be reached/), []);
  await Promise.all([serving.stop(), dialling.stop()]);
});

waiting("silence that the server notices first: reachable within pingInterval + pingTimeout + 10 s", async () => {
  // Long enough that a cure which counts from when the node notices comes too late.
  const heartbeat = { pingInterval: 4000, pingTimeout: 4000 };
  const server = await suite.server(heartbeat);
  const { proxy, process } = await throughProxy(server, { args: [await scripts({ reconnect: WAITS(1) })] });
  const [old] = server.connections;
  const lost = Date.now();
  proxy.blackhole();
  await until(() => server.connections.length === 2, "the redial");
  assert.equal(old.connected, false, "the server dropped the old socket before");
  await until(() => cures(server) === 1 && server.connected(), "the cure", { timeout: bound(heartbeat) });
  await answers(server);
  const took = Date.now() - lost;
  assert.ok(took < bound(heartbeat), `${took} ms`);
  // Until its own timeout the server holds the old socket for a live one.
  assert.deepEqual(server.disconnects, ["ping timeout", "client namespace disconnect"]);
  await process.stop();
});

waiting("silence that only the node notices at first: erased after its return, and reachable in time all the same", async () => {
  const server = await suite.server(HEARTBEAT);
  const { proxy, process } = await throughProxy(server, { args: [await scripts({ reconnect: WAITS(0) })] });
  const [old] = server.connections;
  const lost = Date.now();
  proxy.blackhole();
  freeze(old);
  await until(() => server.connections.length === 2 && server.connected(), "the redial");
  assert.ok(old.connected, "the server still holds the old socket");
  old.conn.onClose("ping timeout");
  assert.equal(server.connected(), undefined, "the node is erased");
  await until(() => server.connected(), "the cure", { timeout: BOUND });
  await answers(server);
  assert.ok(Date.now() - lost < BOUND, `${Date.now() - lost} ms`);
  assert.equal(cures(server), 1);
  await process.stop();
});

waiting("a cure whose good-bye travels long: it dials when that has arrived, and is not forgotten with the connection it left", async () => {
  const server = await suite.server(HEARTBEAT);
  const { proxy, process } = await throughProxy(server, { args: [await scripts({ reconnect: WAITS(0) })] });
  const [lost] = proxy.pairs;
  proxy.blackhole();
  await until(() => server.connections.length === 2, "the redial");
  const [pair] = [...proxy.pairs].filter((one) => one !== lost && !one.silent);
  pair.delay = 300;
  await until(() => server.connections.length === 3, "the cure", { timeout: BOUND });
  assert.deepEqual([server.connections[1].connected, cures(server)], [false, 1]);
  await answers(server);
  await process.stop();
});

waiting("silence between the CONNECT and its answer: the server has registered a socket that the node never knew", async () => {
  const server = await suite.server(HEARTBEAT);
  const proxy = suite.closing(await new FaultProxy(server.port).listen(), (it) => it.close());
  let unanswered;
  server.io.use((socket, next) => {
    if (!unanswered) {
      unanswered = socket;
      proxy.blackhole();
    }
    next();
  });
  const settings = { MAIN_SERVER_BACKEND_URL: proxy.url };
  const process = await suite.connect(server, { settings, args: [await scripts({ reconnect: WAITS(0) })] });
  freeze(unanswered);
  await until(() => server.connections.length === 2 && server.connected(), "the redial");
  unanswered.conn.onClose("ping timeout");
  assert.equal(server.connected(), undefined, "the node is erased");
  await until(() => server.connected(), "the cure", { timeout: BOUND });
  await answers(server);
  await process.stop();
});

waiting("silence while a command runs: it is answered once, in the new session, as the user's event", async () => {
  const server = await suite.server(HEARTBEAT);
  const { proxy, process } = await throughProxy(server, { args: [await scripts({ reconnect: WAITS(0.2), commands: { slow: SLOW } })] });
  const username = suite.user();
  (await server.backend()).emit("slow", { username, seconds: 4 });
  await answers(server);
  proxy.blackhole();
  const replies = () => server.received.filter(({ event }) => event === username);
  await until(() => replies().length, "the reply");
  await until(() => cures(server) === 1 && server.connected(), "the cure", { timeout: BOUND });
  await answers(server);
  assert.deepEqual(replies().map(({ args }) => args[0].data), [{ waited: 4 }]);
  await process.stop();
});

waiting("a reset in the middle of a frame: what came of it is no command, and the node is back", async () => {
  const server = await suite.server(HEARTBEAT);
  const { proxy, process } = await throughProxy(server);
  const username = suite.user();
  for (let size = 1; size < 60; size += 29) {
    const before = server.connections.length;
    const socket = await server.backend();
    const [pair] = proxy.pairs;
    // Of the next chunk only the beginning passes.
    pair.far.removeAllListeners("data");
    pair.far.once("data", (chunk) => pair.near.write(chunk.subarray(0, size), () => pair.reset()));
    socket.emit("container-status", { username, padding: "x".repeat(60) });
    await until(() => server.connections.length > before && server.connected(), "the redial");
  }
  await answers(server);
  assert.deepEqual(process.matching(/container-status/), []);
  await process.stop();
});

waiting("a server that never answers: not the upgrade, not the Engine.IO handshake, not the CONNECT", async () => {
  const silent = net.createServer((socket) => socket.on("error", () => {}));
  await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
  suite.closing(silent, (it) => it.close());
  const mute = suite.closing(await new ScriptedServer({ greet: () => {} }).listen(), (it) => it.close());
  const deaf = suite.closing(await new ScriptedServer({ greet: (peer) => peer.open() }).listen(), (it) => it.close());
  const stages = [[silent.address().port, /can't be reached: no answer in time/], [mute.port, /did not answer the Socket.IO handshake within 20 s/],
    [deaf.port, /did not answer the Socket.IO handshake within 20 s/]];
  await Promise.all(stages.map(async ([port, pattern]) => {
    const settings = { MAIN_SERVER_BACKEND_URL: `http://127.0.0.1:${port}`, DOCKHOST_API_KEY: "some.key.here" };
    const process = await suite.launch(["run"], { settings });
    await process.line(pattern, { timeout: 30000 });
    await process.stop();
  }));
});
