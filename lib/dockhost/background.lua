-- Runs what no command asked for, hooks and jobs: in a task of its own, with a `ctx`, under a deadline. A failure is a
-- line in the log, after its undo steps.
local context = require("dockhost.context")
local failure = require("dockhost.failure")
local task = require("dockhost.task")

local background = {}

local RUN_SECONDS = 278
local UNDO_SECONDS = 10

local Background = {}
Background.__index = Background

-- background.new{ tasks =, timer =, time =, log =, services = (see context.lua) } -> background
function background.new(options)
  return setmetatable({
    tasks = options.tasks,
    timer = options.timer,
    time = options.time,
    log = options.log,
    services = options.services,
    active = {},
    idle_waiters = {},
    last_id = 0,
  }, Background)
end

-- Gives back what the run held, and then tells of its end.
local function finish(self, run, ...)
  for _, fn in ipairs(run.ends) do
    local ok, why = self.tasks:call(fn)
    if not ok then
      run.log:warn("a last step failed", { reason = failure.reason(why) })
    end
  end
  self.active[run] = nil
  run.timer:close()
  if run.on_end then
    run.on_end(...)
  end
  self:notify_idle()
end

-- A shutdown cancels what runs, and not its undoing.
local function undo(self, run, reason)
  local undoing = self.tasks:spawn(function()
    task.set_label(run.id)
    for i = #run.undo, 1, -1 do
      local ok, why = pcall(run.undo[i])
      if not ok then
        run.log:warn("an undo step failed", { reason = failure.reason(why) })
      end
    end
  end, function()
    finish(self, run, false, reason)
  end)
  run.timer:close()
  run.timer = self.timer.start(UNDO_SECONDS, function()
    undoing:cancel("deadline")
  end)
end

local function ended(self, run, ok, err, traceback)
  if ok then
    return finish(self, run, true)
  end
  local reason = failure.reason(err)
  if run.on_error then
    run.on_error(reason, traceback)
  elseif not task.is_cancelled(err) then
    run.log:trace(run.name .. " failed: " .. reason, traceback or "")
  elseif err.reason == "deadline" then
    run.log:warn(run.name .. " did not finish within " .. RUN_SECONDS .. " s and was stopped")
  elseif err.reason == "shutdown" then
    run.log:info(run.name .. " was stopped before its end: the node shuts down")
  end
  undo(self, run, reason)
end

-- run: { name =, set = of scripts, fn = function(ctx), on_end = function(ok, why)?, and instead of the log
-- on_error = function(why, traceback)? }. Returns the run, whose `task` can be cancelled.
function Background:run(run)
  self.last_id = self.last_id + 1
  run.id = run.name .. " " .. self.last_id
  run.request = { event = run.name }
  run.log, run.partial, run.undo, run.ends = self.log:with({ id = run.id }), {}, {}, {}
  run.deadline = self.time() + RUN_SECONDS
  self.active[run] = true
  run.timer = self.timer.start(RUN_SECONDS, function()
    run.task:cancel("deadline")
  end)
  run.task = self.tasks:spawn(function()
    task.set_label(run.id)
    return run.fn(context.new(run, self.services))
  end, function(...)
    ended(self, run, ...)
  end)
  return run
end

function Background:notify_idle()
  while not next(self.active) and #self.idle_waiters > 0 do
    table.remove(self.idle_waiters, 1)()
  end
end

-- Calls `fn` once when nothing runs: now, or at the end of the last run.
function Background:when_idle(fn)
  table.insert(self.idle_waiters, fn)
  self:notify_idle()
end

function Background:cancel_all(reason)
  local runs = {}
  for run in pairs(self.active) do
    table.insert(runs, run)
  end
  for _, run in ipairs(runs) do
    if run.task then
      run.task:cancel(reason)
    end
  end
end

return background
