-- From an event to its one reply: finds the command, checks its parameters, waits for the user's turn, runs the handler
-- under its deadline, undoes what a failed one began, and answers. Handlers return; only this sends.
local context = require("dockhost.context")
local failure = require("dockhost.failure")
local outcome = require("dockhost.outcome")
local params = require("dockhost.params")
local printable = require("dockhost.printable")
local queue = require("dockhost.queue")
local reply = require("dockhost.reply")
local task = require("dockhost.task")
local username = require("dockhost.username")

local dispatcher = {}

-- The deployed server waits 300 s, and every command is answered within 290: what a command began is undone in between.
local RUN_SECONDS = 278
local UNDO_SECONDS = 10
local QUEUE_LIMIT = 16
-- Far more than a node full of users has under way: each holds memory, and a connection to Docker.
local MOST_RUNNING = 256

local Dispatcher = {}
Dispatcher.__index = Dispatcher

-- dispatcher.new{ tasks =, timer =, now =, time =, log =, scripts = function() -> set, services = (see context.lua),
-- observe = function(value)? }: it hears of each command's beginning and end, as observers.lua has it.
function dispatcher.new(options)
  local self = setmetatable({
    tasks = options.tasks,
    timer = options.timer,
    now = options.now,
    time = options.time,
    log = options.log,
    scripts = options.scripts,
    services = options.services,
    observe = options.observe or function() end,
    queue = queue.new({ limit = QUEUE_LIMIT }),
    limits = {},
    jobs = {},
    idle_waiters = {},
    running = 0,
    last_id = 0,
  }, Dispatcher)
  return self
end

-- The name that the reply's event would bear: what the sender called the user, even where we refuse it.
local function addressee(payload)
  if type(payload) ~= "table" then
    return nil
  end
  local name = payload.username
  -- JSON's null is a userdata.
  if name == nil or type(name) == "userdata" then
    name = payload.USERNAME
  end
  return username.emittable(name) and name or nil
end

local function refuse_unknown(job)
  job.log:debug("unknown event", { event = job.request.event })
  if job.request.acknowledged then
    local unknown = outcome.failure("unknown command: " .. printable.text(job.request.event, 80), 404)
    job.request.answer(outcome.reply(unknown), nil, nil, unknown.status)
  end
end

-- Answers one event. `request`: { event =, payload =, acknowledged = boolean, room = how many bytes of a value are sure
-- to fit?, fits = function(value, event) -> boolean, problem (why it can't be sent at all, whatever its size), answer =
-- function(value, event, event_value, status), source = who asks, for observers? }: `value` is the acknowledgement;
-- `event` and `event_value` serve where none was asked for, or none is possible any more; `status` is the outcome's.
function Dispatcher:dispatch(request)
  local set = self.scripts()
  local route = set.dialect[request.event] or {}
  local name = route.command or request.event
  local command = set.commands[name]
  self.last_id = self.last_id + 1
  local job = {
    id = self.last_id,
    request = request,
    set = set,
    route = route,
    name = name,
    command = command,
    user = addressee(request.payload),
    began = self.now(),
    deadline = self.time() + RUN_SECONDS,
    log = self.log:with({ id = self.last_id }),
    partial = {},
    undo = {},
    ends = {},
  }
  if not command then
    return refuse_unknown(job)
  end
  self.jobs[job] = true
  self.running = self.running + 1
  if self.log:debugging() then
    job.log:debug(request.event .. " came", { user = job.user })
  end
  self.observe({
    id = job.id,
    event = job.request.event,
    user = job.user,
    source = job.request.source,
    began = self.time(),
  })
  local checked, message, status = params.check(command.params or {}, request.payload)
  if not checked then
    return self:finish(job, outcome.failure(message, status))
  end
  job.params = checked
  if self.closing then
    return self:finish(job, outcome.failure("this node is shutting down", 503))
  end
  if self.running > MOST_RUNNING then
    return self:finish(job, outcome.failure("too many commands are under way on this node", 429))
  end
  self:start(job)
end

function Dispatcher:start(job)
  job.timer = self.timer.start(RUN_SECONDS, function()
    job.task:cancel("deadline")
  end)
  job.task = self.tasks:spawn(function()
    task.set_label(job.id)
    return self:run(job)
  end, function(ok, ...)
    self:ended(job, ok, ...)
  end)
end

-- The body of a job's task: what it returns is what a handler may return.
function Dispatcher:run(job)
  local ok, message, status = self:identify(job)
  if not ok then
    return nil, message, status
  end
  ok, message, status = self:take_turn(job)
  if not ok then
    return nil, message, status
  end
  local limit = job.command.limit
  if limit then
    -- A script that was reloaded may have another limit.
    local door = job.name .. " " .. limit
    self.limits[door] = self.limits[door] or task.semaphore(limit)
    table.insert(job.ends, (self.limits[door]:enter()))
  end
  job.context = context.new(job, self.services)
  return job.command.run(job.params, job.context)
end

-- A command that names its container by id belongs to that container's user, and waits in that user's line.
function Dispatcher:identify(job)
  local given = job.params
  if given.username or not given.containerId then
    return true
  end
  local instance, message, status = self.services.containers:of_id(given.containerId)
  if not instance then
    return nil, message, status
  end
  given.username = instance.username
  job.user = job.user or username.emittable(instance.username) and instance.username or nil
  return true
end

function Dispatcher:take_turn(job)
  local user = job.params.username
  if not user then
    return true
  end
  local why, code
  local turn = task.wait(function(done)
    local ok
    ok, why, code = self.queue:join(user, job, function()
      done(true)
    end)
    if not ok then
      done(false)
    else
      self:overtake(job, user)
    end
  end)
  if not turn then
    return nil, why, code
  end
  return true
end

-- A command may cancel another of the same user that still runs (a delete cancels a create).
function Dispatcher:overtake(job, user)
  for _, other in ipairs(self.queue:jobs(user)) do
    if other ~= job and other.name == job.command.cancels and other.task and not other.task.ended then
      job.cancelled_other = other.partial
      other.task:cancel("overtaken")
    end
  end
end

function Dispatcher:ended(job, ok, ...)
  local result = ok and outcome.returned(...) or failure.of(job, ...)
  if result.success or #job.undo == 0 then
    return self:finish(job, result)
  end
  local undo = self.tasks:spawn(function()
    task.set_label(job.id)
    job.log:debug("undoing what it began", { steps = #job.undo })
    for i = #job.undo, 1, -1 do
      local done, why = pcall(job.undo[i])
      if not done then
        job.log:warn("an undo step failed", { reason = failure.reason(why) })
      end
    end
  end, function()
    self:finish(job, result)
  end)
  job.undo_timer = self.timer.start(UNDO_SECONDS, function()
    undo:cancel("deadline")
  end)
end

-- A check that could not be made answers what harms least; the command says what.
function Dispatcher:fall_back(job, result)
  local fallback = job.command.fallback
  if result.success or result.status < 429 or not fallback then
    return result
  end
  local ctx = job.context or context.new(job, self.services)
  local ok, data = self.tasks:call(fallback, job.params, ctx)
  if ok and type(data) == "table" then
    return { success = true, status = 200, message = result.message, data = data, assumed = true }
  end
  return result
end

function Dispatcher:answer(job, result)
  local value, sent = reply.compose(job, result, self.tasks)
  job.answered, job.sent = true, sent
  if job.user then
    return job.request.answer(value, job.user, value, sent.status)
  end
  local orphan = outcome.reply(sent)
  orphan.command = job.request.event
  job.request.answer(value, "command-error", orphan, sent.status)
end

-- Gives back what the command held. A script may have added to it.
function Dispatcher:release(job)
  for _, fn in ipairs(job.ends) do
    local ok, why = self.tasks:call(fn)
    if not ok then
      job.log:warn("a last step failed", { reason = failure.reason(why) })
    end
  end
  for _, timer in pairs({ job.timer, job.undo_timer }) do
    timer:close()
  end
end

function Dispatcher:report(job, result)
  local seconds = self.now() - job.began
  local user = job.user or job.params and job.params.username
  job.log:report(job.request.event, {
    user = user,
    source = job.request.source,
    status = result.status,
    ms = math.floor(seconds * 1000 + 0.5),
    message = (not result.success or result.assumed) and result.message or nil,
    assumed = result.assumed,
  })
  self.observe({
    id = job.id,
    event = job.request.event,
    user = user,
    source = job.request.source,
    began = self.time() - seconds,
    status = result.status,
    success = result.success,
    message = result.message,
    seconds = seconds,
  })
end

function Dispatcher:finish(job, result)
  result = self:fall_back(job, result)
  self:release(job)
  local ok, why = pcall(self.answer, self, job, result)
  if not ok and not job.answered then
    -- The heap may be too full for the reply, yet not for a short one.
    pcall(self.answer, self, job, failure.internal(job, failure.reason(why)))
  end
  self:report(job, job.sent or result)
  self.jobs[job] = nil
  self.running = self.running - 1
  if job.params and job.params.username then
    self.queue:leave(job.params.username, job)
  end
  self:notify_idle()
end

function Dispatcher:notify_idle()
  while self.running == 0 and #self.idle_waiters > 0 do
    table.remove(self.idle_waiters, 1)()
  end
end

-- How many commands wait for their user's turn, or for a place among those that may run at once.
function Dispatcher:waiting()
  local n = self.queue:waiting()
  for _, door in pairs(self.limits) do
    n = n + #door.waiting
  end
  return n
end

-- Calls `fn` once when no command is in flight: now, or when the last has been answered.
function Dispatcher:when_idle(fn)
  table.insert(self.idle_waiters, fn)
  self:notify_idle()
end

-- Refuses what comes from now on.
function Dispatcher:close()
  self.closing = true
end

function Dispatcher:cancel_all()
  local jobs = {}
  for job in pairs(self.jobs) do
    table.insert(jobs, job)
  end
  for _, job in ipairs(jobs) do
    if job.task then
      job.task:cancel("shutdown")
    end
  end
end

return dispatcher
