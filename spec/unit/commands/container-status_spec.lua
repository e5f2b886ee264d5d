local node_support = require("node_support")

local IMAGE = node_support.IMAGE
local MANAGED = { ["dockhost.managed"] = "true" }
local PORTS = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 }

local node
before_each(function()
  node = node_support.new()
end)
after_each(function()
  node:finish()
end)

local function add(state)
  return node.docker:add({ name = "ada", image = IMAGE, labels = MANAGED, state = state, ports = PORTS })
end

local function status(payload)
  return node:call("container-status", payload or { username = "ada" })
end

describe("container-status", function()
  it("has the entry and what it uses when it runs", function()
    local container = add("running")
    node:advance(60)
    local reply = status()
    assert.equal("the container is running", reply.message)
    assert.same({
      containerId = container.id,
      username = "ada",
      state = "running",
      ports = { ssh = 3100, http = 3101, https = 3102 },
      createdAt = "2026-11-24T12:00:00Z",
      image = IMAGE,
      cpuPercent = 50,
      memoryBytes = 4000000,
      memoryLimit = 536870912,
      pids = 3,
      rxBytes = 200,
      txBytes = 100,
      uptimeSeconds = 60,
    }, reply.data)
  end)

  it("looks twice, a moment apart: processor use is a difference", function()
    add("running")
    local times = {}
    for _ = 1, 2 do
      node.docker:before("GET", "/stats$", function()
        table.insert(times, node.clock.now())
      end)
    end
    status()
    assert.is_true(times[2] - times[1] >= 0.2 and times[2] - times[1] <= 1)
  end)

  it("has the entry alone when it does not", function()
    local container = add("exited")
    assert.same({
      containerId = container.id,
      username = "ada",
      state = "exited",
      ports = { ssh = 3100, http = 3101, https = 3102 },
      createdAt = "2026-11-24T12:00:00Z",
      image = IMAGE,
    }, status().data)
    assert.equal(0, #node.docker:asked("GET", "/stats$"))
  end)

  it("works by containerId", function()
    local container = add("running")
    assert.equal("ada", status({ containerId = container.id:sub(1, 12) }).data.username)
  end)

  it("says who has no container, foreign ones included", function()
    node.docker:add({ name = "postgres" })
    assert.equal("this user has no container", status({ username = "postgres" }).message)
    assert.equal("give a username or a containerId", status({}).message)
  end)

  it("carries the daemon's own message where a sample fails, the first or the second", function()
    add("running")
    node.docker:fail("GET", "/stats$", 500, "broken")
    assert.equal("broken", status().message)
    node.docker:after("GET", "/stats$", function()
      node.docker:fail("GET", "/stats$", 500, "broken")
    end)
    assert.equal("broken", status().message)
  end)
end)
