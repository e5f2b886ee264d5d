-- dockhost.observers: who watches the node hears all, and harms nobody.
local fake_log = require("fake_log")
local observers = require("dockhost.observers")

describe("observers", function()
  local log, watched, heard

  local function hear(topic, value)
    table.insert(heard, topic .. " " .. value.state)
  end

  before_each(function()
    log, heard = fake_log.new(), {}
    watched = observers.new(log)
  end)

  it("tells all, until they have heard enough", function()
    watched:add(hear)
    local remove = watched:add(hear)
    watched:tell("connection", { state = "waiting" })
    remove()
    remove()
    watched:tell("connection", { state = "connecting" })
    assert.are.same({ "connection waiting", "connection waiting", "connection connecting" }, heard)
  end)

  it("outlives an observer's fault", function()
    watched:add(function() error("mine") end)
    watched:add(hear)
    watched:tell("docker", { state = "up" })
    assert.are.same({ "docker up" }, heard)
  end)

  it("lets an observer leave while it is told", function()
    local remove
    remove = watched:add(function(...)
      remove()
      hear(...)
    end)
    watched:add(hear)
    watched:tell("docker", { state = "up" })
    watched:tell("docker", { state = "down" })
    assert.are.same({ "docker up", "docker up", "docker down" }, heard)
  end)
end)
