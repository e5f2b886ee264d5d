// A main server that sends anything at all: the process lives, its memory is bounded, nothing is made or harmed in
// Docker, and the next valid command works. SEED= repeats a run, PACKETS=100000 makes it longer.
import assert from "node:assert/strict";
import { before } from "node:test";
import { HostileNode, INSTRUMENTED, MB, welcome } from "../support/hostile-node.mjs";
import { hostile, hostileHandshake } from "../support/hostile-packets.mjs";
import { HostileRun, transmit } from "../support/hostile-run.mjs";
import { Random, SEED } from "../support/random.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const PACKETS = Number(process.env.PACKETS ?? (INSTRUMENTED ? 2000 : 10000));
const HANDSHAKES = Math.ceil(PACKETS / 50);
const MAX_FRAME = 4 * 1024 * 1024;
const TOO_LARGE = /was lost: .*(4 MiB|4194304|too large|limit)/;

const suite = new Suite("hostile");
const node = new HostileNode(suite);
const random = new Random();

console.log(`SEED=${SEED} PACKETS=${PACKETS}`);
before(() => node.open());

suite.test(`${PACKETS} random and damaged packets`, { timeout: 30 * 60e3 }, async () => {
  const since = node.endings();
  const watch = node.watch(100);
  const run = new HostileRun(node.server);
  for (let left = PACKETS; left > 0; left -= 1000) {
    await run.send(Array.from({ length: Math.min(1000, left) }, () => hostile(random)));
    await node.validCommand();
  }
  assert.equal(run.taken, PACKETS);
  await node.assertUnharmed(await watch.stop());
  await node.assertReasons(since);
  console.log(`  ${run.taken} packets, ${run.closings} of which ended their connection`);
  assert.ok(run.closings > PACKETS / 100, "enough of them are bad enough");
});

suite.test(`${HANDSHAKES} hostile handshakes`, { timeout: 10 * 60e3 }, async () => {
  const watch = node.watch();
  const last = await node.peer();
  let left = HANDSHAKES;
  node.server.greet = (peer) => {
    left -= 1;
    if (left <= 0) node.server.greet = welcome;
    for (const frame of hostileHandshake(random)) transmit(peer, frame);
    // What does not end it is ended here: the node may rightly wait for more.
    setTimeout(() => peer.socket.terminate(), 20);
  };
  last.socket.terminate();
  await until(() => left <= 0, () => `${left} more connections`, { timeout: 9 * 60e3 });
  await node.assertUnharmed(await watch.stop());
});

suite.test("a frame of 4 MiB is taken, one byte more ends the connection with a reason", async () => {
  const watch = node.watch();
  const peer = await node.peer();
  const [head, tail] = ['421["mark","', '"]'];
  const frame = (size) => head + "x".repeat(size - head.length - tail.length) + tail;
  const from = node.dockhost.mark();
  transmit(peer, frame(MAX_FRAME));
  await peer.acknowledgement(1);
  transmit(peer, frame(MAX_FRAME + 1));
  await peer.ended();
  await node.dockhost.line(TOO_LARGE, { from });
  await node.assertUnharmed(await watch.stop());
});

suite.test("what is largest when it is parsed", { timeout: 180000 }, async () => {
  const watch = node.watch();
  for (const item of ["[]", "{}", "1", '""', '{"a":[]}', "[[]]"]) {
    const peer = await node.peer();
    const count = Math.floor((MAX_FRAME - 30) / (item.length + 1));
    transmit(peer, `42["stop-container",[${Array(count).fill(item).join(",")}]]`);
    transmit(peer, '42777["mark"]');
    const over = () => peer.closed || peer.received.some((text) => /^43777/.test(text));
    await until(over, `an end of ${count} times ${item}`, { timeout: 60000 });
  }
  await node.assertUnharmed(await watch.stop(), 192 * MB);
});

suite.test("fragments without end", async () => {
  const watch = node.watch();
  const peer = await node.peer();
  const from = node.dockhost.mark();
  const fragment = Buffer.alloc(64 * 1024, "x");
  peer.socket.send('42["', { fin: false });
  const pump = setInterval(() => peer.socket.bufferedAmount < 1e6 && peer.socket.send(fragment, { fin: false }), 1);
  await peer.ended().finally(() => clearInterval(pump));
  await node.dockhost.line(TOO_LARGE, { from });
  await node.assertUnharmed(await watch.stop());
});

suite.test("a thousand attachments", async () => {
  const peer = await node.peer();
  const from = node.dockhost.mark();
  transmit(peer, '451000-["stop-container",{"username":{"_placeholder":true,"num":0}}]');
  for (let n = 0; n < 1000; n++) transmit(peer, Buffer.alloc(1000));
  await peer.ended();
  await node.dockhost.line(/was lost: .*attachments/, { from });
  await node.assertUnharmed();
});
