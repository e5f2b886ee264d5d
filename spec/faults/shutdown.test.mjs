// The end: SIGTERM in every state of a node, a second signal, and SIGHUP in numbers. It leaves the server, ends with 0
// within 10 s, and leaves nothing half done.
import assert from "node:assert/strict";
import { cp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as docker from "../support/docker.mjs";
import { ROOT } from "../support/dockhost.mjs";
import { FaultProxy } from "../support/fault-proxy.mjs";
import { muteNameServer } from "../support/mute-name-server.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { ScriptedServer } from "../support/scripted-server.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("shutdown");
const LIMIT = 10000;
// What the machine may add.
const NOISE = 1500;

/** Signals, and returns how long the end took. It must be a good one. */
async function end(dockhost, signal = "SIGTERM", most = LIMIT) {
  const began = Date.now();
  dockhost.signal(signal);
  const code = await dockhost.ended(LIMIT + 10000);
  const took = Date.now() - began;
  assert.equal(code, 0, dockhost.tail());
  assert.ok(took < most + NOISE, `it took ${took} ms\n${dockhost.tail()}`);
  assert.doesNotMatch(dockhost.stderr, /traceback|\.lua:\d/);
  return took;
}

/** A Docker of which the calls that `slow` picks are answered only when `release` is called, or never. */
async function slowDocker(slow) {
  const scripted = suite.closing(new ScriptedDocker(join(await suite.home(), "docker.sock")), (peer) => peer.close());
  const released = new Promise((resolve) => (scripted.release = resolve));
  scripted.use(async (call) => {
    if (!call.background && slow(call)) await released;
    return false;
  });
  return scripted.open();
}

async function scriptedServer(options) {
  return suite.closing(await new ScriptedServer(options).listen(), (server) => server.close());
}

async function proxied(server) {
  return suite.closing(await new FaultProxy(server.port).listen(), (proxy) => proxy.close());
}

const linkTo = (url) => ({ MAIN_SERVER_BACKEND_URL: url, DOCKHOST_API_KEY: "key-of-this-node" });

/** How a server saw the connection end: the frames from `from` on, by kind. */
const kinds = (peer, from) => peer.received.slice(from).map((frame) => /^\d+/.exec(frame)[0]);

suite.test("idle: it says good-bye and goes at once", async () => {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    const server = await scriptedServer();
    const dockhost = await suite.connect(server);
    const peer = await server.backend();
    await dockhost.line(/accepted by/);
    await end(dockhost, signal, 1000);
    await peer.ended();
    assert.equal(peer.received.at(-1), "41");
    assert.equal(peer.code, 1000);
  }
});

suite.test("a create that runs is finished and answered before the good-bye", async () => {
  const server = await scriptedServer();
  const scripted = await slowDocker((call) => call.is("POST", /\/start$/));
  const dockhost = await suite.connect(server, { settings: { DOCKER_HOST: scripted.host } });
  const peer = await server.backend();
  const username = suite.user();
  const from = peer.received.length;
  peer.event("create-container", { username, sshPublicKey: suite.key.publicKey }, 7);
  await until(() => scripted.seen("POST", /\/start$/).length, "the start to be asked for");
  const ended = end(dockhost);
  await dockhost.line(/shutting down/);
  peer.event("create-container", { username: suite.user(), sshPublicKey: suite.key.publicKey }, 8);
  assert.equal((await peer.acknowledgement(8)).success, false, "what comes after the signal is refused");
  scripted.release();
  await ended;
  assert.equal((await peer.acknowledgement(7)).success, true);
  assert.deepEqual(kinds(peer, from), ["438", "437", "41"]);
  const [{ State }] = await Promise.all((await docker.ofUser(username)).map(({ Id }) => docker.inspect(Id)));
  assert.equal(State.Status, "running");
});

suite.test("Docker that hangs: the commands are answered 503 before the good-bye", async () => {
  const server = await scriptedServer();
  const scripted = await slowDocker(() => true);
  const dockhost = await suite.connect(server, { settings: { DOCKER_HOST: scripted.host } });
  const peer = await server.backend();
  const from = peer.received.length;
  peer.event("start_container", { USERNAME: suite.user(), SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start }, 1);
  peer.event("stop_container", { USERNAME: suite.user() }, 2);
  await until(() => scripted.calls.filter((call) => !call.background).length > 1, "both to be asked of Docker");
  const took = await end(dockhost);
  assert.ok(took > 4000, `commands had only ${took} ms to finish`);
  for (const id of [1, 2]) {
    const { status, success } = await peer.acknowledgement(id);
    assert.deepEqual({ status, success }, { status: 503, success: false });
  }
  assert.equal(peer.received.at(-1), "41");
  assert.deepEqual(kinds(peer, from).filter((kind) => !["3", "41"].includes(kind)).sort(), ["431", "432"]);
});

suite.test("a second signal ends it at once", async () => {
  for (const [first, second] of [["SIGTERM", "SIGTERM"], ["SIGINT", "SIGTERM"]]) {
    const server = await scriptedServer();
    const scripted = await slowDocker(() => true);
    const dockhost = await suite.connect(server, { settings: { DOCKER_HOST: scripted.host } });
    await dockhost.line(/accepted by/);
    (await server.backend()).event("stop_container", { USERNAME: suite.user() }, 1);
    await until(() => scripted.calls.some((call) => !call.background), "the command to be asked of Docker");
    dockhost.signal(first);
    await dockhost.line(/shutting down/);
    await end(dockhost, second, 0);
    assert.match(dockhost.stderr, /stopped at once by a second signal/);
  }
});

suite.test("while it dials a server that never answers, by TCP alone or by half a handshake", async () => {
  const proxy = await proxied(await scriptedServer());
  proxy.blackhole({ all: true });
  const mute = await scriptedServer({ greet: () => {} });
  const half = await scriptedServer({ greet: (peer) => peer.open() });
  const stages = [[proxy, () => proxy.swallowed.size], [mute, () => mute.peers.length],
    [half, () => half.peers.some((peer) => peer.received.some((frame) => frame.startsWith("40")))]];
  for (const [{ url }, dialled] of stages) {
    const dockhost = await suite.launch(["run"], { settings: linkTo(url) });
    await until(dialled, "the dial");
    await end(dockhost, "SIGTERM", 4000);
  }
});

suite.test("while it waits to dial again, and while it waits with a refused key", async () => {
  const gone = await scriptedServer();
  await gone.close();
  const refusing = await suite.server();
  for (const url of [gone.url, refusing.url]) {
    const dockhost = await suite.launch(["run"], { settings: linkTo(url) });
    await dockhost.line(/next try in/);
    await end(dockhost, "SIGTERM", 1000);
  }
});

suite.test("while it resolves a name of which nobody tells", async () => {
  const { questions, wrapper } = await muteNameServer(suite, "127.83.9.9");
  const dockhost = await suite.launch(["run"], { settings: linkTo("ws://main.example.com:3000"), wrapper });
  await until(() => questions.length, "the question for the name");
  await end(dockhost, "SIGTERM", 1000);
});

suite.test("a server that does not read, and one that is gone without a word", async () => {
  const directory = join(await suite.home(), "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  await writeFile(join(directory, "commands/much.lua"),
    'return { run = function() return { much = ("x"):rep(900000) } end }\n');
  const deaf = await scriptedServer();
  const unheard = await suite.connect(deaf, { args: [directory] });
  const peer = await deaf.backend();
  await unheard.line(/accepted by/);
  peer.socket.pause();
  // More than a socket takes, and less than makes the node give the server up.
  for (let id = 0; id < 8; id += 1) peer.event("much", {}, id);
  await until(() => unheard.matching(/command: much/).length === 8, "all replies to be made");
  await end(unheard);
  peer.socket.resume();
  await peer.ended();

  const proxy = await proxied(await scriptedServer());
  const alone = await suite.launch(["run"], { settings: linkTo(proxy.url) });
  await alone.line(/accepted by/);
  proxy.blackhole();
  await end(alone);
});

suite.test("at any moment of the start: by the signal or with 0, and no word of it", async () => {
  const server = await suite.server();
  const ends = new Map();
  // Until some came late enough to be heard: how late that is, is the machine's affair.
  for (let delay = 0; (ends.get(0) ?? 0) < 4; delay += 4) {
    const dockhost = await suite.launch(["run"], { settings: linkTo(server.url) });
    await new Promise((resolve) => setTimeout(resolve, delay));
    dockhost.signal("SIGTERM");
    const code = await dockhost.ended();
    assert.ok([0, "SIGTERM"].includes(code), `${code}\n${dockhost.tail()}`);
    assert.doesNotMatch(dockhost.stderr, /traceback|\.lua:\d/);
    for (const line of dockhost.lines) assert.match(line, /^\d{4}-\d\d-\d\dT\S+Z (info|warn) /);
    ends.set(code, (ends.get(code) ?? 0) + 1);
  }
  assert.ok(ends.get("SIGTERM"), "some came before it listened");
});

suite.test("a hundred SIGHUPs: the same process, the same connection, the same descriptors", async () => {
  const server = await suite.server();
  const dockhost = await suite.connect(server);
  const settled = () => dockhost.matching(/scripts reloaded/).length;
  const descriptors = async () => (await readdir(`/proc/${dockhost.pid}/fd`)).length;
  const reload = async () => {
    const from = settled();
    dockhost.signal("SIGHUP");
    await until(() => settled() > from, "the reload");
  };
  await reload();
  const before = await descriptors();
  for (let i = 0; i < 100; i += 1) dockhost.signal("SIGHUP");
  await reload();
  await reload();
  assert.equal((await server.ask("list-containers", {})).success, true);
  assert.equal(server.connections.length, 1);
  await until(async () => (await descriptors()) <= before, "no descriptor more than before");
  await end(dockhost);
  assert.deepEqual(server.disconnects, ["client namespace disconnect"]);
});
