-- The types of what scripts are made of and get (types/ctx.lua), against what they are made of and get: both ways.
local config = require("dockhost.config")
local hooks = require("dockhost.hooks")
local node_support = require("node_support")
local params = require("dockhost.params")

local file = assert(io.open("lib/dockhost/types/ctx.lua"))
local types = file:read("a")
file:close()
assert(load(types, "=types/ctx.lua"))

-- { Ctx = { event = true, sleep = true … } … }: the fields, functions and methods of each class.
local function described()
  local classes, of_local, latest, open = {}, {}, nil, nil
  for line in types:gmatch("[^\n]+") do
    local class, field = line:match("^%-%-%-@class dockhost%.(%w+)"), line:match("^%-%-%-@field ([%w_]+) ")
    local name = line:match("^local (%w+) = {}$")
    local owner, member = line:match("^function (%w+)[.:]([%w_]+)%(")
    if class then
      classes[class], latest, open = {}, class, class
    elseif field then
      classes[assert(open, line)][field] = true
    elseif name then
      of_local[name] = latest
    elseif owner then
      classes[of_local[owner]][member] = true
    end
    open = line:find("^%-%-%-") and open or nil
  end
  return classes
end

local classes = described()

-- The names of the fields of all these.
local function names(...)
  local found = {}
  for _, part in ipairs({ ... }) do
    for name in pairs(part) do
      found[name] = true
    end
  end
  return found
end

-- A table whose fields are those of `real`, and the names that it is asked for.
local function asked(real)
  local found = {}
  return setmetatable({}, {
    __index = function(_, name)
      found[name] = true
      return real[name]
    end,
  }), found
end

local node
before_each(function()
  node = node_support.new()
end)
after_each(function()
  node:finish()
end)

-- Runs `look(ctx)` as a command and returns what that returns.
local function inside(look)
  local found
  node.scripts.commands.try = {
    run = function(_, ctx)
      found = look(ctx)
      return {}
    end,
  }
  assert.is_true(node:call("try", {}).success)
  return found
end

local function container()
  return node.docker:add({
    name = "ada",
    image = node_support.IMAGE,
    labels = { ["dockhost.managed"] = "true" },
    ports = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 },
  })
end

describe("the types of scripts describe", function()
  it("ctx", function()
    local found = inside(names)
    -- Only the command that has cancelled another has it.
    found.cancelled = true
    assert.same(classes.Ctx, found)
  end)

  for class, field in pairs({
    Docker = "docker", Containers = "containers", Instances = "instances", Images = "images", Store = "store",
  }) do
    it("ctx." .. field, function()
      assert.same(classes[class], inside(function(ctx)
        return names(ctx[field])
      end))
    end)
  end

  for class, field in pairs({ Ports = "ports", Log = "log" }) do
    it("ctx." .. field, function()
      assert.same(classes[class], inside(function(ctx)
        return names(ctx[field])
      end))
    end)
  end

  it("ctx.config: every setting but the key", function()
    local found = {}
    for name in pairs({ DOCKHOST_API_KEY = true, DOCKHOST_API_KEY_FILE = true }) do
      local values = { HOME = "/root", [name] = "/key" }
      for _, option in ipairs(config.options) do
        if not option.name:find("API_KEY") then
          values[option.name] = option.example
        end
      end
      found = names(found, config.public(assert(config.load(values))))
    end
    assert.same(classes.Config, found)
  end)

  it("what ctx.http takes and returns", function()
    local options, taken = asked({ url = "http://web.example/" })
    node.host.web = function()
      return 200, {}, ""
    end
    local answer = inside(function(ctx)
      return ctx.http(options)
    end)
    assert.same(classes.HttpOptions, taken)
    assert.same(classes.HttpAnswer, names(answer))
  end)

  it("what ctx.exec takes", function()
    local options, taken = asked({ cmd = { "ls" } })
    container().program = function()
      return {}, 0
    end
    assert.equal(0, inside(function(ctx)
      return (ctx.exec("ada", options))
    end))
    assert.same(classes.ExecOptions, taken)
  end)

  it("a container, of a look-up and of a list", function()
    container()
    assert.same(classes.Instance, inside(function(ctx)
      return names(ctx.containers:of_user("ada"), ctx.containers:list()[1])
    end))
  end)
end)

describe("the types of scripts describe what is read of", function()
  it("a command", function()
    local real = {
      params = { username = "username" },
      run = function()
        return nil, "away", 503
      end,
      fallback = function()
        return { much = ("x"):rep(100) }
      end,
      trim = function() end,
    }
    local try, read = asked(real)
    node.scripts.commands.try = try
    -- What `cancels` names is looked for among the user's commands that run.
    node:send("container-status", { username = "ada" })
    assert.is_false(node:call("try", { username = "ada" }, { limit = 50 }).success)
    assert.same(classes.Command, read)
  end)

  it("a route of the dialect, and what its reply is given", function()
    local outcome
    local route, read = asked({
      command = "list-containers",
      reply = function(given)
        outcome = names(given)
        return true
      end,
    })
    node.scripts.dialect.try = route
    assert.is_true(node:call("try", {}))
    assert.same(classes.Route, read)
    assert.same(classes.Outcome, outcome)
  end)

  it("a job", function()
    local job, read = asked({ every = 5, run = function() end })
    node.scripts.jobs.try, node.scripts.files["jobs/try.lua"] = job, { text = "" }
    node:start_jobs()
    node:advance(6)
    assert.same(classes.Job, read)
  end)
end)

describe("the types of scripts describe what is given to", function()
  it("container.lua", function()
    local instance
    local shipped = node.scripts.container
    function node.scripts.container(given, settings)
      instance = names(given)
      return shipped(given, settings)
    end
    assert.is_true(node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY }).success)
    assert.same(classes.NewInstance, instance)
  end)

  it("each hook", function()
    local listed = types:match("NAME is a hook's: (.-)%. What")
    for name, fields in pairs(hooks.EVENTS) do
      local given = {}
      for field in fields:gmatch("%a+") do
        given[field] = true
      end
      local class = ({ connected = "Connected", disconnected = "Disconnected" })[name] or "ContainerEvent"
      -- Only of what has stopped.
      given.exitCode = class == "ContainerEvent" or nil
      assert.same(classes[class], given, name)
      assert.truthy(listed:find(name, 1, true), name)
    end
  end)

  it("params: each type, and that it may be optional", function()
    local listed = {}
    for name in types:match("@alias dockhost%.ParamType\n(.-)\n\n"):gmatch('"([%w-]+%??)"') do
      listed[name] = true
    end
    local _, message = params.validate_rules({ field = "no-such-type" })
    local known = {}
    for name in message:match("known are (.+)$"):gmatch("[%w-]+") do
      known[name], known[name .. "?"] = true, true
    end
    assert.same(known, listed)
  end)
end)
