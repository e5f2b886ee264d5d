// A main server that asks for more than a node can do, or never reads the answers: all is bounded, and all is answered.
import assert from "node:assert/strict";
import { before } from "node:test";
import { HostileNode, INSTRUMENTED, MB } from "../support/hostile-node.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const MANY = INSTRUMENTED ? 2000 : 10000;
// One that runs and 16 that wait.
const LINE = 17;
const MOST_DESCRIPTORS = 400;

const suite = new Suite("flood");
const node = new HostileNode(suite);

before(() => node.open());

const answers = (peer) => peer.received.filter((frame) => /^43\d+\[/.test(frame));
const ids = (peer) => new Set(answers(peer).map((frame) => /^43(\d+)/.exec(frame)[1]));

async function answered(peer, count) {
  await until(() => answers(peer).length >= count, () => `${count} answers; there are ${answers(peer).length}`, { timeout: 60000, every: 100 });
}

// Docker does not answer about containers until `release()`.
function holdDocker() {
  const held = [];
  node.rule = (call) => call.is("GET", /^\/containers\//) && held.push(call);
  return {
    held,
    async release() {
      node.rule = undefined;
      await Promise.all(held.map((call) => call.pass().catch(() => {})));
    },
  };
}

async function assertOnceEach(peer) {
  await answered(peer, MANY);
  assert.equal(answers(peer).length, MANY);
  assert.equal(ids(peer).size, MANY, "each is answered once");
}

suite.test(`${MANY} commands of one user at once: those beyond the queue are a 429`, async () => {
  const watch = node.watch();
  const docker = holdDocker();
  const username = suite.user();
  const peer = await node.freshPeer();
  for (let n = 0; n < MANY; n++) peer.event("stop_container", { USERNAME: username }, n);
  await answered(peer, MANY - LINE);
  assert.equal(answers(peer).length, MANY - LINE);
  assert.ok(answers(peer).every((frame) => JSON.parse(frame.slice(frame.indexOf("[")))[0].status === 429));
  await docker.release();
  await assertOnceEach(peer);
  await node.assertUnharmed(await watch.stop());
});

// All at once, while Docker hangs. What is refused is answered meanwhile, the rest when Docker goes on.
async function flood(event, payload) {
  const docker = holdDocker();
  const peer = await node.freshPeer();
  for (let n = 0; n < MANY; n++) peer.event(event, payload(n), n);
  await until(() => docker.held.length > 0, "the first call");
  await answered(peer, MANY * 0.9);
  await docker.release();
  await assertOnceEach(peer);
}

const crowd = (n) => ({ username: `${suite.prefix}crowd-${n}` });

for (const [what, event, payload] of [["without a user", "list-containers", () => ({})], ["of as many users", "stop-container", crowd]]) {
  suite.test(`${MANY} commands ${what} at once while Docker hangs: most are refused, the rest waits`, { timeout: 180000 }, async () => {
    const watch = node.watch();
    await flood(event, payload);
    const most = await watch.stop();
    assert.ok(most.descriptors < MOST_DESCRIPTORS, `${most.descriptors} descriptors`);
    await node.assertUnharmed(most);
  });
}

function inspected(username) {
  const Labels = { "dockhost.managed": "true", "dockhost.username": username };
  const now = new Date().toISOString();
  return { Id: "ab".repeat(32), Name: `/${username}`, Created: now, Config: { Tty: true, Image: "i", Labels },
    State: { Status: "running", StartedAt: now }, HostConfig: { PortBindings: {} }, NetworkSettings: { Ports: {} } };
}

suite.test("a peer that never reads while it asks for large replies is given up", async () => {
  const watch = node.watch();
  const username = suite.user();
  const from = node.dockhost.mark();
  node.rule = (call) => {
    if (call.is("GET", /\/logs$/)) call.answer(200, Buffer.alloc(900000, `${"x".repeat(999)}\n`), { "Content-Type": "text/plain" });
    else if (call.is("GET", new RegExp(`^/containers/${username}/json`))) call.answer(200, inspected(username));
    else return false;
    return true;
  };
  const peer = await node.freshPeer();
  peer.socket.pause();
  let next = 0;
  const asking = setInterval(() => peer.event("container-logs", { username, tail: 10000 }, next++), 20);
  try {
    await node.dockhost.line(/does not read/, { from, timeout: 60000 });
  } finally {
    clearInterval(asking);
    node.rule = undefined;
    peer.socket.terminate();
  }
  await node.assertUnharmed(await watch.stop(), 128 * MB);
});

suite.test("one flood after the other: the memory is a plateau", { timeout: 180000 }, async () => {
  const resident = [];
  for (let round = 0; round < 3; round++) {
    await flood("check_if_container_running", crowd);
    await node.validCommand();
    resident.push((await node.figures()).rss);
  }
  console.log(`  resident KiB: idle ${node.idle.rss}, after each flood ${resident.join(", ")}`);
  if (INSTRUMENTED) return;
  assert.ok(Math.max(...resident) < 64 * MB, `it grew to ${resident}`);
  assert.ok(resident.at(-1) < resident[0] + 8 * MB, `it grows: ${resident}`);
});
