// The connection to the main server: lost and found again, refused, absent, in each version, under any heartbeat.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import * as docker from "../support/docker.mjs";
import { MainServer } from "../support/main-server.mjs";
import { assertDeployed, assertPlain, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("connection");

const connectedAgain = (server, before) => until(() => server.connections.length > before && server.connected(),
  () => `another connection than the first ${before}`);

async function answers(server) {
  succeeded(await server.ask("list-containers", {}));
}

function assertOneCalmLine(process, pattern) {
  assertNoTrace(process);
  const line = process.matching(pattern)[0];
  assert.ok(line.length < 400, line);
  return line;
}

function assertNoTrace(process) {
  assert.doesNotMatch(process.stderr, /traceback|stack|\[C\]|\.lua:\d/i);
}

suite.test("the server restarts: it connects again by itself", async () => {
  const server = await suite.server();
  const process = await suite.connect(server);
  await server.close();
  await server.listen();
  await connectedAgain(server, 1);
  await answers(server);
  assertNoTrace(process);
  await process.stop();
});

suite.test("the server disconnects it: it connects again by itself", async () => {
  const server = await suite.server();
  const process = await suite.connect(server);
  (await server.backend()).disconnect();
  await connectedAgain(server, 1);
  (await server.backend()).disconnect(true);
  await connectedAgain(server, 2);
  await answers(server);
  await process.stop();
});

suite.test("a refused key: one line says what to do, and a changed key file is accepted on SIGHUP", async () => {
  const server = await suite.server();
  const home = await suite.home();
  const file = join(home, "key");
  await writeFile(file, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n");
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY_FILE: file };
  const process = await suite.launch(["run"], { home, settings });
  await until(() => server.refusals.length > 0, "a refusal");
  await process.line(/Invalid DOCKHOST_API_KEY/);
  const line = assertOneCalmLine(process, /Invalid DOCKHOST_API_KEY/);
  assert.match(line, /DOCKHOST_API_KEY.*(check|new key|get|make)/);
  assert.equal(process.matching(/refuse/i).length, 1, process.tail());
  assert.doesNotMatch(process.stderr, /eyJhbGci/, "the key is not logged");
  assert.ok(process.running);
  await writeFile(file, server.key());
  process.signal("SIGHUP");
  await server.backend();
  await process.line(/accepted by the main server/);
  await answers(server);
  assert.doesNotMatch(process.stderr, /eyJhbGci/, "the key is not logged");
  await process.stop();
});

suite.test("a key file that is missing is said so, and found when it appears and SIGHUP comes", async () => {
  const server = await suite.server();
  const home = await suite.home();
  const file = join(home, "key");
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY_FILE: file };
  const process = await suite.launch(["run"], { home, settings });
  assert.ok((await process.line(/no such file|can't be read|does not exist|No such/i)).includes(file));
  await writeFile(file, server.key());
  process.signal("SIGHUP");
  await server.backend();
  await process.stop();
});

suite.test("no main server: one line, and it connects when one appears", async () => {
  const server = await new MainServer().listen();
  await server.close();
  const settings = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key() };
  const process = await suite.launch(["run"], { settings });
  await process.line(/can't be reached/);
  const line = assertOneCalmLine(process, /can't be reached/);
  assert.ok(line.includes(`127.0.0.1:${server.port}`), line);
  await server.listen();
  suite.closing(server, () => server.close());
  await server.backend();
  await answers(server);
  assert.equal(process.matching(/can't be reached/).length, 1, process.tail());
  await process.stop();
});

suite.test("what hangs up on it is dialled again and again, and named once", async () => {
  let tries = 0;
  const port = suite.ports.start;
  const rude = net.createServer((socket) => {
    tries += 1;
    socket.destroy();
  });
  await new Promise((resolve) => rude.listen(port, "127.0.0.1", resolve));
  suite.closing(rude, (listener) => new Promise((resolve) => listener.close(resolve)));
  const settings = { MAIN_SERVER_BACKEND_URL: `http://127.0.0.1:${port}`, DOCKHOST_API_KEY: "some.key.here" };
  const process = await suite.launch(["run"], { settings });
  await until(() => tries >= 3, () => `three tries, there were ${tries}`);
  await process.line(/can't be reached/);
  assertOneCalmLine(process, /can't be reached/);
  assert.equal(process.matching(/can't be reached/).length, 1, process.tail());
  await process.stop();
});

for (const version of [3, 4]) {
  suite.test(`socket.io ${version}: both dialects`, async () => {
    const server = await suite.server({ version });
    const process = await suite.connect(server);
    const username = suite.user();
    assert.equal(await server.tell("check_if_container_exists", username, { USERNAME: username }), false);
    const request = { USERNAME: username, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start };
    const created = await server.tell("start_container", username, request);
    assertDeployed(created, 201, { create: true });
    await ssh(created.PORT_NO, suite.key, "true");
    assert.equal(await server.ask("check_if_container_running", { USERNAME: username }), true);
    succeeded(await server.ask("delete-container", { username }));
    assert.deepEqual(await docker.ofUser(username), []);
    await process.stop();
    assert.deepEqual(server.disconnects, ["client namespace disconnect"]);
  });
}

const binary = { bytes: Buffer.from([0, 1, 2]), nested: [Buffer.from("x")] };

suite.test("binary packets, with and without an acknowledgement, break nothing", async () => {
  const server = await suite.server();
  const process = await suite.connect(server);
  const username = suite.user();
  succeeded(await server.ask("list-containers", { username, extra: binary }));
  succeeded(await server.tell("list-containers", username, { username, extra: binary }));
  await answers(server);
  assert.equal(server.connections.length, 1);
  await process.stop();
});

suite.test("the URL's path names the namespace", async () => {
  const server = await suite.server({ namespace: "/workers" });
  const process = await suite.connect(server);
  await answers(server);
  assert.equal((await server.backend()).nsp.name, "/workers");
  await process.stop();
  assert.deepEqual(server.disconnects, ["client namespace disconnect"]);
});

for (const form of ["ws://127.0.0.1:PORT", "127.0.0.1:PORT", "http://localhost:PORT/"]) {
  suite.test(`the server may be given as ${form}`, async () => {
    const server = await suite.server();
    await server.close();
    await server.listen(undefined, form.includes("localhost") ? "localhost" : "127.0.0.1");
    const url = form.replace("PORT", server.port);
    const process = await suite.connect(server, { settings: { MAIN_SERVER_BACKEND_URL: undefined, MAIN_SERVER: url } });
    await answers(server);
    await process.stop();
  });
}

suite.test("the handshake is the Node backend's: role, key and LAN address, by websocket alone", async () => {
  const server = await suite.server();
  const process = await suite.connect(server, { settings: { DOCKHOST_LAN_IP: undefined } });
  const socket = await server.backend();
  const { query, auth } = socket.handshake;
  assert.deepEqual([query.role, query.EIO, query.transport], ["backend", "4", "websocket"]);
  const own = Object.entries(networkInterfaces()).filter(([name]) => existsSync(`/sys/class/net/${name}/device`));
  const addresses = own.flatMap(([, list]) => list.map(({ address }) => address));
  if (addresses.length) {
    assert.deepEqual(Object.keys(auth).sort(), ["DOCKHOST_API_KEY", "LAN_IP"]);
    assert.ok(addresses.includes(auth.LAN_IP), `LAN_IP ${auth.LAN_IP} is one of ${addresses}`);
  } else {
    // A machine that has no physical interface, such as a container: there is nothing to tell, and the log says so.
    assert.deepEqual(Object.keys(auth), ["DOCKHOST_API_KEY"]);
    await process.line(/DOCKHOST_LAN_IP/);
  }
  assert.equal(socket.conn.transport.name, "websocket");
  await process.stop();
});

suite.test("DOCKHOST_LAN_IP is sent as it is", async () => {
  const server = await suite.server();
  const process = await suite.connect(server, { settings: { DOCKHOST_LAN_IP: "10.20.30.40" } });
  assert.equal((await server.backend()).handshake.auth.LAN_IP, "10.20.30.40");
  await process.stop();
});

suite.test("two users at once", async () => {
  const server = await suite.server();
  const process = await suite.connect(server);
  const users = [suite.user(), suite.user()];
  const lives = users.map(async (username) => {
    const { ports } = succeeded(await server.tell("create-container", username, { username, sshPublicKey: suite.key.publicKey }));
    await ssh(ports.ssh, suite.key, `echo ${username} > /root/whose`);
    succeeded(await server.tell("stop-container", username, { username }));
    succeeded(await server.tell("start-container", username, { username }));
    assert.equal(await ssh(ports.ssh, suite.key, "cat /root/whose"), `${username}\n`);
    succeeded(await server.tell("delete-container", username, { username }));
  });
  await Promise.all(lives);
  await process.stop();
});

suite.test("a short heartbeat is kept up, commands or not", async () => {
  const server = await suite.server({ pingInterval: 300, pingTimeout: 300 });
  const process = await suite.connect(server);
  const socket = await server.backend();
  let beats = 0;
  socket.conn.on("heartbeat", () => (beats += 1));
  await until(() => beats >= 10, () => `ten heartbeats, there were ${beats}`);
  await answers(server);
  assert.equal(server.connections.length, 1);
  await process.stop();
});

suite.test("a link that goes silent is dropped and dialled anew", async () => {
  const server = await suite.server({ pingInterval: 300, pingTimeout: 300 });
  const process = await suite.connect(server);
  const { conn } = await server.backend();
  // A peer that is gone without a word sends no pings: engine.io has no switch for that but its own timers.
  clearTimeout(conn.pingIntervalTimer);
  clearTimeout(conn.pingTimeoutTimer);
  await connectedAgain(server, 1);
  await answers(server);
  await process.stop();
});

suite.test("logs larger than the server's maxPayload lose their oldest lines, not the connection", async () => {
  const server = await suite.server({ maxHttpBufferSize: 4000 });
  const process = await suite.connect(server);
  const username = suite.user();
  const payload = { username, sshPublicKey: suite.key.publicKey };
  const { ports } = succeeded(await server.ask("create-container", payload));
  await ssh(ports.ssh, suite.key, "seq -f 'line-%04g of many' 1 1000 > /proc/1/fd/1");
  succeeded(await server.ask("stop-container", { username }));
  const { lines } = succeeded(await server.ask("container-logs", { username, tail: 2000 }));
  const numbers = lines.filter((line) => line.startsWith("line-")).map((line) => Number(line.slice(5, 9)));
  assert.equal(numbers.at(-1), 1000);
  assert.ok(numbers.length > 20 && numbers.length < 200, `${numbers.length} lines came`);
  assert.deepEqual(numbers, numbers.map((_, index) => 1000 - numbers.length + 1 + index));
  succeeded(await server.ask("delete-container", { username }));
  assert.equal(server.connections.length, 1);
  await process.stop();
});

suite.test("SIGTERM and SIGINT: the server sees it leave, and it ends with 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    const server = await suite.server();
    const process = await suite.connect(server);
    process.signal(signal);
    assert.equal(await process.ended(), 0);
    await until(() => server.disconnects.length, "the disconnect");
    assert.deepEqual(server.disconnects, ["client namespace disconnect"]);
  }
});

suite.test("SIGTERM while a create runs: it is answered, one way or the other, before the end", async () => {
  const server = await suite.server();
  const process = await suite.connect(server);
  const username = suite.user();
  const reply = server.ask("create-container", { username, sshPublicKey: suite.key.publicKey });
  await until(async () => (await docker.ofUser(username)).length === 1, "the container that is being made");
  await process.stop();
  const { success } = await reply;
  assert.equal((await docker.ofUser(username)).length, success ? 1 : 0);
  assert.deepEqual(server.disconnects, ["client namespace disconnect"]);
  await suite.sweep();
});

suite.test("a key that soon expires is warned about", async () => {
  for (const [expiresIn, pattern] of [[12 * 3600, /expire/i], [6 * 24 * 3600, /expire/i]]) {
    const server = await suite.server();
    const process = await suite.connect(server, { settings: { DOCKHOST_API_KEY: server.key("backend-1", { expiresIn }) } });
    assertPlain(await process.line(pattern));
    await process.stop();
  }
  const server = await suite.server();
  const process = await suite.connect(server);
  await answers(server);
  assert.deepEqual(process.matching(/expire/i), []);
  await process.stop();
});

suite.test("a main server that is replaced by SIGHUP with new settings is left for the new one", async () => {
  const [first, second] = [await suite.server(), await suite.server()];
  const home = await suite.home();
  const file = join(home, ".env");
  const write = (server) => writeFile(file, `MAIN_SERVER_BACKEND_URL=${server.url}\nDOCKHOST_API_KEY=${server.key()}\n`);
  await write(first);
  const process = await suite.launch(["run"], { home });
  await first.backend();
  await write(second);
  process.signal("SIGHUP");
  await second.backend();
  assert.deepEqual(first.disconnects, ["client namespace disconnect"]);
  await process.stop();
  await rm(file);
});
