-- Time for specs: it moves only when it is told to. `clock.now` and `clock.time` stand for host.loop's, and
-- `clock.timer` for host.timer.
--
--   local clock = fake_clock.new()
--   clock.timer.start(5, fn)
--   clock:advance(5)        -- runs what is due within 5 s, in order, each at its own time
--   clock:assert_idle()     -- fails when a timer is still open, and says where it was started
--
-- `clock.settle` (a function, nothing by default) is called before the first timer and after each one: there a spec
-- lets the other fakes deliver what they have queued.
local fake_clock = {}

-- 2026-11-24T12:00:00Z
fake_clock.EPOCH = 1795521600

local Timer = {}
Timer.__index = Timer

function Timer:close()
  self.clock.open[self] = nil
end

local Clock = {}
Clock.__index = Clock

local function start(clock, seconds, fn)
  assert(type(seconds) == "number" and seconds >= 0 and seconds < math.huge, "a timer needs a number of seconds")
  assert(type(fn) == "function", "a timer needs a function")
  clock.serial = clock.serial + 1
  local timer = setmetatable({
    clock = clock,
    at = clock.seconds + seconds,
    serial = clock.serial,
    fn = fn,
    where = debug.traceback("", 2),
  }, Timer)
  clock.open[timer] = true
  return timer
end

function fake_clock.new()
  local clock = setmetatable({ seconds = 1000.0, serial = 0, open = {}, settle = function() end }, Clock)
  clock.now = function()
    return clock.seconds
  end
  clock.time = function()
    return fake_clock.EPOCH + clock.seconds - 1000
  end
  clock.timer = {
    start = function(seconds, fn)
      return start(clock, seconds, fn)
    end,
  }
  return clock
end

local function earliest(self, limit)
  local found
  for timer in pairs(self.open) do
    if timer.at <= limit and (not found or timer.at < found.at
      or timer.at == found.at and timer.serial < found.serial) then
      found = timer
    end
  end
  return found
end

function Clock:advance(seconds)
  local target = self.seconds + seconds
  self.settle()
  local timer = earliest(self, target)
  while timer do
    self.seconds = math.max(self.seconds, timer.at)
    timer:close()
    timer.fn()
    self.settle()
    timer = earliest(self, target)
  end
  self.seconds = target
end

-- Seconds until the next timer, or nil.
function Clock:next_in()
  local timer = earliest(self, math.huge)
  return timer and timer.at - self.seconds
end

function Clock:count()
  local n = 0
  for _ in pairs(self.open) do
    n = n + 1
  end
  return n
end

function Clock:assert_idle()
  local timer = earliest(self, math.huge)
  if timer then
    error(string.format("%d timers are open; the first is due in %g s and was started here:%s", self:count(),
      timer.at - self.seconds, timer.where), 2)
  end
end

return fake_clock
