local node_support = require("node_support")

local node, reconnect
before_each(function()
  node = node_support.over()
  reconnect = node.scripts.reconnect
end)
after_each(function()
  node:finish()
end)

local function between(low, high, attempt, reason)
  for _ = 1, 100 do
    local seconds = reconnect(attempt, reason)
    assert.is_true(seconds >= low and seconds <= high, attempt .. ": " .. seconds)
  end
end

describe("the wait before a redial", function()
  it("is short for the first ten tries, then steady", function()
    between(0.5, 1.5, 1)
    between(0.5, 1.5, 10)
    between(7.5, 22.5, 11)
    between(7.5, 22.5, 10000)
  end)

  it("differs from one node to the next", function()
    assert.are_not.equal(reconnect(5), reconnect(5))
  end)

  it("is the shipped one for a refused key", function()
    assert.equal(60, reconnect(1, "refused"))
    assert.equal(900, reconnect(50, "refused"))
  end)
end)
