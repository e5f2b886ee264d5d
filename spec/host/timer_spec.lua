-- host.timer: one call each, in order, on time.
local loop = require("host.loop")
local timer = require("host.timer")
local within = require("within")

describe("host.timer", function()
  it("calls once, not before its time", function()
    local calls, started = 0, loop.now()
    local elapsed = within(2, function(done)
      timer.start(0.05, function()
        calls = calls + 1
        timer.start(0.05, function()
          done(loop.now() - started)
        end)
      end)
    end)
    assert.equal(1, calls)
    assert.is_true(elapsed >= 0.1 and elapsed < 1)
  end)

  it("calls in the order of time, then of starting", function()
    local order = {}
    within(2, function(done)
      for _, delay in ipairs({ 0.03, 0.01, 0.02, 0, 0.01 }) do
        local n = #order
        timer.start(delay, function()
          order[#order + 1] = delay
        end)
        assert.equal(0, n)
      end
      timer.start(0.06, done)
    end)
    assert.same({ 0, 0.01, 0.01, 0.02, 0.03 }, order)
  end)

  it("keeps thousands in order, however they are closed", function()
    local last, fired, expected = 0, 0, 0
    within(5, function(done)
      local timers, begin = {}, loop.now() + 0.2
      for i = 1, 3000 do
        -- Far enough apart that the time it takes to start one changes nothing.
        local place = i * 7919 % 30
        timers[i] = timer.start(begin + place / 100 - loop.now(), function()
          assert(place >= last, "out of order")
          last, fired = place, fired + 1
        end)
      end
      for i = 1, 3000 do
        if i % 3 == 0 then
          timers[i]:close()
        else
          expected = expected + 1
        end
      end
      timer.start(0.6, done)
    end)
    assert.equal(expected, fired)
  end)

  it("does not call once it is closed, and may be closed again", function()
    local called = false
    within(2, function(done)
      local closed
      timer.start(0.01, function()
        closed:close()
        closed:close()
      end)
      closed = timer.start(0.02, function()
        called = true
      end)
      timer.start(0.05, done)
    end)
    assert.is_false(called)
  end)

  it("may be closed in its own callback", function()
    within(2, function(done)
      local own
      own = timer.start(0, function()
        own:close()
        done()
      end)
    end)
  end)

  it("waits for the next turn with 0, so that others come between", function()
    local order = {}
    within(2, function(done)
      timer.start(0, function()
        order[#order + 1] = "a"
        timer.start(0, function()
          order[#order + 1] = "c"
          done()
        end)
      end)
      timer.start(0, function()
        order[#order + 1] = "b"
      end)
    end)
    assert.same({ "a", "b", "c" }, order)
  end)

  it("lives without a reference to it", function()
    within(2, function(done)
      timer.start(0.02, done)
      collectgarbage()
      collectgarbage()
    end)
  end)

  it("takes a time that has passed or never comes", function()
    within(2, function(done)
      local never = timer.start(math.huge, error)
      timer.start(-5, function()
        never:close()
        done()
      end)
    end)
  end)

  it("closes at the end of its scope", function()
    within(2, function(done)
      do
        local scoped <close> = timer.start(0, error) -- luacheck: ignore 211
      end
      timer.start(0.02, done)
    end)
  end)

  it("refuses what is no time and no function", function()
    assert.error_matches(function()
      timer.start("soon", print)
    end, "number expected")
    assert.error_matches(function()
      timer.start(0 / 0, print)
    end, "not a number of seconds")
    assert.error_matches(function()
      timer.start(1)
    end, "function expected")
  end)
end)
