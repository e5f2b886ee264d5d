local node_support = require("node_support")

local node
before_each(function()
  node = node_support.over()
end)
after_each(function()
  node:finish()
end)

-- Lets the time go on to the next time that the clock on the wall shows that hour.
local function at(hour)
  local now = os.date("*t", math.floor(node.clock.time()))
  node:advance(((hour - now.hour) % 24) * 3600 - now.min * 60)
end

local function create()
  return node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
end

describe("opening hours", function()
  for _, hour in ipairs({ 8, 13, 19 }) do
    it("are open at " .. hour, function()
      at(hour)
      assert.is_true(create().success)
    end)
  end

  for _, hour in ipairs({ 20, 0, 7 }) do
    it("are over at " .. hour, function()
      at(hour)
      assert.same({ success = false, message = "this node is open from 8 to 20 o'clock", data = {} }, create())
      assert.same({}, node.docker:names())
    end)
  end

  it("do not concern what there is", function()
    at(10)
    create()
    at(23)
    assert.is_true(node:call("stop-container", { username = "ada" }).success)
    assert.is_true(node:call("start-container", { username = "ada" }).success)
  end)
end)
