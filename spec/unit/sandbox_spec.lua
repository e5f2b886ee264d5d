local fake_log = require("fake_log")
local sandbox = require("dockhost.sandbox")

local log
before_each(function()
  log = fake_log.new()
end)

-- Runs a text in an environment, a new one where none is given.
local function run(text, environment)
  return assert(load(text, "@x.lua", "t", environment or sandbox.new(log)))()
end

local function problem(text, environment)
  local ok, message = pcall(run, text, environment)
  assert.is_false(ok)
  return message
end

it("has the libraries of Lua that harm nothing", function()
  run("assert(string.format and table.concat and math.floor and utf8.len and coroutine.create)")
end)

it("has of os what neither blocks nor ends anything", function()
  run("assert(os.time() and os.date() and os.clock() and os.difftime(2, 1) == 1)")
  for _, name in ipairs({ "exit", "execute", "remove", "rename", "getenv", "setlocale", "tmpname" }) do
    assert.matches("x.lua:1: attempt to call a nil value", problem("os." .. name .. "()"))
  end
end)

for _, name in ipairs({ "io", "package", "debug", "load", "loadfile", "dofile", "collectgarbage", "_G", "arg" }) do
  it("does not have " .. name, function()
    assert.equal("x.lua:1: undefined variable '" .. name .. "'", problem("return " .. name))
  end)
end

it("names a variable that is not there, by file and line", function()
  assert.equal("x.lua:2: undefined variable 'X'", problem("local x = 5\nreturn X"))
end)

it("names a global that is made by mistake", function()
  assert.equal("x.lua:1: assignment to the global 'helper' (is a `local` missing?)", problem("helper = 5"))
  assert.matches("assignment to the global 'print'", problem("print = nil"))
end)

it("lets a script require the libraries, and nothing else", function()
  assert.equal("[]", run("return require('dockhost.json').encode(require('dockhost.json').decode('[]'))"))
  for _, name in ipairs({ "lfs", "io", "host.port", "dockhost", "dockhost.cli.run", "dockhost.../x" }) do
    assert.matches("a script may require dockhost.* only", problem(("require(%q)"):format(name)), 1, true)
  end
  assert.matches("a script may require dockhost.* only", problem("require({})"), 1, true)
end)

it("prints into the log", function()
  run("print('a', 5, nil)")
  assert.equal("a 5 nil", log:find("info")[1].message)
end)

it("keeps what a script does to the libraries for itself", function()
  run("string.format, table.insert, math.floor = nil, nil, nil; os.time = 5; coroutine.create = nil; string.x = 1")
  run("assert(string.format and table.insert and math.floor and os.time() and coroutine.create and not string.x)")
  assert.is_nil(rawget(string, "x"))
end)

it("keeps the library of strings, which all share, out of reach", function()
  run("assert(getmetatable('') == nil and getmetatable(setmetatable({}, { a = 5 })).a == 5)")
  assert.matches("bad argument #1 to 'setmetatable'", problem("setmetatable('', {})"))
  assert.matches("bad argument #1 to 'rawset'", problem("rawset('', 'x', 5)"))
end)

it("can't be got around", function()
  run("assert(getmetatable(require) == nil and not getmetatable(_ENV))")
  assert.matches("cannot change a protected metatable", problem("local e = _ENV; setmetatable(e, nil)"))
end)

it("may be written raw, and then only for its own file", function()
  run("rawset(_ENV, 'mine', 5); assert(mine == 5)")
  assert.matches("undefined variable 'mine'", problem("return mine"))
end)

it("keeps what a script does to the libraries that it requires for itself", function()
  run("local json = require('dockhost.json'); json.encode = nil; require('dockhost.hooks').EVENTS.connected = nil")
  assert.is_function(require("dockhost.json").encode)
  assert.is_string(require("dockhost.hooks").EVENTS.connected)
  run("assert(require('dockhost.json').encode({ require('dockhost.json').null }) == '[null]')")
end)

it("shows a script the metatables that it has set, and no other", function()
  run("local m = {}; assert(getmetatable(setmetatable({}, m)) == m); assert(getmetatable({}) == nil)")
  run("assert(getmetatable(setmetatable({}, { __metatable = 'mine' })) == 'mine')")
  run("assert(getmetatable(require('dockhost.json').decode('[]')) == nil and getmetatable(nil) == nil)")
  run("local t = setmetatable({}, {}); assert(setmetatable(t, nil) == t and getmetatable(t) == nil)")
end)

it("has no finalizers", function()
  assert.matches("can't have __gc", problem("setmetatable({}, { __gc = print })"))
  assert.matches("can't have __gc", problem("setmetatable({}, { __gc = true })"))
end)

describe("the library of tables", function()
  it("works as ever", function()
    run([[
      local t = {}
      table.insert(t, "b"); table.insert(t, 1, "a"); table.insert(t, "c")
      assert(table.concat(t) == "abc" and table.remove(t) == "c" and table.remove(t, 1) == "a" and #t == 1)
      t = { 3, 1, 2 }
      table.sort(t); assert(table.concat(t) == "123")
      table.sort(t, function(a, b) return a > b end); assert(table.concat(t) == "321")
      assert(table.concat(table.move(t, 1, 3, 3)) == "32321")
      assert(table.concat(table.move(t, 1, 2, 1, {})) == "32")
      assert(#table.move(t, 5, 1, 1, {}) == 0)]])
  end)

  for text, message in pairs({
    ["table.insert({}, 1, 2, 3)"] = "wrong number of arguments to 'insert'",
    ["table.insert({}, 5, 1)"] = "position out of bounds",
    ["table.insert(5, 1)"] = "table expected, got number",
    ["table.remove({}, 5)"] = "position out of bounds",
    ["table.sort({ 1, {} })"] = "attempt to compare",
    ["table.move({}, 'x', 2, 3)"] = "number expected, got string",
    -- Where the library would take for ever.
    ["table.move({}, 1, math.maxinteger - 1, 2)"] = "too many elements to move",
    ["table.move({}, 1.0, 1e15, 2)"] = "too many elements to move",
    ["table.move({}, -5, math.maxinteger, 2)"] = "too many elements to move",
    ["table.insert(setmetatable({}, { __len = function() return 1 << 50 end }), 1, 5)"] = "length is not its own",
    ["table.remove(setmetatable({}, { __len = function() return 1 << 50 end }), 1)"] = "length is not its own",
  }) do
    it("refuses " .. text, function()
      assert.matches(message, problem(text), 1, true)
    end)
  end
end)
