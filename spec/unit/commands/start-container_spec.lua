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

local function add(state, options)
  options = options or {}
  return node.docker:add({
    name = "ada",
    image = IMAGE,
    labels = not options.adopted and MANAGED or nil,
    state = state or "exited",
    ports = PORTS,
  })
end

local function start()
  return node:call("start-container", { username = "ada" })
end

describe("start-container", function()
  it("does not start what is still being made, or is half made", function()
    local container = add("created")
    container.labels = { ["dockhost.managed"] = "true", ["dockhost.maker"] = "1:1:1" }
    local reply = node:call("resume_container", { USERNAME = "ada" })
    assert.equal(409, reply.status)
    assert.matches("still being made", reply.message)
    assert.equal("created", container.state)
  end)

  it("starts what somebody else created and never started", function()
    add("created", { adopted = true })
    assert.is_true(start().success)
  end)

  it("starts a stopped container on the ports that it had", function()
    local container = add()
    assert.same({
      success = true,
      message = "Instance resumed successfully",
      data = { containerId = container.id, ports = { ssh = 3100, http = 3101, https = 3102 } },
    }, start())
    assert.equal("running", container.state)
  end)

  it("is a success for one that runs already", function()
    add("running")
    local reply = start()
    assert.is_true(reply.success)
    assert.equal("Instance is already running", reply.message)
    assert.same({ status = 200, success = true, message = "Instance resumed successfully", data = reply.data },
      node:call("resume_container", { USERNAME = "ada" }))
  end)

  it("starts what the Node backend made, and never touches its keys", function()
    add("exited", { adopted = true })
    assert.is_true(start().success)
    assert.equal(0, #node.docker:asked("PUT", ""))
  end)

  it("works by containerId", function()
    local container = add()
    assert.is_true(node:call("start-container", { containerId = container.id }).success)
    assert.equal("running", container.state)
  end)

  it("is a 404 for who has none, foreign containers included", function()
    local foreign = node.docker:add({ name = "postgres", state = "exited" })
    assert.equal(404, node:call("resume_container", { USERNAME = "postgres" }).status)
    assert.is_false(node:call("start-container", { containerId = foreign.id }).success)
    assert.equal("exited", foreign.state)
  end)

  it("says so where another program has the port by now, and keeps the container", function()
    add()
    node.docker.taken[3101] = true
    local reply = start()
    assert.is_false(reply.success)
    assert.equal("port 3101 of this container is in use by another program on this node: end that one, then start this "
      .. "again", reply.message)
    assert.equal(503, node:call("resume_container", { USERNAME = "ada" }).status)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("waits for a port that Docker holds a moment longer than its last container", function()
    local container = add()
    local conflict = "driver failed: listen tcp4 0.0.0.0:3101: bind: address already in use"
    for _ = 1, 3 do
      node.docker:fail("POST", "/start$", 500, conflict)
    end
    assert.is_true(start().success)
    assert.equal("running", container.state)
  end)

  it("is a success where the answer was lost though Docker did it", function()
    local container = add()
    node.docker:lose("POST", "/start$")
    assert.equal("Instance resumed successfully", start().message)
    assert.equal("running", container.state)
  end)

  it("is a 503 where the call was lost before Docker did it", function()
    local container = add()
    node.docker:fail("POST", "/start$", 503, "lost")
    assert.equal(503, node:call("resume_container", { USERNAME = "ada" }).status)
    assert.equal("exited", container.state)
  end)

  it("says so where Docker publishes no ports", function()
    local container = add()
    container.start_failed = true
    local reply = start()
    assert.is_false(reply.success)
    assert.matches("did not publish its ports", reply.message)
  end)

  it("says so where the container ends at once", function()
    add()
    node.docker:after("POST", "/start$", function()
      node.docker:exit("ada", 127)
    end)
    local reply = start()
    assert.is_false(reply.success)
    assert.matches("ended at once, exit code 127", reply.message)
  end)

  it("says so where the container ends again and again", function()
    add()
    node.docker:after("POST", "/start$", function()
      node.docker:exit("ada", 1)
      node.docker:find("ada").state = "restarting"
    end)
    assert.matches("ended at once, exit code 1", start().message)
  end)

  it("carries the daemon's own message where it can't be looked at after the start", function()
    add()
    node.docker:after("POST", "/start$", function()
      node.docker:fail("GET", "^/containers/", 500, "broken")
    end)
    assert.equal("broken", start().message)
  end)

  it("is a 503 while Docker is away", function()
    node.docker:down()
    assert.equal(503, node:call("resume_container", { USERNAME = "ada" }).status)
  end)

  it("is known at once to the running-check", function()
    add()
    start()
    node.docker:down()
    assert.is_true(node:call("check_if_container_running", { USERNAME = "ada" }))
  end)
end)
