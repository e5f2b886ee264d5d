-- host.loop: running, stopping, time and the errors of callbacks.
local loop = require("host.loop")
local timer = require("host.timer")

describe("host.loop", function()
  after_each(function()
    loop.on_error(error)
  end)

  it("runs again after a stop", function()
    local turns = 0
    for _ = 1, 3 do
      timer.start(0, function()
        turns = turns + 1
        loop.stop()
      end)
      assert.is_true(loop.run())
    end
    assert.equal(3, turns)
  end)

  it("ends a run at once when it was stopped before", function()
    local late = timer.start(30, function() end)
    loop.stop()
    assert.is_true(loop.run())
    late:close()
  end)

  it("leaves what else is due to the next run", function()
    local order = {}
    timer.start(0, function()
      order[#order + 1] = "first"
      loop.stop()
    end)
    timer.start(0, function()
      order[#order + 1] = "second"
      loop.stop()
    end)
    loop.run()
    assert.same({ "first" }, order)
    loop.run()
    assert.same({ "first", "second" }, order)
  end)

  it("refuses to run inside of itself", function()
    local ok, message
    timer.start(0, function()
      ok, message = pcall(loop.run)
      loop.stop()
    end)
    loop.run()
    assert.is_false(ok)
    assert.matches("runs already", message)
  end)

  it("hands the traceback of a callback's error to the handler and goes on", function()
    local traceback
    loop.on_error(function(text)
      traceback = text
    end)
    timer.start(0, function()
      error("oh no")
    end)
    timer.start(0.01, loop.stop)
    loop.run()
    assert.matches("oh no", traceback)
    assert.matches("stack traceback:", traceback)
    assert.matches("loop_spec%.lua:%d+", traceback)
  end)

  it("survives errors that are no text and a handler that fails", function()
    local seen = 0
    loop.on_error(function()
      seen = seen + 1
    end)
    timer.start(0, function()
      error({})
    end)
    timer.start(0, function()
      error()
    end)
    timer.start(0.01, loop.stop)
    loop.run()
    assert.equal(2, seen)
  end)

  it("runs from a coroutine as well", function()
    local fired
    local co = coroutine.create(function()
      timer.start(0, function()
        fired = true
        loop.stop()
      end)
      loop.run()
      return "done"
    end)
    assert.same({ true, "done" }, { coroutine.resume(co) })
    assert.is_true(fired)
  end)

  it("tells monotonic and wall-clock time with fractions", function()
    local before = loop.now()
    assert.is_true(loop.now() >= before)
    assert.equal("float", math.type(before))
    assert.is_true(math.abs(loop.time() - os.time()) <= 1.5)
    assert.is_true(loop.time() % 1 ~= loop.time() // 1)
  end)

  -- What a histogram has counted since: how many of more than `seconds`, of all, and their sum.
  local function since(before, after, seconds)
    local slow, all = 0, 0
    for i, count in ipairs(after.counts) do
      local new = count - before.counts[i]
      all = all + new
      slow = slow + ((after.bounds[i - 1] or 0) >= seconds and new or 0)
    end
    return slow, all, after.sum - before.sum
  end

  local function work(seconds)
    local clock = loop.now()
    while loop.now() - clock < seconds do
    end
  end

  it("counts how late timers are", function()
    local before = loop.lag()
    assert.equal(#before.bounds + 1, #before.counts)
    timer.start(0, function()
      work(0.15)
    end)
    timer.start(0.02, loop.stop)
    loop.run()
    local slow, all, sum = since(before, loop.lag(), 0.1)
    assert.is_true(slow >= 1)
    assert.is_true(all >= 2)
    assert.is_true(sum >= 0.13 and sum < 60)
  end)

  it("counts how long its turns take, and not how long it waits", function()
    local before, began = loop.turns(), loop.now()
    timer.start(0, function()
      work(0.15)
    end)
    timer.start(0.5, loop.stop)
    loop.run()
    local slow, all, sum = since(before, loop.turns(), 0.1)
    assert.is_true(slow >= 1)
    assert.is_true(all >= 2)
    assert.is_true(sum >= 0.15 and sum < loop.now() - began - 0.05)
    for i = 2, #before.bounds do
      assert.is_true(before.bounds[i - 1] < before.bounds[i])
    end
  end)

  it("sleeps while nothing is due", function()
    local clock = os.clock()
    timer.start(0.3, loop.stop)
    loop.run()
    assert.is_true(os.clock() - clock < 0.1)
  end)
end)
