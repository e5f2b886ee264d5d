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

describe("reading ahead", function()
  local function load_ahead(each)
    return scripts.load({ "own", "s" }, {
      read = function(path)
        if not files[path] then
          return nil, path .. ": No such file or directory"
        end
        return files[path]
      end,
      list = list,
      call = pcall,
      log = log,
      each = each,
    })
  end

  local function each(paths, fn)
    local found = {}
    for _, path in ipairs(paths) do
      found[path] = table.pack(pcall(fn, path))
    end
    return found
  end

  it("is of every directory, then of every file in effect, at once", function()
    files["own/commands/greet.lua"] = "return shadowed"
    local asked = {}
    local set = assert(load_ahead(function(paths, fn)
      table.insert(asked, paths)
      return each(paths, fn)
    end))
    assert.same({
      { "own", "own/commands", "own/jobs", "own/hooks", "s", "s/commands", "s/jobs", "s/hooks" },
      { "own/commands/greet.lua", "s/container.lua", "s/dialect.lua", "s/reconnect.lua" },
    }, asked)
    assert.is_function(set.commands.greet.run)
  end)

  it("fails as reading does", function()
    local set, errors = load_ahead(function(paths, fn)
      if paths[1] ~= "own" then
        files["s/dialect.lua"] = nil
      end
      return each(paths, fn)
    end)
    assert.is_nil(set)
    assert.same({ "s/dialect.lua: No such file or directory" }, errors)
  end)

  it("is made up for where it failed", function()
    assert.is_table((load_ahead(function()
      return {}
    end)))
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

describe("a mistake", function()
  for path, case in pairs({
    ["s/commands/greet.lua"] = { "return { parms = {}, run = print }", "a command has no field `parms`" },
    ["s/commands/every.lua"] = { "return { every = 1, run = print }", "a command has no field `every`" },
    ["s/jobs/tick.lua"] = { "return { every = 1, run = print, at = 5 }", "a job has no field `at`" },
    ["s/dialect.lua"] = { "return { hi = { comand = 'greet' } }", "route 'hi': a route has no field `comand`" },
    ["s/commands/wave.lua"] = { "return { run = print, cancels = 'gret' }", "`cancels` names no command: gret" },
  }) do
    it("in a field is told: " .. path, function()
      files[path] = case[1]
      local message = problem()
      assert.matches(path, message, 1, true)
      assert.matches(case[2], message, 1, true)
    end)
  end

  it("in the place of a file is told by its path, and stops nothing", function()
    files["s/motd.lua"], files["s/command/motd.lua"] = COMMAND, COMMAND
    local set = assert(load_all())
    assert.same({ "s/command", "s/motd.lua" }, set.misplaced)
  end)
end)

describe("a script", function()
  it("has its name in the errors of its functions", function()
    files["s/commands/greet.lua"] = "return { run = function() error('oops') end }"
    local _, message = pcall(assert(load_all()).commands.greet.run)
    assert.matches("^s/commands/greet.lua:1: oops", message)
  end)

  it("has globals of its own: another can't reach them", function()
    files["s/commands/a1.lua"] = "string.shared = 5; " .. COMMAND
    files["s/commands/b1.lua"] = "assert(string.shared == nil); " .. COMMAND
    assert.is_table((load_all()))
  end)

  it("may require the libraries", function()
    files["s/commands/greet.lua"] = 'assert(require("dockhost.json").decode("[]")); ' .. COMMAND
    assert.is_table((load_all()))
  end)
end)

for folder, case in pairs({
  jobs = { "nightly", "return { every = 60, run = function() end }", {
    ["return 5"] = "must return a table with a function `run` and a number `every`",
    ["return { every = 60 }"] = "function `run`",
    ["return { run = print }"] = "`every` must be a number of seconds, from 1 to 2592000",
    ["return { run = print, every = 0.5 }"] = "`every` must be a number",
    ["return { run = print, every = 2592001 }"] = "`every` must be a number",
    ["return { run = print, every = 0/0 }"] = "`every` must be a number",
    ["return { run = print, every = '60' }"] = "`every` must be a number",
  } },
  hooks = { "connected", "return function() end", {
    ["return {}"] = "must return a function",
  } },
}) do
  describe(folder .. "/", function()
    local name, good, bad = table.unpack(case)
    local path = "s/" .. folder .. "/" .. name .. ".lua"

    it("holds scripts by name", function()
      files[path] = good
      local set = assert(load_all())
      assert.is_truthy(set[folder][name])
      assert.equal(good, set.files[folder .. "/" .. name .. ".lua"].text)
    end)

    it("may be missing", function()
      assert.same({}, assert(load_all())[folder])
    end)

    for text, message in pairs(bad) do
      it("refuses: " .. text, function()
        files[path] = text
        local found = problem()
        assert.equal(path .. ": ", found:sub(1, #path + 2))
        assert.matches(message, found, 1, true)
      end)
    end
  end)
end

it("a hook for nothing that there is, is refused", function()
  files["s/hooks/conected.lua"] = "return function() end"
  assert.matches("^s/hooks/conected.lua: there is no such hook: they are connected, ", problem())
end)

-- The scripts of own/ over those of s/.
local function load_both()
  return scripts.load({ "own", "s" }, {
    read = function(path)
      return files[path], path .. ": No such file or directory"
    end,
    list = list,
    call = pcall,
    log = log,
  })
end

describe("a directory over another", function()
  it("holds only what differs", function()
    files["own/commands/wave.lua"] = COMMAND
    files["own/reconnect.lua"] = "return function() return 7 end"
    local set = assert(load_both())
    assert.same({ "greet", "wave" }, names(set))
    assert.equal(7, set.reconnect())
    assert.equal("s/reconnect.lua", set.files["reconnect.lua"].shadows)
  end)

  it("takes away what a file that returns false shadows", function()
    files["own/commands/greet.lua"] = "return false"
    files["s/jobs/nightly.lua"] = "return { every = 60, run = function() end }"
    files["own/jobs/nightly.lua"] = "return false"
    files["s/hooks/connected.lua"] = "return function() end"
    files["own/hooks/connected.lua"] = "return false"
    local set = assert(load_both())
    assert.same({ {}, {}, {} }, { set.commands, set.jobs, set.hooks })
    assert.is_true(set.files["commands/greet.lua"].removes)
  end)

  it("can't take away a policy, or a command that the dialect routes to", function()
    files["own/reconnect.lua"] = "return false"
    local _, errors = load_both()
    assert.same({ "own/reconnect.lua: must return a function" }, errors)
    files["own/reconnect.lua"] = nil
    files["own/commands/greet.lua"] = "return false"
    files["s/dialect.lua"] = "return { hi = { command = 'greet' } }"
    _, errors = load_both()
    assert.equal(1, #errors)
    assert.matches("^own/commands/greet.lua takes away .* event 'hi' .*: take the route away too", errors[1])
  end)

  it("may take away a command with its route", function()
    files["own/commands/greet.lua"] = "return false"
    files["s/dialect.lua"] = "return { hi = { command = 'greet' } }"
    files["own/dialect.lua"] = "shadowed['hi'] = nil return shadowed"
    assert.is_table((load_both()))
  end)

  it("is named where it is at fault", function()
    files["own/commands/greet.lua"] = "return {"
    local _, errors = load_both()
    assert.matches("^own/commands/greet.lua:1: ", errors[1])
  end)
end)

describe("what differs between two sets", function()
  local before
  before_each(function()
    files["s/commands/old.lua"] = COMMAND
    before = assert(load_both())
  end)

  local function difference()
    return scripts.difference(before, (assert(load_both())))
  end

  it("is nothing where nothing has changed", function()
    assert.same({ added = {}, changed = {}, removed = {} }, difference())
  end)

  it("is told by file name, in order", function()
    files["s/commands/new.lua"], files["s/commands/anew.lua"] = COMMAND, COMMAND
    files["s/commands/greet.lua"] = COMMAND .. " "
    files["s/commands/old.lua"] = nil
    assert.same({
      added = { "commands/anew.lua", "commands/new.lua" },
      changed = { "commands/greet.lua" },
      removed = { "commands/old.lua" },
    }, difference())
  end)

  it("is a change where another directory's file counts now, even with the same text", function()
    files["own/commands/greet.lua"] = COMMAND
    assert.same({ "commands/greet.lua" }, difference().changed)
  end)
end)

describe("shadowed", function()
  it("is what the file below returns, to be changed and returned", function()
    files["s/commands/greet.lua"] = "return { limit = 3, run = function() return { word = 'hello' } end }"
    files["own/commands/greet.lua"] = [[
      local greet = shadowed.run
      function shadowed.run()
        return { word = greet().word .. ' again' }
      end
      return shadowed]]
    local set = assert(load_both())
    assert.same({ word = "hello again" }, set.commands.greet.run())
    assert.equal(3, set.commands.greet.limit)
  end)

  it("is a function where that is what the file below returns", function()
    files["own/reconnect.lua"] = "return function(...) return 10 * shadowed(...) end"
    assert.equal(10, assert(load_both()).reconnect())
  end)

  it("has globals of its own", function()
    files["s/commands/greet.lua"] = "string.shared = 5; " .. COMMAND
    files["own/commands/greet.lua"] = "assert(string.shared == nil); return shadowed"
    assert.is_table((load_both()))
  end)

  it("is undefined where nothing is shadowed", function()
    files["own/commands/new.lua"] = "return shadowed"
    local _, errors = load_both()
    assert.matches("own/commands/new.lua:1: no file of this name lies below this one", errors[1])
  end)

  it("fails with its own file's name", function()
    files["s/commands/greet.lua"] = "error('oops')"
    files["own/commands/greet.lua"] = "return shadowed"
    local set, errors = load_both()
    assert.is_nil(set)
    assert.same({ "s/commands/greet.lua:1: oops" }, errors)
  end)

  it("is not loaded for a file that does not ask for it", function()
    files["s/commands/greet.lua"] = "error('oops')"
    files["own/commands/greet.lua"] = COMMAND
    assert.is_table((load_both()))
  end)

  it("counts as a part of what lies over it", function()
    files["own/commands/greet.lua"] = "return shadowed"
    local before = assert(load_both())
    assert.same({}, scripts.difference(before, (assert(load_both()))).changed)
    files["s/commands/greet.lua"] = COMMAND .. " -- changed"
    assert.same({ "commands/greet.lua" }, scripts.difference(before, (assert(load_both()))).changed)
  end)
end)
