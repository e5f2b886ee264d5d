local fake_log = require("fake_log")
local script_files = require("script_files")
local scripts = require("dockhost.scripts")

local COMMAND = "return { run = function() return {} end }"

local files, log
before_each(function()
  log = fake_log.new()
  files = {
    ["s/dialect.lua"] = "return {}",
    ["s/reconnect.lua"] = "return function() return 1 end",
    ["s/container.lua"] = "return function() return {} end",
    ["s/commands/greet.lua"] = COMMAND,
  }
end)

local function list(directory)
  local names, seen = {}, {}
  for path in pairs(files) do
    local name = path:match("^" .. directory .. "/([^/]*)")
    if name and not seen[name] then
      seen[name] = true
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

local function load_all(options)
  return scripts.load({ "s" }, {
    read = function(path, limit)
      assert.is_true(limit >= 64 * 1024)
      if not files[path] then
        return nil, path .. ": No such file or directory", "ENOENT"
      end
      return files[path]
    end,
    list = options and options.list or list,
    call = options and options.call or pcall,
    log = log,
  })
end

local function names(set)
  local found = {}
  for name in pairs(set.commands) do
    table.insert(found, name)
  end
  table.sort(found)
  return found
end

-- The one error that loading gives.
local function problem()
  local set, errors = load_all()
  assert.is_nil(set)
  assert.equal(1, #errors)
  return errors[1]
end

describe("loading", function()
  it("takes every file of commands/ by its name, and the three policies", function()
    files["s/commands/check_it.v2.lua"] = COMMAND
    local set = assert(load_all())
    assert.same({ "check_it.v2", "greet" }, names(set))
    assert.same({}, set.dialect)
    assert.equal(1, set.reconnect())
    assert.same({}, set.container())
  end)

  it("takes an added file and drops a removed one", function()
    load_all()
    files["s/commands/new.lua"] = COMMAND
    files["s/commands/greet.lua"] = nil
    assert.same({ "new" }, names((assert(load_all()))))
  end)

  for _, name in ipairs({ ".greet.lua.swp", ".#greet.lua", "greet.lua~", "#greet.lua#", "4913", "greet.lua.bak",
    ".hidden.lua", "README.md", ".lua" }) do
    it("ignores " .. name, function()
      files["s/commands/" .. name] = "this is no Lua"
      assert.same({ "greet" }, names((assert(load_all()))))
    end)
  end

  it("loads the shipped scripts", function()
    local set, errors = scripts.load({ script_files.shipped }, {
      read = script_files.read,
      list = script_files.list,
      call = pcall,
      log = log,
    })
    assert(set, errors and table.concat(errors, "\n"))
    assert.same({
      "check_if_container_exists", "check_if_container_running", "container-logs", "container-status",
      "create-container", "delete-container", "list-containers", "start-container", "stop-container",
    }, names(set))
  end)
end)

describe("a script that does not load", function()
  it("is named with its line: a syntax error", function()
    files["s/commands/greet.lua"] = "return {\n  run = = 5\n}"
    assert.matches("^s/commands/greet.lua:2: unexpected symbol", problem())
  end)

  it("is named with its line: an error while it runs", function()
    files["s/commands/greet.lua"] = "\nlocal x = nil\nreturn x.y"
    assert.matches("^s/commands/greet.lua:3: attempt to index", problem())
  end)

  it("is named with its line: an undefined variable", function()
    files["s/commands/greet.lua"] = "local x = 5\nreturn X"
    assert.matches("^s/commands/greet.lua:2: undefined variable 'X'", problem())
  end)

  it("is named with its line: a global made by mistake", function()
    files["s/commands/greet.lua"] = "helper = 5\nreturn {}"
    assert.matches("^s/commands/greet.lua:1: assignment to the global 'helper'", problem())
  end)

  for what, case in pairs({
    ["no table"] = { "return 5", "must return a table with a function `run`" },
    ["nothing"] = { "", "must return a table with a function `run`" },
    ["no run"] = { "return { params = {} }", "function `run`" },
    ["params that are text"] = { "return { run = print, params = 'x' }", "`params` must be a table" },
    ["an unknown type"] = { "return { run = print, params = { a = 'strnig' } }", "unknown type" },
    ["a fallback that is no function"] = { "return { run = print, fallback = 5 }", "`fallback` must be a function" },
    ["a trim that is no function"] = { "return { run = print, trim = {} }", "`trim` must be a function" },
    ["a cancels that is no text"] = { "return { run = print, cancels = true }", "`cancels` must be a string" },
    ["a limit of 0"] = { "return { run = print, limit = 0 }", "`limit` must be a positive integer" },
    ["a limit that is no number"] = { "return { run = print, limit = '4' }", "`limit` must be a positive integer" },
  }) do
    it("is a command with " .. what, function()
      files["s/commands/greet.lua"] = case[1]
      local message = problem()
      assert.matches("^s/commands/greet.lua: ", message)
      assert.matches(case[2], message, 1, true)
    end)
  end

  for what, case in pairs({
    ["a dialect that is no table"] = { "dialect", "return 5", "must return a table" },
    ["a dialect whose route is text"] = { "dialect", "return { a = 'greet' }", "must map event names to tables" },
    ["a dialect whose reply is text"] = { "dialect", "return { greet = { reply = 'x' } }", "`reply` a function" },
    ["a route to no command"] = { "dialect", "return { hi = { command = 'gone' } }", "names no command: gone" },
    ["a route named like no command"] = { "dialect", "return { hi = {} }", "names no command: hi" },
    ["a reconnect that is no function"] = { "reconnect", "return 5", "must return a function" },
    ["a container that is no function"] = { "container", "return {}", "must return a function" },
  }) do
    it("is " .. what, function()
      files["s/" .. case[1] .. ".lua"] = case[2]
      local message = problem()
      assert.matches("^s/" .. case[1] .. "%.lua: ", message)
      assert.matches(case[3], message, 1, true)
    end)
  end

  for _, name in ipairs({ "dialect", "reconnect", "container" }) do
    it("is one that is missing: " .. name, function()
      files["s/" .. name .. ".lua"] = nil
      assert.matches("s/" .. name .. ".lua: No such file", problem())
    end)
  end

  it("is a missing directory", function()
    local set, errors = load_all({ list = function()
      return nil, "s/commands: No such file or directory", "ENOENT"
    end })
    assert.is_nil(set)
    assert.matches("No such file", errors[1])
  end)

  it("is bytecode", function()
    files["s/commands/greet.lua"] = string.dump(function() end)
    assert.matches("attempt to load a binary chunk", problem())
  end)

  it("is one that the guard stopped", function()
    local set, errors = load_all({ call = function(chunk)
      chunk()
      return false, "s/commands/greet.lua:1: stopped: it ran 1 s without yielding"
    end })
    assert.is_nil(set)
    assert.matches("stopped", errors[1])
  end)

  it("is told together with all others", function()
    files["s/commands/greet.lua"] = "return ="
    files["s/commands/wave.lua"] = "return 5"
    files["s/reconnect.lua"] = nil
    local set, errors = load_all()
    assert.is_nil(set)
    assert.equal(3, #errors)
  end)
end)

describe("a script", function()
  local function run(text)
    files["s/commands/greet.lua"] = text
    return assert(load_all()).commands.greet
  end

  it("may require the libraries, and nothing else", function()
    run('assert(require("dockhost.json").decode("[]")); ' .. COMMAND)
    for _, name in ipairs({ "lfs", "io", "host.port", "dockhost", "dockhost.cli.run", "dockhost.../x" }) do
      files["s/commands/greet.lua"] = ("require(%q)"):format(name)
      assert.matches("a script may require dockhost.* only", problem(), 1, true)
    end
  end)

  for _, name in ipairs({ "io", "package", "debug", "load", "loadfile", "dofile", "collectgarbage", "_G" }) do
    it("does not see " .. name, function()
      files["s/commands/greet.lua"] = "return " .. name
      assert.matches("undefined variable '" .. name .. "'", problem())
    end)
  end

  it("sees the libraries of Lua that harm nothing", function()
    run("assert(string.format and table.concat and math.floor and utf8.len and coroutine.create); " .. COMMAND)
  end)

  it("sees of os what neither blocks nor ends anything", function()
    run("assert(os.time() and os.date() and os.clock()); " .. COMMAND)
    files["s/commands/greet.lua"] = "os.exit()"
    assert.matches("attempt to call a nil value", problem())
  end)

  it("prints into the log", function()
    run('print("a", 5, nil); ' .. COMMAND)
    assert.equal("a 5 nil", log:find("info")[1].message)
  end)

  it("has globals of its own: another can't reach them", function()
    files["s/commands/a1.lua"] = "string.shared = 5; " .. COMMAND
    files["s/commands/b1.lua"] = "assert(string.shared == nil); " .. COMMAND
    assert.is_table((load_all()))
    assert.is_nil(rawget(string, "shared"))
  end)

  it("can't reach the library of strings that all share", function()
    run("assert(getmetatable('') == nil and getmetatable(setmetatable({}, { a = 5 })).a == 5); " .. COMMAND)
  end)

  it("can't get around the protection of its globals", function()
    run("assert(getmetatable(require) == nil); " .. COMMAND)
    files["s/commands/greet.lua"] = "local e = _ENV; setmetatable(e, nil); return {}"
    assert.matches("cannot change a protected metatable", problem())
  end)

  it("has its name in the errors of its functions", function()
    local command = run("return { run = function() error('oops') end }")
    local _, message = pcall(command.run)
    assert.matches("^s/commands/greet.lua:1: oops", message)
  end)
end)

describe("shadowed", function()
  local function load_over()
    return scripts.load({ "own", "s" }, { read = function(path)
      return files[path], path .. ": No such file or directory"
    end, list = list, call = pcall, log = log })
  end

  it("is what the file below returns, to be changed and returned", function()
    files["s/commands/greet.lua"] = "return { limit = 3, run = function() return { word = 'hello' } end }"
    files["own/commands/greet.lua"] = [[
      local greet = shadowed.run
      function shadowed.run()
        return { word = greet().word .. ' again' }
      end
      return shadowed]]
    local set = assert(load_over())
    assert.same({ word = "hello again" }, set.commands.greet.run())
    assert.equal(3, set.commands.greet.limit)
  end)

  it("is a function where that is what the file below returns", function()
    files["own/reconnect.lua"] = "return function(...) return 10 * shadowed(...) end"
    assert.equal(10, assert(load_over()).reconnect())
  end)

  it("has globals of its own", function()
    files["s/commands/greet.lua"] = "string.shared = 5; " .. COMMAND
    files["own/commands/greet.lua"] = "assert(string.shared == nil); return shadowed"
    assert.is_table((load_over()))
  end)

  it("is undefined where nothing is shadowed", function()
    files["own/commands/new.lua"] = "return shadowed"
    local _, errors = load_over()
    assert.matches("own/commands/new.lua:1: undefined variable 'shadowed'", errors[1])
  end)

  it("fails with its own file's name", function()
    files["s/commands/greet.lua"] = "error('oops')"
    files["own/commands/greet.lua"] = "return shadowed"
    local set, errors = load_over()
    assert.is_nil(set)
    assert.same({ "s/commands/greet.lua:1: oops" }, errors)
  end)

  it("is not loaded for a file that does not ask for it", function()
    files["s/commands/greet.lua"] = "error('oops')"
    files["own/commands/greet.lua"] = COMMAND
    assert.is_table((load_over()))
  end)

  it("counts as a part of what lies over it", function()
    files["own/commands/greet.lua"] = "return shadowed"
    local before = assert(load_over())
    assert.same({}, scripts.difference(before, (assert(load_over()))).changed)
    files["s/commands/greet.lua"] = COMMAND .. " -- changed"
    assert.same({ "commands/greet.lua" }, scripts.difference(before, (assert(load_over()))).changed)
  end)
end)
