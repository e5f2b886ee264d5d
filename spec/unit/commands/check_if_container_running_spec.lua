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

local function add(state)
  return node.docker:add({ name = "ada", image = IMAGE, labels = MANAGED, state = state })
end

local function running()
  return node:call("check_if_container_running", { USERNAME = "ada" })
end

describe("check_if_container_running", function()
  for state, expected in pairs({
    running = true, exited = false, created = false, paused = false, restarting = false, dead = false,
  }) do
    it("is " .. tostring(expected) .. " for a container that is " .. state, function()
      add(state)
      assert.equal(expected, running())
    end)
  end

  it("is false for who has none", function()
    assert.is_false(running())
  end)

  for state, expected in pairs({ running = true, exited = false }) do
    it("is what was known last when Docker is away: " .. state, function()
      add(state)
      running()
      node.docker:down()
      local sent = node:send("check_if_container_running", { USERNAME = "ada" })
      node:advance(19)
      assert.equal(0, #sent.answers)
      node:advance(1)
      assert.equal(expected, sent.reply)
    end)
  end

  it("is false without Docker where nothing was ever known", function()
    node.docker:down()
    assert.is_false(running())
  end)

  it("tells the truth when Docker comes back in time", function()
    local ada = add("running")
    running()
    node.docker:down()
    local sent = node:send("check_if_container_running", { USERNAME = "ada" })
    node:advance(5)
    ada.state = "exited"
    node.docker:up()
    node:advance(1)
    assert.is_false(sent.reply)
  end)

  it("is what was known last when the user's queue is full", function()
    add("running")
    running()
    node.docker:hang("GET", "^/containers/ada/json$")
    for _ = 1, 17 do
      node:send("check_if_container_running", { USERNAME = "ada" })
    end
    assert.is_true(node:send("check_if_container_running", { USERNAME = "ada" }).reply)
    node:advance(20)
  end)

  it("is what was known last when the node shuts down", function()
    add("running")
    running()
    node.dispatcher:close()
    assert.is_true(running())
  end)
end)
