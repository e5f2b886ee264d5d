-- Commands as coroutines: turns the host's callbacks into waits that can be cancelled. Nothing here knows what is
-- waited for; the host's `guard.resume` or a spec's coroutine.resume is passed in.
local task = {}

-- Which task a coroutine belongs to, for `task.wait`. Weak: a dead coroutine is forgotten.
local owners = setmetatable({}, { __mode = "k" })

local WAIT = {} -- what a wait yields, so that a bare coroutine.yield() is told from it

local Cancelled = { __name = "dockhost.cancelled" }
Cancelled.__tostring = function(self)
  return "cancelled: " .. self.reason
end

-- Whether an error value means that the task was cancelled; then its `reason` says why.
function task.is_cancelled(value)
  return getmetatable(value) == Cancelled
end

local Task = {}
Task.__index = Task

local Scheduler = {}
Scheduler.__index = Scheduler

-- task.new{ resume = function(co, ...) -> ok, ..., on_error = function(message, traceback) } -> scheduler
-- `resume` behaves as coroutine.resume. `on_error` hears of errors that no `on_end` takes.
function task.new(options)
  return setmetatable({
    resume = options.resume or coroutine.resume,
    on_error = options.on_error or error,
    ready = {},
    first = 1,
    last = 0,
    draining = false,
  }, Scheduler)
end

-- Starts `fn(...)` in a coroutine of its own, under the label of the task that the caller runs in. `on_end(ok, ...)`
-- gets its results, or false, the error and, where the host gave one, the traceback.
function Scheduler:spawn(fn, on_end, ...)
  local self_task = setmetatable({ scheduler = self, thread = coroutine.create(fn), on_end = on_end }, Task)
  self_task.label = task.label()
  owners[self_task.thread] = self_task
  self:wake(self_task, table.pack(...))
  return self_task
end

-- Runs `fn(...)` at once and to its end, under the same guard as a task; it can't wait. Returns what pcall would.
function Scheduler:call(fn, ...)
  local thread = coroutine.create(fn)
  local results = table.pack(self.resume(thread, ...))
  if coroutine.status(thread) == "suspended" then
    coroutine.close(thread)
    return false, "yielded where nothing can be waited for"
  end
  return table.unpack(results, 1, results.n)
end

-- Tasks woken by a running task run after it, never inside it: no resume is nested in another.
function Scheduler:wake(woken, values)
  self.last = self.last + 1
  self.ready[self.last] = { woken, values }
  if not self.draining then
    self:drain()
  end
end

function Scheduler:drain()
  self.draining = true
  while self.first <= self.last do
    local entry = self.ready[self.first]
    self.ready[self.first] = nil
    self.first = self.first + 1
    -- Whatever fails here (the heap may be full), the tasks behind it run.
    local ok, message = pcall(entry[1].step, entry[1], entry[2])
    if not ok then
      pcall(self.on_error, message)
    end
  end
  self.first, self.last, self.draining = 1, 0, false
end

function Task:step(values)
  if self.ended then
    return
  end
  local results = table.pack(self.scheduler.resume(self.thread, table.unpack(values, 1, values.n)))
  if coroutine.status(self.thread) ~= "suspended" then
    return self:finish(results)
  end
  if results[2] ~= WAIT then
    coroutine.close(self.thread)
    self:finish(table.pack(false, "yielded outside of a wait"))
  end
end

function Task:finish(results)
  self.ended = true
  if self.on_end then
    local ok, message = xpcall(self.on_end, debug.traceback, table.unpack(results, 1, results.n))
    if not ok then
      self.scheduler.on_error(message)
    end
  elseif not results[1] and not task.is_cancelled(results[2]) then
    self.scheduler.on_error(results[2], results[3])
  end
end

-- Ends what the task waits for: the wait, and each later one, raises an error that `task.is_cancelled` knows.
function Task:cancel(reason)
  if self.ended or self.cancelled then
    return
  end
  self.cancelled = setmetatable({ reason = reason }, Cancelled)
  local wake = self.interrupt
  if wake then
    wake()
  end
end

-- The task that the caller runs in, or nil.
function task.current()
  return owners[coroutine.running()]
end

-- Names the current task and those that it starts from now on: the log says on whose behalf something is done.
function task.set_label(label)
  task.current().label = label
end

-- The label of the current task, or nil.
function task.label()
  local current = task.current()
  return current and current.label
end

-- Waits in a task: `start(done)` begins an operation and returns a function that aborts it (or nil); the wait ends with
-- what is given to `done`, whose later calls do nothing.
function task.wait(start)
  local self = owners[coroutine.running()]
  if not self then
    error("this waits, so it must be called from a command's own coroutine", 2)
  end
  if self.cancelled then
    error(self.cancelled, 0)
  end
  local values, parked
  local abort = start(function(...)
    if values or (self.cancelled and parked) then
      return
    end
    values = table.pack(...)
    if parked then
      self.interrupt = nil
      self.scheduler:wake(self, { n = 0 })
    end
  end)
  if not values and self.cancelled then
    if abort then
      abort()
    end
    error(self.cancelled, 0)
  end
  if not values then
    parked = true
    self.interrupt = function()
      self.interrupt = nil
      if abort then
        abort()
      end
      self.scheduler:wake(self, { n = 0 })
    end
    coroutine.yield(WAIT)
  end
  -- What was delivered before the cancellation still counts (a place in a semaphore, say): the next wait raises.
  if not values then
    error(self.cancelled, 0)
  end
  return table.unpack(values, 1, values.n)
end

-- A door that `limit` tasks may pass at once; the rest wait in order of arrival.
local Semaphore = {}
Semaphore.__index = Semaphore

function task.semaphore(limit)
  return setmetatable({ free = limit, waiting = {} }, Semaphore)
end

-- Waits for a place. What it returns gives the place back, once.
function Semaphore:enter()
  if self.free > 0 then
    self.free = self.free - 1
  else
    local entry = {}
    task.wait(function(done)
      entry.done = done
      table.insert(self.waiting, entry)
      return function()
        self:forget(entry)
      end
    end)
  end
  local left = false
  return function()
    if not left then
      left = true
      self:leave()
    end
  end
end

function Semaphore:forget(entry)
  for i, other in ipairs(self.waiting) do
    if other == entry then
      return table.remove(self.waiting, i)
    end
  end
end

function Semaphore:leave()
  local nextup = table.remove(self.waiting, 1)
  if nextup then
    nextup.done()
  else
    self.free = self.free + 1
  end
end

-- Calls `fn(item)` for each of a list, `most` side by side, in tasks of their own, and waits for all. Returns by item
-- what pcall would.
function task.each(scheduler, items, most, fn)
  local results, left, door = {}, #items, task.semaphore(most)
  if left == 0 then
    return results
  end
  task.wait(function(done)
    local started = {}
    for i, item in ipairs(items) do
      local leave
      started[i] = scheduler:spawn(function()
        leave = door:enter()
        return fn(item)
      end, function(...)
        if leave then
          leave()
        end
        results[item] = table.pack(...)
        left = left - 1
        if left == 0 then
          done()
        end
      end)
    end
    return function()
      -- Those who wait at the door first.
      for i = #started, 1, -1 do
        started[i]:cancel("not wanted any more")
      end
    end
  end)
  return results
end

-- Work that several tasks want at once is done once: `flights:run(key, fn)` returns what the one run of fn returned.
-- It runs in a task of its own, so that a caller's cancellation does not end it for the others.
local Flights = {}
Flights.__index = Flights

function task.flights(scheduler)
  return setmetatable({ scheduler = scheduler, active = {} }, Flights)
end

function Flights:run(key, fn)
  local flight = self.active[key]
  if not flight then
    flight = { waiters = {} }
    self.active[key] = flight
    self.scheduler:spawn(fn, function(...)
      self.active[key] = nil
      flight.results = table.pack(...)
      for _, waiter in ipairs(flight.waiters) do
        waiter()
      end
    end)
  end
  self:join(key)
  if not flight.results[1] then
    error(flight.results[2], 0)
  end
  return table.unpack(flight.results, 2, flight.results.n)
end

-- Waits until the work under that key has ended, if any is under way.
function Flights:join(key)
  local flight = self.active[key]
  if flight then
    task.wait(function(done)
      table.insert(flight.waiters, done)
    end)
  end
end

return task
