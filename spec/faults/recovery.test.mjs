// Connection state recovery with a real socket.io server: what was missed comes once, what was ready is sent once.
import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { ROOT } from "../support/dockhost.mjs";
import { FaultProxy } from "../support/fault-proxy.mjs";
import { failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("recovery");
// The server registers a backend in its middleware, which socket.io would pass over for a recovered session.
const RECOVERY = { connectionStateRecovery: { maxDisconnectionDuration: 60000, skipMiddlewares: false } };
const SLOW = `return {
  params = { username = "username", seconds = "number" },
  run = function(params, ctx)
    ctx.sleep(params.seconds)
    return { waited = params.seconds }, "done"
  end,
}`;
let directory;

before(async () => {
  directory = join(await suite.home(), "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  await writeFile(join(directory, "commands/slow.lua"), SLOW);
  await writeFile(join(directory, "reconnect.lua"), "return function() return 0.5 end\n");
});

async function connect(options = RECOVERY) {
  const server = await suite.server(options);
  const proxy = suite.closing(await new FaultProxy(server.port).listen(), (it) => it.close());
  const process = await suite.connect(server, { settings: { MAIN_SERVER_BACKEND_URL: proxy.url }, args: [directory] });
  return { server, proxy, process };
}

// The offset is that of an event without acknowledgement: a session that had none can't be recovered.
async function tellOnce(server) {
  const username = suite.user();
  succeeded(await server.tell("slow", username, { username, seconds: 0 }));
}

async function lose({ server, proxy }) {
  const [count, lost] = [server.connections.length, server.disconnects.length];
  proxy.reset();
  await until(() => server.disconnects.length > lost, "the server to see the loss");
  return count;
}

// What was emitted before it on the same connection has reached the node.
const passed = async (server) => succeeded(await server.ask("slow", { username: suite.user("marker"), seconds: 0 }));
const returned = (server, count) => until(() => server.connections.length > count && server.connected(), "the node's return");
const repliesTo = (server, username) => server.received.filter(({ event }) => event === username);
const runs = (process, username) => process.matching(new RegExp(`slow.*user=${username}( |$)`));

suite.test("what the server emitted meanwhile is executed and answered once, loss after loss", async () => {
  const all = await connect();
  const { server, process } = all;
  await tellOnce(server);
  const users = [];
  for (let round = 0; round < 3; round += 1) {
    const count = await lose(all);
    const username = suite.user();
    users.push(username);
    server.io.emit("slow", { username, seconds: 0 });
    const socket = await returned(server, count);
    assert.equal(socket.recovered, true);
    await until(() => repliesTo(server, username).length, "the reply");
  }
  await passed(server);
  for (const username of users) {
    assert.equal(repliesTo(server, username).length, 1);
    assert.equal(runs(process, username).length, 1, process.tail());
  }
  await process.stop();
});

suite.test("replies that were ready meanwhile are sent once when the session is recovered", async () => {
  const all = await connect();
  const { server, process } = all;
  await tellOnce(server);
  const username = suite.user();
  const socket = await server.backend();
  let acknowledged = 0;
  socket.emit("slow", { username, seconds: 2 }, () => (acknowledged += 1));
  socket.emit("slow", { username: `${username}-b`, seconds: 2 });
  await passed(server);
  all.proxy.accepting = false;
  const count = await lose(all);
  await until(() => runs(process, username).length && runs(process, `${username}-b`).length, "the end of both");
  all.proxy.heal();
  assert.equal((await returned(server, count)).recovered, true);
  await until(() => repliesTo(server, `${username}-b`).length, "the reply");
  const again = await lose(all);
  assert.equal((await returned(server, again)).recovered, true);
  await passed(server);
  assert.equal(repliesTo(server, `${username}-b`).length, 1);
  assert.equal(runs(process, username).length, 1);
  // A real server keeps no callbacks across a recovery: an acknowledgement would reach nobody.
  assert.deepEqual([acknowledged, repliesTo(server, username).length], [0, 1]);
  await process.stop();
});

suite.test("a server that restarted knows no session: a new one, and the reply is the user's event", async () => {
  const { server, process } = await connect();
  await tellOnce(server);
  const username = suite.user();
  (await server.backend()).emit("slow", { username, seconds: 2 }, () => {});
  await passed(server);
  const count = server.connections.length;
  await server.close();
  await server.listen();
  const socket = await returned(server, count);
  assert.equal(socket.recovered, false);
  await until(() => repliesTo(server, username).length, "the reply");
  await tellOnce(server);
  assert.deepEqual(repliesTo(server, username).map(({ args }) => args[0].data), [{ waited: 2 }]);
  await process.stop();
});

suite.test("as many commands as a node has under way when the link goes: each is answered once, and nothing is dropped", async () => {
  const all = await connect({});
  const { server, process } = all;
  const users = Array.from({ length: 256 }, () => suite.user());
  const socket = await server.backend();
  users.forEach((username, index) => socket.emit("slow", { username, seconds: 2 + index / 128 }));
  assert.match(failed(await server.ask("slow", { username: suite.user(), seconds: 0 })), /too many commands/);
  all.proxy.accepting = false;
  await lose(all);
  const ended = () => process.matching(/slow.*status=200/).length;
  await until(() => ended() >= 100, () => `a hundred replies, ${ended()} are ready`);
  all.proxy.heal();
  await until(() => server.received.length >= users.length, () => `the replies, ${server.received.length} are there`);
  await passed(server);
  assert.deepEqual(server.received.map(({ event }) => event).sort(), [...users].sort());
  assert.deepEqual(process.matching(/a reply was dropped/), []);
  await process.stop();
});
