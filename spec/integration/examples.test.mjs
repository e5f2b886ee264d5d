// The recipes of examples/: each loads, passes its own spec by `dockhost test`, and does for real what it says.
import assert from "node:assert/strict";
import http from "node:http";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { IMAGE, ROOT } from "../support/dockhost.mjs";
import { failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("guide");
const EXAMPLES = join(ROOT, "examples");
const names = (await readdir(EXAMPLES, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
let server;

before(async () => {
  server = await suite.server();
});

/** A copy of a recipe, adapted as its head says: `changes` are pairs of a text in the file and what it becomes. */
async function adapted(name, file, changes) {
  const directory = join(await suite.home(), name);
  await cp(join(EXAMPLES, name), directory, { recursive: true });
  let text = await readFile(join(directory, file), "utf8");
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${name}/${file} has ${from}`);
    text = text.replace(from, to);
  }
  await writeFile(join(directory, file), text);
  return directory;
}

/** Runs `body` beside a node that serves the recipe. */
async function serving(directory, body) {
  const node = await suite.connect(server, { args: [directory] });
  await body(node);
  await node.stop();
}

async function create(more = {}) {
  const username = suite.user();
  const data = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey, ...more }));
  return { username, data, container: await docker.inspect(data.containerId) };
}

const running = async (id) => (await docker.inspect(id)).State.Running;

for (const name of names) {
  suite.test(`${name}: it loads, and its spec passes`, async () => {
    const directory = join(EXAMPLES, name);
    const scripts = await suite.cli(["scripts", directory]);
    assert.equal(scripts.code, 0, scripts.stderr);
    assert.match(scripts.stdout, new RegExp(` ${directory} `), "a script of it is in effect");
    const { code, stdout, stderr } = await suite.cli(["test", directory]);
    assert.match(stdout, /^[1-9]\d* successes \/ 0 failures \/ 0 errors \/ 0 pending/m, stdout + stderr);
    assert.equal(code, 0);
  });
}

suite.test("image-choice: the container is of the image that was asked for", async () => {
  const reference = "dockhost-test/chosen:it";
  await docker.tag(IMAGE, "dockhost-test/chosen", "it");
  suite.closing(reference, docker.untag);
  const change = ["sohampirale/instance-python:3.12", reference];
  await serving(await adapted("image-choice", "commands/create-container.lua", [change]), async () => {
    assert.equal((await create({ image: "python" })).container.Config.Image, reference);
    assert.equal((await create()).container.Config.Image, IMAGE);
  });
});

suite.test("quota: Docker limits the container as the plan says", async () => {
  await serving(join(EXAMPLES, "quota"), async () => {
    const { HostConfig } = (await create({ plan: "student" })).container;
    assert.deepEqual([HostConfig.Memory, HostConfig.NanoCpus, HostConfig.PidsLimit], [512 * 2 ** 20, 5e8, 256]);
    assert.equal((await create()).container.HostConfig.Memory, 256 * 2 ** 20);
  });
});

suite.test("extra-ports: six ports are published, all of them free before", async () => {
  await serving(join(EXAMPLES, "extra-ports"), async () => {
    const taken = new Set();
    for (const { data, container } of await Promise.all([create(), create()])) {
      const bound = docker.bindings(container);
      assert.deepEqual(data.extraPorts, [bound[8080], bound[8081], bound[8082]]);
      assert.equal(Object.keys(container.NetworkSettings.Ports).length, 6);
      for (const port of Object.values(bound)) assert.ok(!taken.has(port) && taken.add(port), `${port} is one container's`);
    }
  });
});

suite.test("opening-hours: outside of them nothing is made", async () => {
  const never = ["OPENS, CLOSES = 8, 20", "OPENS, CLOSES = 0, 0"];
  await serving(await adapted("opening-hours", "commands/create-container.lua", [never]), async () => {
    const username = suite.user();
    assert.match(failed(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey })), /o'clock/);
    assert.equal(await docker.inspect(username), null);
  });
});

suite.test("run-program: the output comes as events, while the program runs, and the exit code as the reply", async () => {
  await serving(join(EXAMPLES, "run-program"), async () => {
    const { username } = await create();
    const told = [];
    let answered;
    (await server.backend()).on("program-output", (event) => told.push({ ...event, early: !answered }));
    const script = "echo één; echo two >&2; read line < /tmp/go; echo $line; exit 3";
    const shell = (text) => server.ask("run-program", { username, command: ["sh", "-c", text] });
    // Commands of one user run one after the other: the program that waits is let go by `docker exec`'s equal.
    const { containerId } = succeeded(await server.ask("container-status", { username }));
    const fifo = await docker.exec(containerId, ["mkfifo", "/tmp/go"]);
    assert.equal(fifo, 0);
    const reply = shell(script).then((value) => (answered = value));
    await until(() => told.length === 2, "the first lines, while the program runs");
    assert.equal(await docker.exec(containerId, ["sh", "-c", "echo three > /tmp/go"]), 0);
    const { exitCode, lostBytes, run } = succeeded(await reply);
    assert.deepEqual([exitCode, lostBytes], [3, 0]);
    const byStream = (stream) => told.filter((event) => event.stream === stream).map(({ text }) => text).join("");
    assert.equal(byStream("stdout"), "één\nthree\n");
    assert.equal(byStream("stderr"), "two\n");
    assert.ok(told.every((event) => event.early && event.run === run && event.username === username));
  });
});

suite.test("webhook: a web server that fails at first hears of a stop once it works", async () => {
  const heard = [];
  const web = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk)).on("end", () => {
      const event = JSON.parse(body);
      // Other users of this machine's Docker have containers, too.
      if (event.username.startsWith(suite.prefix)) heard.push({ key: request.headers["idempotency-key"], ...event });
      response.writeHead(heard.length === 1 ? 502 : 204).end();
    });
  });
  await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
  suite.closing(web, () => new Promise((resolve) => web.close(resolve)));
  const change = ["https://hooks.example.com/dockhost", `http://127.0.0.1:${web.address().port}/`];
  await serving(await adapted("webhook", "hooks/container-stopped.lua", [change]), async () => {
    const { username, data } = await create();
    succeeded(await server.ask("stop-container", { username }));
    await until(() => heard.length === 2, "the second try");
    for (const { event, username: user, containerId } of heard) {
      assert.deepEqual([event, user, containerId], ["container-stopped", username, data.containerId]);
    }
    assert.equal(heard[0].key, heard[1].key);
  });
});

suite.test("nightly-stop: what is idle stops, what works goes on", async () => {
  const always = [["NIGHT_BEGINS, NIGHT_ENDS = 1, 6", "NIGHT_BEGINS, NIGHT_ENDS = 0, 24"], ["3 * 3600", "2"],
    ["CPU_SECONDS, SENT_BYTES = 60", "CPU_SECONDS, SENT_BYTES = 0.1"],
    // Whoever else has containers on this machine keeps them.
    ["listed.state", `listed.username:find("${suite.prefix}", 1, true) and listed.state`]];
  await serving(await adapted("nightly-stop", "jobs/nightly-stop.lua", always), async (node) => {
    const [idle, busy] = await Promise.all([create(), create()]);
    const work = docker.exec(busy.data.containerId, ["timeout", "60", "sh", "-c", "while :; do :; done"]);
    await node.line(new RegExp(`stopped: it was idle.*${idle.username}`), { timeout: 45000 });
    assert.equal(await running(idle.data.containerId), false);
    assert.equal(await running(busy.data.containerId), true);
    await docker.remove(busy.data.containerId);
    await work;
  });
});

suite.test("steady-reconnect: a node whose server restarts is back within seconds", async () => {
  await serving(join(EXAMPLES, "steady-reconnect"), async (node) => {
    for (let n = 0; n < 3; n += 1) {
      const from = node.mark();
      await server.close();
      await node.line(/lost|closed|reach/i, { from });
      await server.listen();
      await server.backend(undefined, 10000);
    }
  });
});
