local bindings = require("dockhost.bindings")
local node_support = require("node_support")

local MANAGED = { ["dockhost.managed"] = "true" }
local PORTS = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 }

local node
before_each(function()
  node = node_support.new()
end)

local function bound_ports()
  return node:run(function()
    return node.containers:bound_ports()
  end)
end

local function managed(name, options)
  options = options or {}
  local ports = options.ports or PORTS
  return node.docker:add({ name = name, labels = MANAGED, ports = ports, state = options.state })
end

describe("bound_ports", function()
  it("has the ports of running and stopped containers, ours or not", function()
    managed("ada", { state = "exited" })
    node.docker:add({ name = "postgres", ports = { ["5432/tcp"] = 5432 }, state = "exited" })
    node.docker:add({ name = "redis", ports = { ["6379/tcp"] = 6379 } })
    assert.same({
      [3100] = true, [3101] = true, [3102] = true, [5432] = true, [6379] = true,
    }, (bound_ports()))
  end)

  it("has a port that Docker chose", function()
    local container = node.docker:add({ name = "redis", ports = { ["6379/tcp"] = 0 } })
    container.live["6379/tcp"] = { { HostPort = "49153" } }
    assert.same({ [49153] = true }, (bound_ports()))
  end)

  it("has each port of a range, of which Docker takes one at the start", function()
    local container = node.docker:add({ name = "web", ports = { ["80/tcp"] = 8000 }, state = "exited" })
    container.host_config.PortBindings["80/tcp"] = { { HostPort = "8000-8002" } }
    assert.same({ [8000] = true, [8001] = true, [8002] = true }, (bound_ports()))
  end)

  it("inspects each container once, as bindings never change", function()
    managed("ada")
    managed("bob", { state = "exited" })
    bound_ports()
    bound_ports()
    assert.equal(2, #node.docker:asked("GET", "^/containers/%x+/json$"))
  end)

  it("forgets containers that are gone", function()
    local ada = managed("ada")
    bound_ports()
    node:run(node.client.container_remove, node.client, ada.id)
    assert.same({}, (bound_ports()))
    assert.is_nil(next(node.containers.bindings.known))
  end)

  it("shrugs at a container that goes between the list and its inspection", function()
    managed("ada")
    node.docker:fail("GET", "^/containers/%x+/json$", 404, "No such container")
    managed("bob", { ports = { ["22/tcp"] = 4000 } })
    assert.equal("table", type((bound_ports())))
  end)

  it("passes on a failure, rather than calling ports free", function()
    managed("ada")
    node.docker:fail("GET", "^/containers/%x+/json$", 500, "broken")
    local bound, message, status = bound_ports()
    assert.is_nil(bound)
    assert.equal("broken", message)
    assert.equal(500, status)
  end)
end)

describe("published", function()
  it("wants all three ports", function()
    local live = {}
    for _, port in ipairs({ "22/tcp", "80/tcp", "443/tcp" }) do
      assert.is_false(bindings.published({ NetworkSettings = { Ports = live } }))
      live[port] = { { HostPort = "1" } }
    end
    assert.is_true(bindings.published({ NetworkSettings = { Ports = live } }))
    assert.is_false(bindings.published({}))
  end)
end)

describe("ports_of", function()
  it("is what a container was made with, or what Docker chose", function()
    local inspected = {
      HostConfig = { PortBindings = { ["22/tcp"] = { { HostPort = "3100" } }, ["80/tcp"] = { { HostPort = "" } } } },
      NetworkSettings = { Ports = { ["80/tcp"] = { { HostPort = "49153" } } } },
    }
    assert.same({ ssh = 3100, http = 49153 }, bindings.ports_of(inspected))
    assert.same({}, bindings.ports_of({}))
  end)
end)
