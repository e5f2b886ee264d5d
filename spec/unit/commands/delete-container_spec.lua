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

local function add(name, state)
  return node.docker:add({ name = name, image = IMAGE, labels = MANAGED, state = state })
end

local function deleted_status(user)
  return node:call("delete_container", { USERNAME = user }).status
end

describe("delete-container", function()
  for _, state in ipairs({ "running", "exited", "created" }) do
    it("removes a container that is " .. state, function()
      local container = add("ada", state)
      local reply = node:call("delete-container", { username = "ada" })
      assert.same({
        success = true,
        message = "Instance deleted successfully",
        data = { containerId = container.id },
      }, reply)
      assert.same({}, node.docker:names())
    end)
  end

  it("removes by force, with anonymous volumes", function()
    add("ada")
    node:call("delete-container", { username = "ada" })
    assert.same({ force = "true", v = "true" }, node.docker:asked("DELETE", "")[1].query)
  end)

  it("removes what the Node backend made", function()
    node.docker:add({ name = "ada", image = IMAGE })
    assert.equal(200, deleted_status("ada"))
    assert.same({}, node.docker:names())
  end)

  it("is a 404 for who has none", function()
    assert.equal(404, deleted_status("ada"))
    assert.equal("this user has no container", node:call("delete-container", { username = "ada" }).message)
  end)

  it("never touches a foreign container, by name, id or the beginning of one", function()
    local foreign = node.docker:add({ name = "postgres", id = ("abcdef0123456789"):rep(4) })
    for _, payload in ipairs({
      { username = "postgres" }, { username = foreign.id }, { username = "abcdef" }, { username = "ab" },
      { containerId = foreign.id }, { containerId = foreign.id:sub(1, 12) },
      { username = "ada", containerId = foreign.id },
    }) do
      assert.is_false(node:call("delete-container", payload).success)
    end
    assert.same({ "postgres" }, node.docker:names())
    assert.equal(0, #node.docker:asked("DELETE", ""))
  end)

  it("removes one of two users whose names share a word", function()
    for _, user in ipairs({ "a b", "a", "b" }) do
      node:call("create-container", { username = user, sshPublicKey = node_support.KEY })
    end
    assert.is_true(node:call("delete-container", { username = "a b" }).success)
    assert.equal(2, #node.docker:names())
    assert.is_true(node:call("check_if_container_exists", { USERNAME = "a" }))
    assert.is_true(node:call("check_if_container_exists", { USERNAME = "b" }))
  end)

  it("removes by the beginning of an id of ours", function()
    local container = add("ada")
    local sent = node:send("delete-container", { containerId = container.id:sub(1, 12) })
    node:settle()
    assert.equal(container.id, sent.reply.data.containerId)
    assert.equal("ada", sent.answers[1].event)
  end)

  it("is a success when another hand has removed it", function()
    add("ada")
    node.docker:fail("DELETE", "", 404, "No such container")
    assert.equal(200, deleted_status("ada"))
  end)

  it("waits for another hand that is removing it", function()
    local container = add("ada")
    node.docker:fail("DELETE", "", 409, "removal is already in progress")
    local sent = node:send("delete-container", { username = "ada" })
    node:settle()
    assert.equal(0, #sent.answers)
    node:run(node.client.container_remove, node.client, container.id)
    node:advance(1)
    assert.is_true(sent.reply.success)
  end)

  it("says so where that does not come to an end", function()
    add("ada")
    node.docker:fail("DELETE", "", 409, "removal is already in progress")
    assert.equal(409, deleted_status("ada"))
  end)

  it("carries the daemon's own message otherwise", function()
    add("ada")
    node.docker:fail("DELETE", "", 500, "device or resource busy")
    local reply = node:call("delete-container", { username = "ada" })
    assert.is_false(reply.success)
    assert.equal("device or resource busy", reply.message)
  end)

  it("is looked after where it failed half-way", function()
    add("ada")
    node.docker:fail("DELETE", "", 500, "unable to remove filesystem")
    assert.equal(500, deleted_status("ada"))
    assert.equal(1, node.leftovers)
  end)

  it("is a success where the answer was lost though Docker did it", function()
    add("ada")
    node.docker:lose("DELETE", "")
    assert.equal(200, deleted_status("ada"))
    assert.same({}, node.docker:names())
  end)

  it("is a 503 where the call was lost before Docker did it", function()
    add("ada")
    node.docker:fail("DELETE", "", 503, "lost")
    assert.equal(503, deleted_status("ada"))
    assert.same({ "ada" }, node.docker:names())
  end)

  it("is a 503 while Docker is away", function()
    node.docker:down()
    assert.equal(503, deleted_status("ada"))
  end)

  it("is known at once to the running-check", function()
    add("ada")
    node:call("check_if_container_running", { USERNAME = "ada" })
    node:call("delete-container", { username = "ada" })
    node.docker:down()
    assert.is_false(node:call("check_if_container_running", { USERNAME = "ada" }))
  end)
end)
