local json = require("dockhost.json")
local node_support = require("node_support")

local IMAGE = node_support.IMAGE
local MANAGED = { ["dockhost.managed"] = "true" }

local node
before_each(function()
  node = node_support.new()
end)
after_each(function()
  node:finish()
end)

local function add(name, options)
  options = options or {}
  return node.docker:add({
    name = name,
    image = IMAGE,
    labels = not options.adopted and MANAGED or nil,
    state = options.state,
    ports = { ["22/tcp"] = options.port or 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 },
  })
end

describe("list-containers", function()
  it("lists ours by name, stopped and adopted ones too, and nothing foreign", function()
    add("eve", { port = 4000 })
    add("bob", { state = "exited" })
    add("ada", { adopted = true })
    node.docker:add({ name = "postgres" })
    local reply = node:call("list-containers", {})
    assert.equal("3 containers", reply.message)
    local seen = {}
    for i, entry in ipairs(reply.data.containers) do
      seen[i] = { entry.username, entry.state, entry.ports.ssh }
    end
    assert.same({ { "ada", "running", 3100 }, { "bob", "exited", 3100 }, { "eve", "running", 4000 } }, seen)
  end)

  it("has the documented fields, and no others", function()
    local container = add("ada")
    assert.same({ {
      containerId = container.id,
      username = "ada",
      state = "running",
      ports = { ssh = 3100, http = 3101, https = 3102 },
      createdAt = "2026-11-24T12:00:00Z",
      image = IMAGE,
    } }, node:call("list-containers", {}).data.containers)
  end)

  it("lists one user's where that is asked for", function()
    add("ada")
    add("bob")
    local reply = node:call("list-containers", { username = "bob" })
    assert.equal("1 container", reply.message)
    assert.equal("bob", reply.data.containers[1].username)
  end)

  it("is an empty list where there are none", function()
    assert.equal('{"data":{"containers":[]},"message":"0 containers","success":true}',
      json.encode(node:call("list-containers", {})))
    assert.equal("[]", json.encode(node:call("list-containers", { username = "ada" }).data.containers))
  end)

  it("takes no payload for an empty one", function()
    add("ada")
    assert.equal("1 container", node:call("list-containers", nil).message)
  end)

  it("outlives a container that goes meanwhile", function()
    add("ada")
    node.docker:fail("GET", "^/containers/%x+/json$", 404, "No such container")
    assert.is_true(node:call("list-containers", {}).success)
  end)

  it("carries the daemon's own message", function()
    node.docker:fail("GET", "^/containers/json$", 500, "broken")
    assert.equal("broken", node:call("list-containers", {}).message)
    add("ada")
    node.docker:fail("GET", "^/containers/%x+/json$", 500, "broken too")
    assert.equal("broken too", node:call("list-containers", {}).message)
  end)
end)
