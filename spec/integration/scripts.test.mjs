// Scripts: dropped in, changed and broken while the process runs, and handlers that go wrong in every way.
import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { ROOT } from "../support/dockhost.mjs";
import { figures } from "../support/process-figures.mjs";
import { assertDeployed, failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("scripts");
let directory;
let home;
let server;
let dockhost;

before(async () => {
  home = await suite.home();
  directory = join(home, "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  server = await suite.server();
  dockhost = await suite.connect(server, { home, args: [directory] });
});

const command = (name) => join(directory, "commands", `${name}.lua`);
const greet = (word) => `return {\n  run = function()\n    return { word = "${word}" }, "said"\n  end,\n}\n`;

/** Writes a command and waits until it is the one that answers. */
async function drop(name, text, ready) {
  await writeFile(command(name), text);
  await until(async () => ready(await server.ask(name, { username: suite.prefix })), `${name} to be reloaded`);
}

const knows = (reply) => !/unknown command/.test(reply.message);

async function assertOthersServe() {
  succeeded(await server.ask("list-containers", {}));
  assert.equal(server.connections.length, 1, "the connection stayed up");
  assert.ok(dockhost.running);
}

suite.test("a file dropped in is a command, an edit changes it, its removal removes it", async () => {
  failed(await server.ask("greet", {}));
  await drop("greet", greet("hello"), (reply) => reply.data.word === "hello");
  assert.deepEqual(await server.ask("greet", {}), { success: true, message: "said", data: { word: "hello" } });
  await drop("greet", greet("good day"), (reply) => reply.data.word === "good day");
  await rm(command("greet"));
  await until(async () => !knows(await server.ask("greet", {})), "greet to be gone");
  await assertOthersServe();
});

suite.test("SIGHUP reloads too, and says so", async () => {
  const from = dockhost.mark();
  dockhost.signal("SIGHUP");
  await dockhost.line(/reload|scripts/i, { from });
  await assertOthersServe();
});

suite.test("a broken edit keeps the old set and logs file and line", async () => {
  await drop("greet", greet("hello"), (reply) => reply.data.word === "hello");
  const from = dockhost.mark();
  await writeFile(command("greet"), "return {\n  run = function(\n    return }\n");
  const line = await dockhost.line(/greet\.lua:3/, { from });
  assert.doesNotMatch(line, /traceback/i);
  assert.equal((await server.ask("greet", {})).data.word, "hello");
  dockhost.signal("SIGHUP");
  await until(() => dockhost.matching(/greet\.lua:3/, from).length > 1, "the second complaint");
  assert.equal((await server.ask("greet", {})).data.word, "hello");
  await drop("greet", greet("healed"), (reply) => reply.data.word === "healed");
  await assertOthersServe();
});

suite.test("all or nothing: one broken file holds back a good one beside it", async () => {
  const from = dockhost.mark();
  await writeFile(command("broken"), "return 7\n");
  await dockhost.line(/broken\.lua/, { from });
  const later = dockhost.mark();
  await writeFile(command("beside"), greet("beside"));
  await dockhost.line(/broken\.lua/, { from: later });
  assert.ok(!knows(await server.ask("beside", {})));
  await rm(command("broken"));
  await until(async () => knows(await server.ask("beside", {})), "beside to be loaded");
  await assertOthersServe();
});

const THROW = `return {
  run = function()
    local secret = "hunter2"
    error("the password is " .. secret)
  end,
}
`;

suite.test("an error in a script is one failure, with the traceback in the log alone", async () => {
  await drop("thrower", THROW, knows);
  const from = dockhost.mark();
  const message = failed(await server.ask("thrower", {}));
  assert.doesNotMatch(message, /hunter2|thrower\.lua/);
  await dockhost.line(/thrower\.lua:4: the password is hunter2/, { from });
  await dockhost.line(/traceback/i, { from });
  await drop("thrower", "return { run = function() error({ code = 7 }) end }\n", (reply) => !reply.success);
  failed(await server.ask("thrower", {}));
  await assertOthersServe();
});

/** Writes a command that must not be asked to see whether it is there. */
async function dropMute(name, text) {
  const from = dockhost.mark();
  await writeFile(command(name), text);
  await dockhost.line(/reload|scripts/i, { from });
}

const LOOPS = {
  "a plain loop": "while true do end",
  "a loop in pcall": "while true do pcall(function() while true do end end) end",
  "a loop in a coroutine of its own": "coroutine.wrap(function() while true do end end)()",
};

for (const [what, body] of Object.entries(LOOPS)) {
  suite.test(`${what} that never ends is stopped after about a second of processor time, others are served`, async () => {
    const name = `loop-${what.length}`;
    await dropMute(name, `return { run = function() ${body} end }\n`);
    const before = await figures(dockhost.pid);
    const [bad, good] = await Promise.all([server.ask(name, {}), server.ask("list-containers", {})]);
    const { cpu } = await figures(dockhost.pid);
    failed(bad, name);
    succeeded(good);
    const spent = cpu - before.cpu;
    assert.ok(spent > 0.8 && spent < 2, `it was stopped after ${spent} s`);
    await assertOthersServe();
  });
}

suite.test("a script that eats memory is stopped, and memory comes back", async () => {
  const eat = "local t = {} while true do t[#t + 1] = (\"x\"):rep(1000000) .. #t end";
  await dropMute("glutton", `return { run = function() ${eat} end }\n`);
  failed(await server.ask("glutton", {}));
  await assertOthersServe();
  failed(await server.ask("glutton", {}));
  await assertOthersServe();
});

suite.test("a payload is checked by the rules beside the handler", async () => {
  const text = "return { params = { count = \"integer\", note = \"string?\" }, run = function(params) return params end }\n";
  await drop("echo", text, knows);
  assert.deepEqual(succeeded(await server.ask("echo", { count: 3, note: "x", more: 1 })), { count: 3, note: "x" });
  assert.match(failed(await server.ask("echo", {})), /count/);
  assert.match(failed(await server.ask("echo", { count: "3" })), /count/);
  assert.match(failed(await server.ask("echo", { count: 3, note: 4 })), /note/);
});

suite.test("the dialect is a script: a new event for a command, with a shape of its own", async () => {
  const dialect = join(directory, "dialect.lua");
  const shipped = `local shipped = (function()\n${await readFile(dialect, "utf8")}\nend)()\n`;
  await writeFile(dialect, `${shipped}shipped.how_many = { command = "list-containers", reply = function(outcome)
  return #outcome.data.containers
end }
return shipped
`);
  await until(async () => typeof (await server.ask("how_many", {})) === "number", "the new dialect");
  const USERNAME = suite.user();
  const { PORT_NO, ...reply } = await server.ask("delete_container", { USERNAME });
  assertDeployed(reply, 404);
  assert.equal(PORT_NO, undefined);
});

suite.test("container.lua decides what an instance is", async () => {
  const path = join(directory, "container.lua");
  const shipped = await readFile(path, "utf8");
  const from = dockhost.mark();
  await writeFile(path, `local shipped = (function()\n${shipped}\nend)()
return function(instance, config)
  local body = shipped(instance, config)
  table.insert(body.Env, "GREETING=hello " .. instance.username)
  return body
end
`);
  await dockhost.line(/reload|scripts/i, { from });
  const username = suite.user();
  const { containerId } = succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey }));
  assert.ok((await docker.inspect(containerId)).Config.Env.includes(`GREETING=hello ${username}`));
  succeeded(await server.ask("delete-container", { username }));
});
