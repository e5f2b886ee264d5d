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

local function stop()
  return node:call("stop-container", { username = "ada" })
end

describe("stop-container", function()
  it("stops a container with 5 s of grace, and keeps it and its ports", function()
    local container = add()
    assert.same({
      success = true,
      message = "Instance stopped successfully",
      data = { containerId = container.id, ports = { ssh = 3100, http = 3101, https = 3102 } },
    }, stop())
    assert.equal("exited", container.state)
    assert.equal("5", node.docker:asked("POST", "/stop$")[1].query.t)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("is a success for one that is stopped already", function()
    add("exited")
    local reply = stop()
    assert.is_true(reply.success)
    assert.equal("Instance is already stopped", reply.message)
    assert.equal(200, node:call("stop_container", { USERNAME = "ada" }).status)
  end)

  it("works by containerId, given the user's name or not", function()
    local container = add()
    assert.is_true(node:call("stop-container", { containerId = container.id, username = "ada" }).success)
    assert.equal("exited", container.state)
    assert.is_true(node:call("stop-container", { containerId = container.id }).success)
  end)

  it("is a 404 for who has none, foreign containers included", function()
    local foreign = node.docker:add({ name = "postgres" })
    assert.equal(404, node:call("stop_container", { USERNAME = "postgres" }).status)
    assert.is_false(node:call("stop-container", { containerId = foreign.id:sub(1, 12) }).success)
    assert.equal("running", foreign.state)
  end)

  it("carries the daemon's own message", function()
    add()
    node.docker:fail("POST", "/stop$", 500, "cannot stop container: permission denied")
    assert.equal("cannot stop container: permission denied", stop().message)
  end)

  it("is a success where the answer was lost though Docker did it, or does it meanwhile", function()
    local container = add()
    node.docker:lose("POST", "/stop$")
    assert.is_true(stop().success)
    assert.equal("exited", container.state)
    container.state = "running"
    node.docker:fail("POST", "/stop$", 503, "lost")
    local sent = node:send("stop-container", { username = "ada" })
    node:settle()
    assert.same({}, sent.answers)
    container.state = "exited"
    node:advance(1)
    node:settle()
    assert.is_true(sent.reply.success)
  end)

  it("is a 503 where the call was lost before Docker did it", function()
    add()
    node.docker:fail("POST", "/stop$", 503, "lost")
    assert.equal(503, node:call("stop_container", { USERNAME = "ada" }).status)
  end)

  it("is known at once to the running-check", function()
    add()
    node:call("check_if_container_running", { USERNAME = "ada" })
    stop()
    node.docker:down()
    assert.is_false(node:call("check_if_container_running", { USERNAME = "ada" }))
  end)
end)
