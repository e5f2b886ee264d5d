local script_files = require("script_files")

local reconnect = dofile(script_files.shipped .. "/reconnect.lua")

local function range(attempt, reason)
  local least, most, sum = math.huge, 0, 0
  for _ = 1, 2000 do
    local seconds = reconnect(attempt, reason)
    least, most, sum = math.min(least, seconds), math.max(most, seconds), sum + seconds
  end
  return least, most, sum / 2000
end

describe("the wait before the next try", function()
  for attempt, longest in pairs({ 1, 2, 4, 8, 16, 32, 60, 60, [100] = 60, [5000] = 60 }) do
    it(("number %d is anywhere between 0 and %d s"):format(attempt, longest), function()
      local least, most, mean = range(attempt, "closed")
      assert.is_true(least >= 0 and most <= longest)
      assert.is_true(least < longest * 0.1 and most > longest * 0.9)
      assert.is_true(mean > longest * 0.4 and mean < longest * 0.6)
    end)
  end

  it("spreads a thousand nodes that lost the same server evenly over the first second", function()
    local counts = {}
    for _ = 1, 1000 do
      local tenth = math.floor(reconnect(1, "closed") * 10) + 1
      counts[tenth] = (counts[tenth] or 0) + 1
    end
    for tenth = 1, 10 do
      -- Six standard deviations of an even spread.
      assert.is_true(math.abs((counts[tenth] or 0) - 100) < 57, "tenth " .. tenth .. " has " .. tostring(counts[tenth]))
    end
  end)

  for attempt, seconds in pairs({ 60, 120, 240, 480, 900, 900, [5000] = 900 }) do
    it(("number %d after a refusal is %d s"):format(attempt, seconds), function()
      assert.equal(seconds, reconnect(attempt, "refused"))
    end)
  end
end)
