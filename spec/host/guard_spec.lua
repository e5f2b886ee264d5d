-- host.guard: scripts that run away, and those that only seem to.
local guard = require("host.guard")
local loop = require("host.loop")

local LIMIT = 0.05

local function run(fn, ...)
  return guard.resume(coroutine.create(fn), LIMIT, ...)
end

-- Asserts that it is stopped in time, at a line of this file.
local function assert_stopped(fn)
  local co = coroutine.create(fn)
  local started = loop.now()
  local ok, message, traceback = guard.resume(co, LIMIT)
  assert.is_true(loop.now() - started < 20 * LIMIT)
  assert.is_false(ok)
  assert.matches("^[%w_/.-]+%.lua:%d+: stopped: it ran 0%.05 s without yielding$", message)
  assert.matches("stack traceback:", traceback)
  assert.equal("dead", coroutine.status(co))
end

describe("host.guard", function()
  describe("resume", function()
    it("passes values as coroutine.resume does", function()
      local co = coroutine.create(function(a, b)
        local c = coroutine.yield(a + b)
        return c, nil, "end"
      end)
      assert.same({ true, 3 }, { guard.resume(co, LIMIT, 1, 2) })
      local results = table.pack(guard.resume(co, LIMIT, "x"))
      assert.same({ true, "x", nil, "end", n = 4 }, results)
      assert.equal("dead", coroutine.status(co))
    end)

    it("tells an error with its traceback, and closes the coroutine", function()
      local closed = false
      local ok, message, traceback = run(function()
        local scoped <close> = setmetatable({}, { -- luacheck: ignore 211
          __close = function()
            closed = true
          end,
        })
        error("broken")
      end)
      assert.is_false(ok)
      assert.matches("guard_spec%.lua:%d+: broken", message)
      assert.matches("stack traceback:.*guard_spec%.lua:%d+: in function", traceback)
      assert.is_true(closed)
    end)

    it("tells an error value that is no text", function()
      local value = {}
      local ok, message, traceback = run(function()
        error(value)
      end)
      assert.is_false(ok)
      assert.equal(value, message)
      assert.matches("stack traceback:", traceback)
    end)

    it("refuses a coroutine that is dead or runs", function()
      local co = coroutine.create(function() end)
      guard.resume(co, LIMIT)
      assert.same({ false, "cannot resume dead coroutine" }, { guard.resume(co, LIMIT) })
      local own
      own = coroutine.create(function()
        return guard.resume(own, LIMIT)
      end)
      assert.same({ true, false, "cannot resume non-suspended coroutine" }, { guard.resume(own, LIMIT) })
    end)
  end)

  describe("the watchdog", function()
    it("stops an endless loop", function()
      assert_stopped(function()
        while true do
        end
      end)
    end)

    it("stops a loop that catches errors", function()
      assert_stopped(function()
        while true do
          pcall(function()
            while true do
            end
          end)
        end
      end)
    end)

    it("stops a loop in a callback that can't yield", function()
      assert_stopped(function()
        ("x"):gsub("x", function()
          while true do
            pcall(string.rep)
          end
        end)
      end)
      assert_stopped(function()
        table.sort({ 3, 2, 1 }, function()
          while true do
          end
        end)
      end)
    end)

    it("stops a loop in a message handler", function()
      local function forever()
        while true do
        end
      end
      assert_stopped(function()
        xpcall(error, forever)
      end)
      assert_stopped(function()
        return xpcall(forever, forever)
      end)
      assert_stopped(function()
        ("x"):gsub("x", function()
          while true do
            xpcall(forever, forever)
          end
        end)
      end)
    end)

    it("stops a coroutine within the coroutine, however it is run", function()
      local function forever()
        while true do
        end
      end
      assert_stopped(function()
        coroutine.resume(coroutine.create(forever))
      end)
      assert_stopped(function()
        coroutine.wrap(forever)()
      end)
      assert_stopped(function()
        while true do
          pcall(coroutine.wrap(forever))
        end
      end)
      assert_stopped(function()
        for _ in coroutine.wrap(function()
          coroutine.wrap(forever)()
        end) do
        end
      end)
    end)

    it("stops endless closing", function()
      local ok, message = run(function()
        local scoped <close> = setmetatable({}, { -- luacheck: ignore 211
          __close = function()
            while true do
              pcall(string.rep)
            end
          end,
        })
        error("broken")
      end)
      assert.is_false(ok)
      assert.matches("broken", message)
    end)

    it("runs __close of what it stops", function()
      local closed = false
      assert_stopped(function()
        local scoped <close> = setmetatable({}, { -- luacheck: ignore 211
          __close = function()
            closed = true
          end,
        })
        while true do
        end
      end)
      assert.is_true(closed)
    end)

    it("gives each resume its time anew", function()
      local co = coroutine.create(function()
        for _ = 1, 4 do
          local ends = loop.now() + 0.3
          while loop.now() < ends do
          end
          coroutine.yield()
        end
      end)
      for _ = 1, 5 do
        assert.is_true(guard.resume(co, 1))
      end
      assert.equal("dead", coroutine.status(co))
    end)

    it("guards nested resumes, each by its own time", function()
      local inner_ok
      local ok = guard.resume(coroutine.create(function()
        inner_ok = run(function()
          while true do
          end
        end)
        return "went on"
      end), 10 * LIMIT)
      assert.is_true(ok)
      assert.is_false(inner_ok)
    end)

    it("counts the time of nested resumes to the outer one", function()
      assert_stopped(function()
        while true do
          guard.resume(coroutine.create(function() end), 10)
        end
      end)
    end)

    it("leaves no hook behind", function()
      assert_stopped(function()
        while true do
        end
      end)
      local left = coroutine.create(function()
        coroutine.yield()
        local sum = 0
        for i = 1, 1000 do
          sum = sum + i
        end
        return sum
      end)
      assert_stopped(function()
        coroutine.resume(left)
        while true do
        end
      end)
      assert.is_nil((debug.gethook()))
      assert.is_nil((debug.gethook(left)))
      assert.same({ true, 500500 }, { coroutine.resume(left) })
    end)

    it("costs next to nothing", function()
      local co = coroutine.create(function()
        while true do
          coroutine.yield()
        end
      end)
      local count, started = 20000, loop.now()
      for _ = 1, count do
        guard.resume(co, 1)
      end
      assert.is_true((loop.now() - started) / count < 50e-6)
    end)
  end)

  describe("the standard library's coroutines", function()
    it("behave as before", function()
      local generator = coroutine.wrap(function(a)
        local b = coroutine.yield(a + 1)
        return a + b
      end)
      assert.equal(2, generator(1))
      assert.equal(11, generator(10))
      assert.error_matches(generator, "cannot resume dead coroutine")
      local co = coroutine.create(error)
      assert.same({ false, "x" }, { coroutine.resume(co, "x", 0) })
      assert.same({ false, "x" }, { coroutine.close(co) })
      assert.same({ true }, { coroutine.close(coroutine.create(print)) })
      assert.matches("^spec/host/guard_spec%.lua:%d+: wrapped$", (select(2, pcall(function()
        coroutine.wrap(error)("wrapped", 0)
      end))))
      assert.error_matches(function()
        coroutine.resume(1)
      end, "coroutine expected")
      assert.error_matches(function()
        coroutine.close(coroutine.running())
      end, "cannot close a running coroutine")
    end)
  end)

  describe("limit_memory", function()
    after_each(function()
      guard.limit_memory(0)
      collectgarbage()
    end)

    it("fails what asks for too much, and only that", function()
      collectgarbage()
      guard.limit_memory(math.floor(collectgarbage("count") * 1024) + (8 << 20))
      local ok, message = guard.resume(coroutine.create(function()
        local hoard = {}
        while true do
          hoard[#hoard + 1] = ("x"):rep(1 << 16) .. #hoard
        end
      end), 10)
      assert.is_false(ok)
      assert.equal("not enough memory", message)
      assert.equal(2 << 20, #("x"):rep(2 << 20))
    end)

    it("collects garbage before it fails", function()
      collectgarbage()
      guard.limit_memory(math.floor(collectgarbage("count") * 1024) + (4 << 20))
      local ok = guard.resume(coroutine.create(function()
        for i = 1, 2000 do
          local _ = ("x"):rep(1 << 16) .. i
        end
      end), 10)
      assert.is_true(ok)
    end)
  end)
end)
