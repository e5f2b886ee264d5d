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

local function exists(user)
  return node:call("check_if_container_exists", { USERNAME = user or "ada" })
end

describe("check_if_container_exists", function()
  it("is true for ours, running or not, and for the Node backend's", function()
    node.docker:add({ name = "ada", image = IMAGE, labels = MANAGED, state = "exited" })
    node.docker:add({ name = "bob", image = IMAGE })
    assert.is_true(exists("ada"))
    assert.is_true(exists("bob"))
  end)

  it("is false for who has none, and for a foreign container", function()
    node.docker:add({ name = "postgres" })
    assert.is_false(exists("ada"))
    assert.is_false(exists("postgres"))
  end)

  it("costs one look-up by name", function()
    node.docker:add({ name = "ada", image = IMAGE, labels = MANAGED })
    exists()
    assert.equal(1, #node.docker:asked("GET", "^/containers/"))
  end)

  it("is emitted as the user's event, a bare boolean", function()
    local sent = node:send("check_if_container_exists", { USERNAME = "ada" }, { acknowledged = false })
    node:settle()
    assert.same({ { value = false, event = "ada", event_value = false } }, sent.answers)
  end)

  it("waits for Docker to come back, and then tells the truth", function()
    node.docker:down()
    local sent = node:send("check_if_container_exists", { USERNAME = "ada" })
    node:advance(10)
    assert.equal(0, #sent.answers)
    node.docker:up()
    node:advance(1)
    assert.is_false(sent.reply)
  end)

  it("is true after 20 s without Docker: the command that follows says what is wrong", function()
    node.docker:down()
    local sent = node:send("check_if_container_exists", { USERNAME = "ada" })
    node:advance(19)
    assert.equal(0, #sent.answers)
    node:advance(1)
    assert.is_true(sent.reply)
  end)

  it("is true after 20 s of a Docker that hangs", function()
    node.docker:hang("GET", "^/containers/ada/json$")
    local sent = node:send("check_if_container_exists", { USERNAME = "ada" })
    node:advance(20)
    assert.is_true(sent.reply)
  end)

  it("is true where Docker fails in another way", function()
    node.docker:fail("GET", "^/containers/ada/json$", 500, "broken")
    assert.is_true(exists())
  end)

  it("is true when the user's queue is full", function()
    node.docker:hang("GET", "^/containers/ada/json$")
    for _ = 1, 17 do
      node:send("check_if_container_exists", { USERNAME = "ada" })
    end
    assert.is_true(node:send("check_if_container_exists", { USERNAME = "ada" }).reply)
    node:advance(20)
  end)

  it("waits its turn, so that behind a create it tells the outcome", function()
    local created = node:send("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    local sent = node:send("check_if_container_exists", { USERNAME = "ada" })
    node:settle()
    assert.is_true(created.reply.success)
    assert.is_true(sent.reply)
  end)

  for _, user in ipairs({ "disconnect", "", ("n"):rep(129) }) do
    it("is false for a name that can't be a user's: " .. user:sub(1, 12), function()
      assert.is_false(exists(user))
    end)
  end
end)
