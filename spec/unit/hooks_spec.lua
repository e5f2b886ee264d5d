local hooks = require("dockhost.hooks")
local node_support = require("node_support")

local node, heard
before_each(function()
  node = node_support.new()
  heard = {}
end)
after_each(function()
  node:finish()
end)

local function hear(name)
  node.scripts.hooks[name] = function(event)
    table.insert(heard, { name, event })
  end
end

it("are known by name", function()
  assert.equal("connected, container-created, container-deleted, container-started, container-stopped, disconnected",
    hooks.names())
end)

it("run by name, told of the event; and where there is none, nothing does", function()
  hear("connected")
  node.node.hooks:run("connected", { server = "wss://main.example" })
  node.node.hooks:run("disconnected", { server = "wss://main.example" })
  assert.same({ { "connected", { server = "wss://main.example" } } }, heard)
end)

it("may wait, and what they return is nothing to anybody", function()
  node.scripts.hooks.connected = function(_, ctx)
    ctx.sleep(2)
    table.insert(heard, ctx.event)
    return nil, "no", 500
  end
  node.node.hooks:run("connected", {})
  assert.same({}, heard)
  node:advance(2)
  assert.same({ "hooks/connected" }, heard)
end)

it("fail for themselves alone, with a line", function()
  node.scripts.hooks.connected = function()
    error("oops")
  end
  node.node.hooks:run("connected", {})
  assert.matches("oops", node.log:find("error", "hooks/connected failed: ")[1].message)
  hear("connected")
  node.node.hooks:run("connected", {})
  assert.equal(1, #heard)
end)

it("are 32 at once at most, and the log says what was left out", function()
  local runs = 0
  node.scripts.hooks.connected = function(_, ctx)
    runs = runs + 1
    ctx.sleep(1)
  end
  for _ = 1, 40 do
    node.node.hooks:run("connected", {})
  end
  assert.equal(32, runs)
  assert.equal(8, #node.log:find("warn", "a hook was left out"))
  node:advance(1)
  node.node.hooks:run("connected", {})
  assert.equal(33, runs)
  node:advance(1)
end)

describe("an event of a container's", function()
  local function event(action, exit_code)
    return {
      Action = action,
      Actor = { ID = "c0ffee", Attributes = { image = "im/age", name = "ada", exitCode = exit_code } },
    }
  end

  for action, name in pairs({
    create = "container-created",
    start = "container-started",
    die = "container-stopped",
    destroy = "container-deleted",
  }) do
    it(action .. " runs " .. name, function()
      hear(name)
      node.node.hooks:container("ada", event(action, action == "die" and "137" or nil))
      assert.same({ { name, {
        username = "ada",
        containerId = "c0ffee",
        image = "im/age",
        exitCode = action == "die" and 137 or nil,
      } } }, heard)
    end)
  end

  it("that no hook is for runs none", function()
    for name in pairs(hooks.EVENTS) do
      hear(name)
    end
    node.node.hooks:container("ada", event("rename"))
    node.node.hooks:container("ada", event("exec_start: sh"))
    assert.same({}, heard)
  end)
end)
