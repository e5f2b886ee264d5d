// wss: certificates and host names are verified, always, and nothing is told to a server that fails it.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { Certificates } from "../support/certificates.mjs";
import { assertPlain, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("tls");
let certificates;

const KINDS = {
  good: { subject: "DNS:localhost", authority: "ours" },
  renewed: { subject: "DNS:localhost", authority: "ours" },
  address: { subject: "IP:127.0.0.1", authority: "ours" },
  other: { subject: "DNS:other.example", authority: "ours" },
  expired: { subject: "DNS:localhost", authority: "ours", expired: true },
  foreign: { subject: "DNS:localhost", authority: "theirs" },
};

before(async () => {
  certificates = new Certificates(await suite.home());
  await certificates.authority("ours");
  await certificates.authority("theirs");
  for (const [name, kind] of Object.entries(KINDS)) await certificates.issue(name, kind);
});

async function serve(kind) {
  const server = await suite.server({ tls: await certificates.of(kind) });
  // What is said after a handshake that should have failed.
  server.heard = 0;
  server.http.on("secureConnection", (socket) => socket.on("data", (data) => (server.heard += data.length)));
  return server;
}

const settings = (server, more) => ({ MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key(), ...more });
const trusting = (name = "ours") => ({ SSL_CERT_FILE: certificates.path(name) });

async function assertAccepted(server, more) {
  const process = await suite.launch(["run"], { settings: settings(server, more) });
  await process.line(/accepted by the main server/);
  succeeded(await server.ask("list-containers", {}));
  await process.stop();
}

// One line says what is wrong, and the server has heard nothing: no request, no key.
async function assertRefused(server, more, pattern) {
  const process = await suite.launch(["run"], { settings: settings(server, more) });
  const line = await process.line(/can't be reached/);
  assertPlain(line);
  assert.match(line, pattern);
  assert.equal(server.heard, 0, "the server heard something");
  assert.deepEqual([server.connections, server.refusals], [[], []]);
  await process.stop();
}

suite.test("a certificate of an authority in SSL_CERT_FILE is accepted", async () => {
  await assertAccepted(await serve("good"), trusting());
});

suite.test("and of one in SSL_CERT_DIR", async () => {
  await assertAccepted(await serve("good"), { SSL_CERT_DIR: await certificates.hashed("ours") });
});

suite.test("wss:// and a certificate for an address", async () => {
  const server = await serve("address");
  await assertAccepted(server, { MAIN_SERVER_BACKEND_URL: `wss://127.0.0.1:${server.port}`, ...trusting() });
});

suite.test("the server restarts with another certificate of the same authority: it connects again", async () => {
  const server = await serve("good");
  const process = await suite.launch(["run"], { settings: settings(server, trusting()) });
  await server.backend();
  const from = process.mark();
  await server.close();
  server.tls = await certificates.of("renewed");
  await server.listen();
  await process.line(/accepted by the main server/, { from, timeout: 30000 });
  await process.stop();
});

suite.test("without a word about authorities, the system's count: ours is unknown", async () => {
  await assertRefused(await serve("good"), {}, /not signed by an authority known here.*SSL_CERT_FILE/);
});

suite.test("an authority that has another one's certificate in SSL_CERT_FILE is refused", async () => {
  await assertRefused(await serve("foreign"), trusting(), /not signed by an authority known here/);
});

suite.test("another host's certificate is refused", async () => {
  await assertRefused(await serve("other"), trusting(), /not valid for localhost/);
});

suite.test("an address is not the name that a certificate is for", async () => {
  const server = await serve("good");
  await assertRefused(server, { MAIN_SERVER_BACKEND_URL: `wss://127.0.0.1:${server.port}`, ...trusting() }, /not valid for 127\.0\.0\.1/);
});

suite.test("an expired certificate is refused", async () => {
  await assertRefused(await serve("expired"), trusting(), /has expired/);
});

suite.test("an SSL_CERT_FILE that is missing, empty or rubbish never turns the check off", async () => {
  const home = await suite.home();
  const [missing, empty, rubbish] = ["missing", "empty", "rubbish"].map((name) => join(home, name));
  await writeFile(empty, "");
  await writeFile(rubbish, "no certificate\n");
  for (const file of [missing, empty, rubbish]) {
    await assertRefused(await serve("good"), { SSL_CERT_FILE: file }, /SSL_CERT_FILE|not signed by an authority known here/);
  }
});

suite.test("nor does what turns it off elsewhere", async () => {
  const elsewhere = { NODE_TLS_REJECT_UNAUTHORIZED: "0", DOCKER_TLS_VERIFY: "", CURL_INSECURE: "1", SSL_CERT_DIR: "/nonexistent" };
  await assertRefused(await serve("good"), elsewhere, /not signed by an authority known here/);
});

suite.test("a server without TLS where TLS is meant: said so, and nothing is told", async () => {
  const server = await suite.server();
  const process = await suite.launch(["run"], { settings: settings(server, { MAIN_SERVER_BACKEND_URL: `https://localhost:${server.port}` }) });
  assert.match(await process.line(/can't be reached/), /is it really TLS/);
  assert.deepEqual([server.connections, server.refusals], [[], []]);
  await process.stop();
});
