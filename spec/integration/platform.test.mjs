// Handlers that try to break out, each with one failed reply and nothing else harmed; and reloads under load.
// RELOADS=1000 makes the latter long: it tells the figures.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import { WRAPPER } from "../support/dockhost.mjs";
import { failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("platform");
const RELOADS = Number(process.env.RELOADS || 40);
const COMMANDS_A_SECOND = 50;

/** Each is the body of a handler; `params` and `ctx` are in scope. All of these end in an internal error. */
const BROKEN = {
  "an endless loop": "while true do end",
  "a loop by goto": "::again:: goto again",
  "a loop in pcall": "while true do pcall(function() while true do end end) end",
  "a loop in the message handler of xpcall": "xpcall(error, function() while true do end end) while true do end",
  "a loop in nested coroutines": `local function nest(n)
      if n == 0 then while true do end end
      return coroutine.wrap(function() return nest(n - 1) end)()
    end
    nest(20)`,
  "a loop in nested coroutines, each in pcall": `local function nest(n)
      while true do
        if n > 0 then pcall(coroutine.wrap(function() nest(n - 1) end)) end
      end
    end
    nest(10)`,
  "a loop in a metamethod": "local t = setmetatable({}, { __index = function() while true do end end }) return { x = t.x }",
  "a loop in a sort's comparator": "table.sort({ 1, 2, 3 }, function() while true do end end)",
  "a loop in the callback of gsub": '("abc"):gsub(".", function() while true do end end)',
  "a loop while a variable is closed": "local x <close> = setmetatable({}, { __close = function() while true do end end })",
  "coroutines without end": "while true do coroutine.wrap(function() coroutine.yield() end)() end",
  "a pattern that takes for ever": '("a"):rep(5000):find((".-"):rep(9) .. "b")',
  "a pattern of gsub that takes for ever, in pcall": 'while true do pcall(string.gsub, ("a"):rep(5000), (".*"):rep(9) .. "b", "") end',
  "moving what is not there": "table.move({}, 1, math.maxinteger - 1, 2)",
  "inserting where a length is a lie": "table.insert(setmetatable({}, { __len = function() return 1e15 // 1 | 0 end }), 1, 5)",
  "removing where a length is a lie": "table.remove(setmetatable({}, { __len = function() return 1e15 // 1 | 0 end }), 1)",
  "a deep recursion": "local function f() return 1 + f() end return { x = f() }",
  "a deep recursion through a metamethod": "local t = {} setmetatable(t, { __index = function(_, k) return t[k] end }) return { x = t.x }",
  "a table that eats memory": "local t = {} while true do t[#t + 1] = { #t } end",
  "a memory bomb by string.rep": 'return { x = ("x"):rep(1 << 40) }',
  "a memory bomb by concatenation": 'local s = "x" while true do s = s .. s end',
  "a memory bomb in pcall": 'local s = "x" while true do pcall(function() while true do s = s .. s end end) end',
  "a memory bomb by table.concat": 'local t = {} for i = 1, 100 do t[i] = ("x"):rep(10000000) end return { x = table.concat(t) }',
  "an error that is a table": "error({ code = 500 })",
  "an error that is nil": "error(nil)",
  "an error that is a number": "error(42)",
  "an error that is a function": "error(print)",
  "an error whose __tostring raises": "error(setmetatable({}, { __tostring = function() error('again') end }))",
  "an error whose __tostring loops": "error(setmetatable({}, { __tostring = function() while true do end end }))",
  "an error whose __tostring is no function": "error(setmetatable({}, { __tostring = 5, __name = {} }))",
  "an error of a megabyte": 'error(("x"):rep(1000000))',
  "a yield outside of a wait": "coroutine.yield()",
  "a yield of what a wait yields": "local co = coroutine.wrap(function() ctx.sleep(0) end) coroutine.yield(co)",
  "a wait in a coroutine of its own": "return { x = coroutine.wrap(function() ctx.sleep(0.01) return 5 end)() }",
  "a yield in a sort's comparator": "table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)",
  "a wait in a sort's comparator": "table.sort({ 3, 2, 1 }, function(a, b) ctx.sleep(0.01) return a < b end)",
  "a yield in the callback of gsub": '("abc"):gsub(".", function() coroutine.yield() end)',
  "a wait in the callback of gsub": '("abc"):gsub(".", function() ctx.sleep(0.01) end)',
  "a yield in a metamethod": "local t = setmetatable({}, { __index = function() coroutine.yield() end }) return { x = t.x }",
  "closing its own coroutine": `local own = coroutine.running()
    assert(not pcall(coroutine.close, own))
    coroutine.wrap(function() coroutine.close(own) end)()`,
  "resuming its own coroutine": `local own = coroutine.running()
    error(select(2, coroutine.wrap(function() return coroutine.resume(own) end)()))`,
  "os.exit": "os.exit(0, true)",
  "os.execute": 'os.execute("kill -9 $PPID")',
  "io": 'io.popen("true")',
  "load": 'load("return 1")()',
  "the library of debug": "debug.sethook()",
  "a library that is none of its own": 'require("os").exit()',
  "the primitives of the host": 'require("host.loop").stop()',
  "a finalizer": "setmetatable({}, { __gc = function() while true do end end })",
  "a reply that holds itself": "local t = {} t.t = t return t",
  "a reply that is too deep": "local t = {} for _ = 1, 100000 do t = { t } end return t",
  "a reply of functions": "return { f = print }",
  "a reply whose keys can't be written": "return { [{}] = 1 }",
  "a step of undoing that raises": 'ctx.on_undo(function() error("no") end) ctx.on_undo(function() error({}) end) error("oops")',
  "a step of undoing that loops": 'ctx.on_undo(function() while true do end end) error("oops")',
  "last steps that raise and loop": `ctx.on_end(function() error({}) end)
    ctx.on_end(function() while true do end end)
    error("oops")`,
};

/** The body of a handler that succeeds, and its data. */
const HARMLESS = {
  "last steps that raise": ['ctx.on_end(function() error("no") end) return { done = true }', { done: true }],
  "a last step that waits": ["ctx.on_end(function() ctx.sleep(1) end) return { done = true }", { done: true }],
  "a catch of everything": ["return { ok = (pcall(error, {})) }", { ok: false }],
  "closing the connection by an event of Socket.IO's own": [`local refused = 0
    for _, name in ipairs({ "disconnect", "connect", "disconnecting", "newListener", "", 5, {} }) do
      local ok, answer = pcall(ctx.emit, name, "x")
      refused = refused + ((not ok or not answer) and 1 or 0)
    end
    return { refused = refused }`, { refused: 7 }],
  "closing the connection by an event that is too large": ['return { sent = ctx.emit("large", ("x"):rep(3000000)) or false }', { sent: false }],
  "closing the connection by what can't be written": ['return { sent = pcall(ctx.emit, "bad", print) and ctx.emit("bad", print) or false }', { sent: false }],
  "replying twice, the first time by an event": ['return { sent = ctx.emit("again", { success = true }) }', { sent: true }],
  "changing the libraries of Lua": [`table.insert, string.format, math.floor, coroutine.create = nil, nil, nil, nil
    return { done = true }`, { done: true }],
  "changing a library of the program": [`local json = require("dockhost.json")
    json.encode, json.decode = nil, nil
    require("dockhost.reply").compose = nil
    return { done = true }`, { done: true }],
  "changing what strings can do": ['return { ok = pcall(function() getmetatable("").__index.format = nil end) }', { ok: false }],
  "changing what all commands have": [`local changed = 0
    for _, name in ipairs({ "docker", "containers", "instances", "images", "store" }) do
      for method in pairs(ctx[name]) do
        if pcall(function() ctx[name][method] = print end) then changed = changed + 1 end
        rawset(ctx[name], method, error)
      end
      ctx[name] = nil
    end
    ctx.config.image, ctx.config.docker = nil, nil
    return { changed = changed }`, { changed: 0 }],
};

// What runs until something else ends it.
const LONG = {
  "catches-cancellation": `return { params = { username = "username" }, run = function(_, ctx)
    local caught = 0
    ctx.on_undo(function() ctx.log.info("undone", { caught = caught }) end)
    while true do
      if not pcall(ctx.sleep, 600) then caught = caught + 1 end
      if caught > 3 then return { caught = caught } end
    end
  end }\n`,
  "canceller": `return { params = { username = "username" }, cancels = "catches-cancellation", run = function()
    return {}, "cancelled the other"
  end }\n`,
  "never-cancelled": `return { params = { username = "username" }, run = function(_, ctx)
    while true do pcall(ctx.sleep, 600) end
  end }\n`,
  "never-canceller": `return { params = { username = "username" }, cancels = "never-cancelled", run = function()
    return {}, "cancelled the other"
  end }\n`,
};

const handler = (body) => `return { run = function(params, ctx)\n    ${body}\n  end }\n`;

const UNDO_WITHOUT_END = handler("ctx.on_undo(function() ctx.sleep(3600) end) error(\"oops\")");

const versioned = (n) => `local version = ${n}
return { run = function(_, ctx)
  ctx.sleep(0.03)
  return { version = version }
end }
`;

const quoted = (name) => name.replace(/[^a-z0-9]+/gi, "-");

let directory;
let server;
let dockhost;
let acknowledged = 0;
let asked = 0;
/** A node whose scripts are the shipped ones and little more. */
const plain = {};

before(async () => {
  directory = await suite.home();
  await mkdir(join(directory, "commands"));
  const bodies = [...Object.entries(BROKEN), ...Object.entries(HARMLESS).map(([name, [body]]) => [name, body])];
  for (const [name, body] of bodies) await writeFile(join(directory, "commands", `${quoted(name)}.lua`), handler(body));
  for (const [name, text] of Object.entries(LONG)) await writeFile(join(directory, "commands", `${name}.lua`), text);
  server = await suite.server();
  dockhost = await suite.connect(server, { args: [directory] });
  await openPlain();
  // Acknowledgements as they come, whoever waits for them: a second one would be seen.
  server.connections[0].conn.on("packet", ({ type, data }) => (acknowledged += type === "message" && /^3\d+\[/.test(data) ? 1 : 0));
});

async function openPlain() {
  plain.directory = await suite.home();
  plain.path = join(plain.directory, "commands/version.lua");
  await mkdir(join(plain.directory, "commands"));
  await writeFile(plain.path, versioned(0));
  await writeFile(join(plain.directory, "commands/undo-without-end.lua"), UNDO_WITHOUT_END);
  plain.server = await suite.server();
  plain.dockhost = await suite.connect(plain.server, { args: [plain.directory] });
  // It takes its time: the tests go on meanwhile.
  const began = Date.now();
  plain.undoing = plain.server.ask("undo-without-end", {}).then((reply) => ({ reply, waited: Date.now() - began }));
  plain.undoing.catch(() => {});
}

async function ask(event, payload = {}) {
  asked += 1;
  return server.ask(event, payload);
}

/** The same process, the same connection, each command answered once, and all that others use still there. */
async function assertUnharmed() {
  succeeded(await ask("list-containers"));
  assert.equal(await ask("check_if_container_exists", { USERNAME: suite.prefix }), false);
  assert.equal(server.connections.length, 1, "the connection stayed up");
  assert.ok(dockhost.running);
  assert.equal(acknowledged, asked, "each command is answered once");
}

for (const name of Object.keys(BROKEN)) {
  suite.test(`${name}: one failed reply, nothing else`, async () => {
    const from = dockhost.mark();
    const [bad, good] = await Promise.all([ask(quoted(name)), ask("list-containers")]);
    assert.match(failed(bad, name), /^internal error/);
    succeeded(good);
    await assertUnharmed();
    await dockhost.line(/failed: /, { from });
  });
}

for (const [name, [, data]] of Object.entries(HARMLESS)) {
  suite.test(`${name}: no harm`, async () => {
    assert.deepEqual(succeeded(await ask(quoted(name)), name), data);
    await assertUnharmed();
  });
}

suite.test("a cancellation that is caught comes again with each wait, and the command's end is its own", async () => {
  const username = suite.user();
  const first = ask("catches-cancellation", { username });
  const second = ask("canceller", { username });
  // It went on and returned: that is its reply, after which the next one has its turn.
  assert.deepEqual(succeeded(await first), { caught: 4 });
  succeeded(await second);
  await assertUnharmed();
});

suite.test("one that catches each cancellation for ever is stopped as a loop", async () => {
  const username = suite.user();
  const first = ask("never-cancelled", { username });
  const second = ask("never-canceller", { username });
  assert.match(failed(await first), /^internal error/);
  succeeded(await second);
  await assertUnharmed();
});

suite.test("a step of undoing that never ends has 10 s, while others are served", async () => {
  succeeded(await plain.server.ask("list-containers", {}));
  const { reply, waited } = await plain.undoing;
  assert.match(failed(reply), /^internal error/);
  assert.ok(waited > 9000 && waited < 20000, `it was answered after ${waited} ms`);
});

const resident = async () => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${plain.dockhost.pid}/status`, "utf8"))[1]);

/** Commands at a steady rate until `stop`, which resolves to the replies. */
function load() {
  const kinds = [["version", {}], ["version", {}], ["list-containers", {}], ["check_if_container_exists", { USERNAME: suite.prefix }]];
  const replies = [];
  let n = 0;
  const timer = setInterval(() => replies.push(plain.server.ask(...kinds[n++ % kinds.length])), 1000 / COMMANDS_A_SECOND);
  return async () => {
    clearInterval(timer);
    return Promise.all(replies);
  };
}

const part = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];
const middle = (list) => part(list, 0.5);

suite.test(`${RELOADS} reloads under ${COMMANDS_A_SECOND} commands a second: none lost, no leak`, { timeout: 30 * 60e3 }, async (context) => {
  const { path, server: main, dockhost: node } = plain;
  const from = node.mark();
  const stop = load();
  const memory = [];
  const began = Date.now();
  for (let n = 1; n <= RELOADS; n++) {
    await writeFile(path, versioned(n));
    // Every fourth is seen by itself.
    if (n % 4) node.signal("SIGHUP");
    await until(async () => (await main.ask("version", {})).data.version === n, `version ${n}`, { timeout: 30000 });
    if (n % Math.ceil(RELOADS / 20) === 0) memory.push(await resident());
  }
  const seconds = (Date.now() - began) / 1000;
  const replies = await stop();
  const bad = replies.filter((reply) => reply !== false && !reply.success);
  assert.deepEqual(bad, [], "every command succeeded");
  assert.equal(main.connections.length, 1, "the connection stayed up");
  const lines = node.matching(/scripts reloaded changed=commands\/version\.lua ms=/, from);
  const times = lines.map((line) => Number(/ms=(\d+)/.exec(line)[1]));
  assert.ok(times.length >= RELOADS, `${times.length} reloads changed the script`);
  const early = middle(memory.slice(2, 8));
  const late = middle(memory.slice(-6));
  context.diagnostic(`${times.length} reloads in ${seconds.toFixed(1)} s, ${replies.length} commands beside them; a reload took `
    + `${middle(times)} ms (median), ${part(times, 0.99)} ms (99 of 100), ${Math.max(...times)} ms (longest), `
    + `${times.filter((ms) => ms > 50).length} more than 50 ms; memory ${early} kB early, ${late} kB late; samples ${memory.join(" ")}`);
  if (!WRAPPER.length && !process.env.ASAN_OPTIONS) assert.ok(late - early < 4096, `memory grew from ${early} to ${late} kB`);
});
