// Creates that do not come to their end: overtaken, shut down, failed, with an undo that fails too. Nothing half made stays
// in Docker, no port is held, and the user can go on.
import assert from "node:assert/strict";
import { join } from "node:path";
import * as docker from "../support/docker.mjs";
import { HeldDocker, STEPS } from "../support/held-docker.mjs";
import { assertInDocker, assertNotInDocker, failed, succeeded } from "../support/shapes.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("halves");
// What CONTRACT gives a sweep, and what a busy machine adds.
const SWEPT = { timeout: 20000 + 5000 };
const DRAIN = 5000;
const LIMIT = 10000;
const NOISE = 2000;

// Each node has a stretch of the ports of its own, so that what one does is not seen in another's.
let stretch = suite.ports.start;
const next = (count = 9) => (stretch += count) - count;

/** A node with a Docker whose calls can be held, and a user of whom nothing is known yet. */
class Node {
  static async make(word) {
    const node = new Node();
    node.docker = suite.closing(new HeldDocker(join(await suite.home(), "docker.sock")), (it) => it.close());
    await node.docker.open();
    node.server = await suite.server();
    node.username = suite.user(word);
    node.port = next();
    node.settings = { DOCKER_HOST: node.docker.host, DOCKHOST_MAX_CONTAINERS: 500 };
    node.process = await suite.connect(node.server, { settings: node.settings });
    await node.process.line(/Docker answers/);
    return node;
  }

  /** The deployed name tells the status. */
  create() {
    const { username: USERNAME, port: startingPortNo } = this;
    return this.server.ask("start_container", { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo });
  }

  delete() {
    return this.server.ask("delete_container", { USERNAME: this.username });
  }

  /** Returns once the node has taken all that was sent before. */
  async barrier() {
    failed(await this.server.ask("no-such-command", {}));
  }

  /** Begins a create that Docker holds at that call: `{ gate, created }`, once it is held. */
  async createHeldAt(step) {
    const gate = this.docker.hold(STEPS[step]);
    const created = this.create();
    await until(() => gate.calls.length, `the create to be where it ${step}`);
    return { gate, created };
  }

  /** Nothing of the user is in Docker, and a create on the same port works. */
  async assertClean() {
    await assertNotInDocker(this.username);
    const reply = await this.create();
    assert.equal(reply.status, 201, reply.message);
    assert.equal(reply.PORT_NO, this.port, "the ports are free again");
    const [{ Id }] = await docker.ofUser(this.username);
    await docker.remove(Id);
  }
}

/** Runs a scenario for each step (or what else tells them apart) at once, each on a node of its own. */
async function each(steps, scenario) {
  const run = async (step) => {
    const node = await Node.make("step");
    try {
      await scenario(node, step);
    } catch (error) {
      error.message = `${step}: ${error.message}\nDocker's answers to removals: ${node.docker.removals.join(" | ")}`;
      throw error;
    }
    await node.process.stop();
  };
  const results = await Promise.allSettled(steps.map(run));
  const errors = results.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  if (errors.length) throw new AggregateError(errors, errors.map(({ message }) => message).join("\n"));
}

const ALL = Object.keys(STEPS);
const REMOVES = (call) => call.method === "DELETE";

suite.test("these are all the calls of a create", async () => {
  const node = await Node.make("steps");
  const from = node.docker.calls.length;
  assert.equal((await node.create()).status, 201);
  const calls = node.docker.calls.slice(from).filter((call) => !call.background);
  // The bindings of others are read one by one, and the user is looked for under both names.
  const LOOKS = /^\/containers\/([0-9a-f]{64}|dockhost-x[0-9a-f]+)\/json$/;
  const known = (call) => ALL.some((step) => STEPS[step](call)) || call.is("GET", LOOKS);
  assert.deepEqual(calls.filter((call) => !known(call)).map(({ method, path }) => `${method} ${path}`), []);
  for (const step of ALL) assert.ok(calls.some(STEPS[step]), `it ${step}`);
});

suite.test("a delete that overtakes a create, at each of its calls, which Docker then does", async () => {
  await each(ALL, async (node, step) => {
    const { gate, created } = await node.createHeldAt(step);
    const deleted = node.delete();
    await node.barrier();
    gate.release();
    assert.equal((await created).status, 409);
    assert.equal((await deleted).status, 200);
    await node.assertClean();
  });
});

suite.test("a delete that overtakes a create, at each of its calls, which Docker does after both were answered", async () => {
  // While Docker creates, both wait for what comes of it.
  await each(["looks for the network", "uploads the key", "starts", "inspects"], async (node, step) => {
    const { gate, created } = await node.createHeldAt(step);
    // The delete's own look-ups pass.
    gate.pick = () => false;
    assert.equal((await node.delete()).status, 200);
    assert.equal((await created).status, 409);
    gate.release();
    await node.assertClean();
  });
});

suite.test("a shutdown at each call of a create: answered, ended with 0, nothing half made", async () => {
  const late = new Set(["looks for the image", "creates", "starts"]);
  await each(ALL, async (node, step) => {
    const { gate, created } = await node.createHeldAt(step);
    const began = Date.now();
    node.process.signal("SIGTERM");
    await node.process.line(/shutting down/);
    if (late.has(step)) await new Promise((resolve) => setTimeout(resolve, DRAIN + 1000));
    gate.release();
    const { status } = await created;
    assert.equal(await node.process.ended(LIMIT + 10000), 0);
    assert.ok(Date.now() - began < LIMIT + NOISE, `it took ${Date.now() - began} ms`);
    assert.equal(status, late.has(step) ? 503 : 201);
    const found = await Promise.all((await docker.ofUser(node.username)).map(({ Id }) => docker.inspect(Id)));
    assert.deepEqual(found.map(({ State }) => State.Status), status === 201 ? ["running"] : []);
    if (status === 201) await docker.remove(found[0].Id);
  });
});

// What the undo could not do, by what was in its way: each is a scenario for a node of its own.
const UNDONE_LATER = {
  "Docker is still creating": async (node) => {
    const { gate, created } = await node.createHeldAt("creates");
    const deleted = node.delete();
    assert.equal((await created).status, 409);
    assert.equal((await deleted).status, 200);
    gate.release();
    await until(() => gate.calls[0].done, "Docker to have created it");
  },
  "Docker refuses twice": async (node) => {
    node.docker.refuse(STEPS.starts, 500, "the disk is full");
    node.docker.refuse(REMOVES, 500, "device or resource busy", 2);
    const reply = await node.create();
    assert.equal(reply.status, 500);
    assert.equal(reply.message, "the disk is full");
    assert.equal((await docker.ofUser(node.username)).length, 1);
  },
  "Docker has gone, before the keys are there": (node) => goneAt(node, "uploads the key"),
  "Docker has gone, after the start": (node) => goneAt(node, "inspects"),
};

async function goneAt(node, step) {
  const { created } = await node.createHeldAt(step);
  const from = node.process.mark();
  await node.docker.close();
  const reply = await created;
  assert.equal(reply.status, 503);
  assert.match(reply.message, /Docker does not answer/);
  assert.equal((await docker.ofUser(node.username)).length, 1);
  await node.docker.reopen();
  await node.process.line(/Docker answers/, { from });
}

suite.test("an undo that can't be done is done later", async () => {
  await each(Object.keys(UNDONE_LATER), async (node, what) => {
    await UNDONE_LATER[what](node);
    await until(async () => !(await docker.ofUser(node.username)).length, "the half-made container to be gone", SWEPT);
    await node.process.line(/removed a half-made container/);
    await node.assertClean();
  });
});

suite.test("a failure that is none of ports: Docker's own words, removed, the ports free", async () => {
  await each(["looks for the network", "creates", "uploads the key", "starts"], async (node, step) => {
    node.docker.refuse(STEPS[step], 500, "no space left on device");
    const reply = await node.create();
    assert.equal(reply.status, 500);
    assert.match(reply.message, /no space left on device/);
    assert.equal(node.docker.seen("POST", /create$/).length, step === "looks for the network" ? 0 : 1);
    await node.assertClean();
  });
});

suite.test("two nodes on one Docker: neither sweeps what the other makes", async () => {
  const [one, other] = [await Node.make("one"), await Node.make("other")];
  const { gate, created } = await one.createHeldAt("uploads the key");
  const lists = () => other.docker.seen("GET", /^\/containers\/json$/).length;
  const before = lists();
  await until(() => lists() > before, "the other node to look for what is half made");
  await other.barrier();
  gate.release();
  const reply = await created;
  assert.equal(reply.status, 201, reply.message);
  assert.deepEqual(other.docker.calls.filter(REMOVES), []);
  const [{ Id }] = await docker.ofUser(one.username);
  await docker.remove(Id);
});

suite.test("two nodes on one Docker that create at the same time from one port: all are made, no port twice", async () => {
  const nodes = [await Node.make("left"), await Node.make("right")];
  const startingPort = next(60);
  const users = Array.from({ length: 8 }, () => suite.user("both"));
  const made = await Promise.all(users.map(async (username, index) => {
    const { server } = nodes[index % 2];
    return succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey, startingPort }));
  }));
  const ports = made.flatMap((data) => Object.values(data.ports));
  assert.equal(new Set(ports).size, 3 * users.length, String(ports));
  await Promise.all(users.map((username, index) => assertInDocker(username, made[index])));
  await ssh(made[0].ports.ssh, suite.key, "true");
  await Promise.all(made.map(({ containerId }) => docker.remove(containerId)));
});
