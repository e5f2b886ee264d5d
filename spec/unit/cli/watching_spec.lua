local fake_host = require("fake_host")
local fake_log = require("fake_log")
local watching = require("dockhost.cli.watching")

local host, app, calls
before_each(function()
  calls = 0
  host = fake_host.new()
  app = {
    host = host,
    log = fake_log.new(),
    node = { directories = { "own", "/share/lua" }, settings = {} },
  }
end)

local function count()
  calls = calls + 1
end

local function any()
  return true
end

-- What is watched, sorted.
local function watched()
  local found = {}
  for directory in pairs(host.watched) do
    table.insert(found, directory)
  end
  table.sort(found)
  return found
end

-- Directories that are not there can't be watched.
local function lack(...)
  local start, missing = host.watch.start, {}
  for _, directory in ipairs({ ... }) do
    missing[directory] = true
  end
  host.watch.start = function(directory, fn)
    if missing[directory] then
      return nil, directory .. ": No such file or directory", "ENOENT"
    end
    return start(directory, fn)
  end
  return missing
end

describe("a watched directory", function()
  it("tells of changes once it has been quiet for a moment", function()
    watching.start(app, "d", any, count)
    host:touch("d/a")
    host.clock:advance(0.15)
    host:touch("d/b")
    host.clock:advance(0.15)
    assert.equal(0, calls)
    host.clock:advance(0.06)
    assert.equal(1, calls)
    host.clock:advance(60)
    assert.equal(1, calls)
  end)

  it("tells of what concerns it alone", function()
    watching.start(app, "d", function(name)
      return name == "a"
    end, count)
    host:touch("d/b")
    host.clock:advance(1)
    assert.equal(0, calls)
    host:touch("d/a")
    host.clock:advance(1)
    assert.equal(1, calls)
  end)

  it("that was exchanged is a change, and is watched further", function()
    watching.start(app, "d", any, count)
    host:touch(nil, "d")
    assert.same({}, watched())
    host.clock:advance(0.2)
    assert.same({ "d" }, watched())
    assert.equal(1, calls)
    host:touch("d/a")
    host.clock:advance(0.2)
    assert.equal(2, calls)
  end)

  it("can be left, before and after it was exchanged, and while it is settling", function()
    local stop = watching.start(app, "d", any, count)
    host:touch(nil, "d")
    host.clock:advance(0.2)
    host:touch("d/a")
    stop()
    assert.same({}, watched())
    host.clock:advance(1)
    assert.equal(1, calls)
    host.clock:assert_idle()
    stop = watching.start(app, "d", any, count)
    host:touch(nil, "d")
    stop()
    host.clock:advance(1)
    assert.same({}, watched())
    assert.equal(1, calls)
  end)

  it("that can't be watched is a warning, unless it may lack", function()
    lack("d")
    watching.start(app, "d", any, count, true)()
    assert.equal(0, #app.log:find("warn"))
    watching.start(app, "d", any, count)()
    assert.equal(1, #app.log:find("warn", "(SIGHUP reloads): d: No such file or directory"))
  end)
end)

describe("the scripts", function()
  it("are watched in every directory of each layer", function()
    watching.scripts(app, count)
    assert.same({
      "/share/lua", "/share/lua/commands", "/share/lua/hooks", "/share/lua/jobs",
      "own", "own/commands", "own/hooks", "own/jobs",
    }, watched())
  end)

  for path, expected in pairs({
    ["own/commands/greet.lua"] = 1,
    ["/share/lua/jobs/nightly.lua"] = 1,
    ["/share/lua/dialect.lua"] = 1,
    ["own/hooks"] = 1,
    ["own/commands/.greet.lua.swp"] = 0,
    ["own/commands/greet_spec.lua"] = 0,
    ["own/commands/4913"] = 0,
    ["own/README.md"] = 0,
    ["own/spec"] = 0,
  }) do
    it((expected == 1 and "are" or "are not") .. " loaded anew for " .. path, function()
      watching.scripts(app, count)
      host:touch(path)
      host.clock:advance(1)
      assert.equal(expected, calls)
    end)
  end

  it("are watched in a folder that is new", function()
    local missing = lack("own/jobs", "own/hooks")
    watching.scripts(app, count)
    assert.equal(0, #app.log:find("warn"))
    missing["own/jobs"] = nil
    host:touch("own/jobs")
    host.clock:advance(0.2)
    assert.equal(1, calls)
    host:touch("own/jobs/nightly.lua")
    host.clock:advance(0.2)
    assert.equal(2, calls)
  end)

  it("are watched once, however often the layer changes", function()
    local started = 0
    local start = host.watch.start
    host.watch.start = function(...)
      started = started + 1
      local handle = start(...)
      local close = handle.close
      function handle.close()
        started = started - 1
        close()
      end
      return handle
    end
    watching.scripts(app, count)
    local before = started
    for _ = 1, 5 do
      host:touch("own/commands")
      host.clock:advance(1)
    end
    assert.equal(before, started)
  end)
end)
