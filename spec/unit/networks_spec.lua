local docker = require("dockhost.docker")
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local fake_log = require("fake_log")
local networks = require("dockhost.networks")
local task = require("dockhost.task")

local daemon, tasks, nets, log
before_each(function()
  daemon = fake_docker.new({ time = fake_clock.new().time })
  tasks = task.new({})
  local client = docker.new({
    request = daemon.request,
    wait = task.wait,
    endpoint = { kind = "unix", path = "/run/docker.sock" },
  })
  log = fake_log.new()
  nets = networks.new({ docker = client, flights = task.flights(tasks), log = log })
end)

local function begin()
  local result = {}
  tasks:spawn(function()
    return nets:ensure("dockhost")
  end, function(...)
    table.move({ ... }, 1, select("#", ...), 1, result)
  end)
  return result
end

local function ensure()
  local result = begin()
  daemon:settle()
  return table.unpack(result, 2, 4)
end

describe("networks:ensure", function()
  it("makes a bridge on which containers can't reach each other", function()
    assert.is_true(ensure())
    local made = daemon.networks.dockhost
    assert.equal("bridge", made.Driver)
    assert.equal("false", made.Options["com.docker.network.bridge.enable_icc"])
    assert.equal("true", made.Labels["dockhost.managed"])
  end)

  it("says so once where they can, for the engine does not know how to forbid it", function()
    daemon.podman = "4.3.1"
    for _ = 1, 2 do
      ensure()
      daemon.networks.dockhost.Options = nil
    end
    ensure()
    local said = log:find("warn")
    assert.equal(1, #said)
    assert.matches("can reach each other on the network dockhost: .* which Podman does not know", said[1].message)
  end)

  it("says so where an administrator made it otherwise", function()
    for _, options in ipairs({ {}, { ["com.docker.network.bridge.enable_icc"] = "true" }, 7 }) do
      daemon.networks.dockhost, nets.warned = { Name = "dockhost", Options = options }, nil
      ensure()
    end
    assert.equal(3, #log:find("warn", "remove it, and it is made anew"))
  end)

  it("says nothing where they can't", function()
    ensure()
    ensure()
    assert.equal(0, #log:find("warn"))
  end)

  it("makes it once", function()
    ensure()
    assert.is_true(ensure())
    assert.equal(1, #daemon:asked("POST", "^/networks/create$"))
  end)

  it("makes it once for all who want it at once", function()
    local results = { begin(), begin(), begin() }
    daemon:settle()
    for _, result in ipairs(results) do
      assert.same({ true, true }, result)
    end
    assert.equal(1, #daemon:asked("POST", "^/networks/create$"))
  end)

  it("makes it again after somebody removed it", function()
    ensure()
    daemon.networks.dockhost = nil
    assert.is_true(ensure())
    assert.is_table(daemon.networks.dockhost)
  end)

  it("is content when another process was quicker", function()
    daemon:before("POST", "^/networks/create$", function()
      daemon.networks.dockhost = { Name = "dockhost" }
    end)
    assert.is_true(ensure())
  end)

  it("says which network can't be made, and why", function()
    daemon:fail("POST", "^/networks/create$", 403, "all predefined address pools have been fully subnetted")
    local ok, message, status = ensure()
    assert.is_nil(ok)
    assert.matches("the network dockhost can't be made: all predefined address pools", message)
    assert.equal(403, status)
  end)

  it("makes none because the one there can't be looked at", function()
    daemon:fail("GET", "^/networks/", 500, "broken")
    local ok, message, status = ensure()
    assert.is_nil(ok)
    assert.equal("broken", message)
    assert.equal(500, status)
    assert.equal(0, #daemon:asked("POST", "^/networks/create$"))
  end)

  it("passes on that Docker is away", function()
    daemon:down()
    local ok, message, status = ensure()
    assert.is_nil(ok)
    assert.matches("Docker does not answer", message)
    assert.equal(503, status)
  end)
end)
