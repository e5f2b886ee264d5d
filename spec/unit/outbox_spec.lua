local outbox = require("dockhost.outbox")

local function all(box)
  local replies = {}
  for reply in function() return box:first() end do
    table.insert(replies, reply)
  end
  return replies
end

describe("outbox", function()
  it("gives out what it keeps once, oldest first", function()
    local box = outbox.new({ limit = 3, bytes = 100 })
    assert.same({}, box:put("a", 1))
    assert.same({}, box:put("b", 1))
    assert.equal(2, box:count())
    assert.same({ "a", "b" }, all(box))
    assert.same({}, all(box))
    assert.equal(0, box:count())
  end)

  it("gives up the oldest when it is full, and says which", function()
    local box = outbox.new({ limit = 2, bytes = 100 })
    box:put("a", 1)
    box:put("b", 1)
    assert.same({ "a" }, box:put("c", 1))
    assert.same({ "b", "c" }, all(box))
  end)

  it("is full by its bytes too, yet keeps one reply of any size", function()
    local box = outbox.new({ limit = 10, bytes = 100 })
    box:put("a", 40)
    box:put("b", 40)
    assert.same({ "a" }, box:put("c", 60))
    assert.same({ "b", "c" }, box:put("d", 500))
    assert.same({ "d" }, all(box))
    assert.same({}, box:put("e", 100))
  end)
end)
