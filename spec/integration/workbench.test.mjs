// The author's workbench with the real program: new, test, scripts, repl, and call on what they made.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { before } from "node:test";
import { promisify } from "node:util";
import { BINARY, Dockhost, ROOT } from "../support/dockhost.mjs";
import { succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("workbench");
let home;

before(async () => {
  home = await suite.home();
});

/** A script directory with these files, by path. */
async function directory(files = {}) {
  const path = await suite.home();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

const run = (args, options = {}) => suite.cli(args, { home, ...options });

const GREET = 'return { run = function() return {}, "hello" end }\n';
const SPEC = `local node_support = require("node_support")
it("greets", function()
  local node = node_support.over()
  assert.equal("hello", node:call("greet", {}).message)
  node:finish()
end)
`;

suite.test("a command from nothing: written, tested, called", async () => {
  const path = await directory();
  const made = await run(["new", "command", "state-of"], { cwd: path });
  assert.deepEqual(made, { code: 0, stderr: "", stdout: `wrote commands/state-of.lua
wrote spec/state-of_spec.lua
Edit both, then:
  dockhost test .
  dockhost call state-of '{"username":"ada"}' --scripts .
` });
  const tested = await run(["test"], { cwd: path });
  assert.match(tested.stdout, /^2 successes \/ 0 failures \/ 0 errors/m);
  assert.equal(tested.code, 0);
  const username = suite.user();
  const call = async (event, payload) => {
    const { stdout } = await run(["call", event, JSON.stringify(payload), "--scripts", "."], { cwd: path });
    return JSON.parse(stdout);
  };
  assert.equal((await call("state-of", { username })).success, false);
  succeeded(await call("create-container", { username, sshPublicKey: suite.key.publicKey }));
  assert.deepEqual(await call("state-of", { username }), { success: true, message: "here it is", data: { state: "running" } });
  succeeded(await call("delete-container", { username }));
});

suite.test("each kind has a spec that passes, and nothing is overwritten", async () => {
  const path = await directory();
  for (const [kind, name] of [["command", "greet"], ["job", "nightly"], ["hook", "container-stopped"]]) {
    assert.equal((await run(["new", kind, name, path])).code, 0);
  }
  const tested = await run(["test", path]);
  assert.match(tested.stdout, /^5 successes \/ 0 failures \/ 0 errors/m);
  assert.equal((await run(["scripts", path])).code, 0);
  const text = await readFile(join(path, "jobs/nightly.lua"), "utf8");
  const again = await run(["new", "job", "nightly", path]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /nightly\.lua exists: it was left as it is, and nothing was written/);
  assert.equal(await readFile(join(path, "jobs/nightly.lua"), "utf8"), text);
});

suite.test("test exits 1 where a spec fails, a script does not load, or there is no spec", async () => {
  const path = await directory({ "commands/greet.lua": GREET.replace("hello", "bye"), "spec/greet_spec.lua": SPEC });
  const failing = await run(["test", path]);
  assert.equal(failing.code, 1);
  assert.match(failing.stdout, /greet_spec\.lua/);
  await writeFile(join(path, "commands/greet.lua"), "return {\n  run = }\n");
  const broken = await run(["test", path]);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /commands\/greet\.lua:2: unexpected symbol/);
  assert.equal((await run(["test", await directory()])).code, 1);
});

suite.test("test says how to install busted where it is missing", async () => {
  const path = await directory({ "spec/greet_spec.lua": SPEC });
  const { code, stdout, stderr } = await run(["test", path], { settings: { LUA_PATH_5_4: "/nowhere/?.lua" } });
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /apt install lua-busted/);
});

suite.test("what is installed has all that it takes", async () => {
  const root = await suite.home();
  const make = ["-C", ROOT, "-o", "build", "install", `BUILD=${dirname(BINARY)}`, `DESTDIR=${root}`, "PREFIX=/usr"];
  await promisify(execFile)("make", make);
  const path = await directory({ "commands/greet.lua": GREET, "spec/greet_spec.lua": SPEC });
  const installed = join(root, "usr/bin/dockhost");
  const { stdout } = await promisify(execFile)(installed, ["test", path], { cwd: path });
  assert.match(stdout, /^1 success \/ 0 failures \/ 0 errors/m);
});

suite.test("scripts tells what comes from where, and whether all load", async () => {
  const path = await directory({
    "commands/greet.lua": GREET,
    "commands/container-logs.lua": "return false\n",
    "reconnect.lua": "return function() return 1 end\n",
  });
  const { code, stdout } = await run(["scripts", path]);
  assert.equal(code, 0);
  const shipped = join(ROOT, "lua");
  const lines = Object.fromEntries(stdout.trim().split("\n").map((line) => line.split(/ {2,}/)).map(([name, ...rest]) => [name, rest]));
  assert.deepEqual(lines["commands/greet.lua"], [path, "-"]);
  assert.deepEqual(lines["commands/container-logs.lua"], [path, `takes away ${shipped}/commands/container-logs.lua`]);
  assert.deepEqual(lines["reconnect.lua"], [path, `shadows ${shipped}/reconnect.lua`]);
  assert.deepEqual(lines["dialect.lua"], [shipped, "-"]);
  await writeFile(join(path, "commands/greet.lua"), "return {");
  const broken = await run(["scripts", path]);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /commands\/greet\.lua:1: /);
  const missing = await run(["scripts", join(path, "gone")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /gone: No such file or directory/);
});

suite.test("repl runs piped lines one after the other, each to its end, and goes on after errors", async () => {
  const input = `x = 6
x * 7
ctx.sleep(0.05)
ctx.docker:version().ApiVersion
{ list = #ctx.containers:list() >= 0,
  nested = { 1 } }
error("oops")
while true do end
ctx.store:set("k", x)
ctx.store:get("k")
`;
  const { code, stdout, stderr } = await run(["repl"], { input });
  const lines = stdout.replace(/"1\.\d+"/, "VERSION").split("\n");
  assert.deepEqual(lines, ["42", "VERSION", "{", '  "list": true,', '  "nested": [', "    1", "  ]", "}", "true", "6", ""]);
  assert.match(stderr, /input:1: oops\nstack traceback:/);
  assert.match(stderr, /input:1: stopped: it ran 1\.0 s without yielding/);
  assert.equal(code, 1);
  assert.equal((await run(["repl"], { input: "1\n" })).code, 0);
  assert.deepEqual(await run(["repl"], { input: "" }), { code: 0, stdout: "", stderr: "" });
});

suite.test("repl: ctrl-C ends what a line waits for, and the next line runs", async () => {
  const repl = new Dockhost({ args: ["repl"], home, settings: suite.settings(), input: true });
  suite.closing(repl, () => repl.discard());
  repl.type('print("waiting"); ctx.sleep(600)\n');
  await until(() => repl.stdout.includes("waiting\n"), "the line to run");
  repl.signal("SIGINT");
  repl.type("'next'\n");
  await until(() => repl.stdout.includes('"next"\n'), () => `the next line; there is ${repl.stdout}${repl.stderr}`);
  assert.match(repl.stderr, /cancelled: interrupted/);
  repl.child.stdin.end();
  assert.equal(await repl.ended(), 1);
});

suite.test("repl has the scripts of a directory", async () => {
  const path = await directory({ "container.lua": 'return function() return { Image = "mine" } end\n' });
  assert.equal((await run(["repl", path], { input: "ctx.describe().Image\n" })).stdout, '"mine"\n');
  await rm(join(path, "container.lua"));
  await writeFile(join(path, "dialect.lua"), "return 5\n");
  const broken = await run(["repl", path], { input: "1\n" });
  assert.deepEqual([broken.code, broken.stdout], [78, ""]);
});

for (const [word, meant] of [["tset", "test"], ["scirpts", "scripts"], ["nwe", "new"], ["rpel", "repl"]]) {
  suite.test(`an unknown verb suggests the nearest: ${word}`, async () => {
    const { code, stderr } = await run([word]);
    assert.equal(code, 64);
    assert.match(stderr, new RegExp(`unknown command '${word}': did you mean '${meant}'\\?`));
  });
}
