-- Follows Docker: its events keep the last known states fresh, and its coming and going is logged once each. When it
-- answers again, and after each creation that nobody is at work on, what a crash left half made or half deleted is
-- removed.
local clock = require("dockhost.clock")
local containers = require("dockhost.containers")
local task = require("dockhost.task")

local monitor = {}

local SWEEP_SECONDS = 1
-- Somebody is making a container, or one could not be removed: look again until it is done or gone.
local LATER_SECONDS = 10
-- A maker that can't be seen from here (another PID namespace or machine), and of which nothing else tells that it has
-- ended, has given up by then.
local UNSEEN_SECONDS = 300
local LONGEST_RETRY = 5
-- How much the clocks of a remote Docker and of this machine may differ.
local AHEAD_SECONDS = 3600

-- In nanoseconds: Podman reads a time as a float, which is off by some hundred of them.
local PODMAN_STEP = 1000

local STATES = { start = "running", restart = "running", unpause = "running", pause = "paused", die = "exited" }

local Monitor = {}
Monitor.__index = Monitor

-- monitor.new{ docker =, containers =, instances =, tasks =, timer =, sleep =, time =, alive = host.process.alive,
-- identity =, node = function() -> the id of the state directory or nil, log =, on_event = function(user, event),
-- on_change = function(up, message)?: Docker came back, or went away } -> monitor
function monitor.new(options)
  return setmetatable({
    docker = options.docker,
    containers = options.containers,
    instances = options.instances,
    tasks = options.tasks,
    timer = options.timer,
    sleep = options.sleep,
    time = options.time,
    alive = options.alive,
    identity = options.identity,
    node = options.node,
    log = options.log,
    on_event = options.on_event or function() end,
    on_change = options.on_change or function() end,
  }, Monitor)
end

function Monitor:start()
  self.task = self.tasks:spawn(function()
    self:follow()
  end, function(_, err, traceback)
    if not task.is_cancelled(err) then
      self:recover(err, traceback)
    end
  end)
end

-- A fault of ours must not leave Docker unwatched.
function Monitor:recover(err, traceback)
  self.log:trace("following Docker failed: " .. (type(err) == "string" and err or "an unknown error"), traceback)
  self.recovery = self.timer.start(LONGEST_RETRY, function()
    self.recovery = nil
    self:start()
  end)
end

function Monitor:stop()
  for _, handle in pairs({ self.task, self.sweeper }) do
    handle:cancel("shutdown")
  end
  for _, timer in pairs({ self.timer_handle, self.recovery }) do
    timer:close()
  end
end

-- Never returns: opens the stream of events, again and again. `since` closes the gap between two streams.
function Monitor:follow()
  local wait, since = 0.5, nil
  while true do
    local _, message, status = self.docker:events({ type = { "container" } }, since, function(event)
      since = self:note(event) or since
    end, function()
      wait = 0.5
      -- Of what comes before the first event, too, nothing may be missed.
      since = since or string.format("%.9f", self.time())
      self:opened()
      return since
    end)
    self:down(message)
    if status >= 400 and status < 500 then
      since = nil
    end
    self.sleep(wait)
    wait = math.min(LONGEST_RETRY, wait * 2)
  end
end

function Monitor:down(message)
  if self.up ~= false then
    self.up = false
    self.on_change(false, message)
    self.log:warn(message .. "; it is tried again by itself")
  end
end

function Monitor:opened()
  if not self.up then
    self.up = true
    self.on_change(true)
    self.log:info("Docker answers at " .. self.docker.address, { podman = self.docker.podman })
  end
  self:sweep_in(0)
end

-- The time of the event, to reopen the stream from.
function Monitor:note(event)
  local actor = type(event.Actor) == "table" and event.Actor or {}
  local attributes = type(actor.Attributes) == "table" and actor.Attributes or {}
  local action = tostring(event.Action)
  local user = self.containers:user_of(attributes.name, attributes, attributes.image)
  if user then
    if action == "destroy" then
      self.containers:note(user, nil)
    elseif STATES[action] then
      self.containers:note(user, STATES[action])
    elseif action == "create" and not self.instances:at_work(attributes[containers.ATTEMPT]) then
      self:sweep_in(SWEEP_SECONDS)
    end
    self.on_event(user, event)
  end
  local nanoseconds = math.tointeger(event.timeNano)
  -- A time that is far off would hide what comes before it.
  if nanoseconds and nanoseconds > 0 and nanoseconds // 1000000000 < self.time() + AHEAD_SECONDS then
    nanoseconds = nanoseconds + (self.docker.podman and PODMAN_STEP or 1)
    return string.format("%d.%09d", nanoseconds // 1000000000, nanoseconds % 1000000000)
  end
end

-- Removes what is half made, after `seconds` or sooner. A sweep that runs already is followed by another.
function Monitor:sweep_in(seconds)
  if self.timer_handle then
    if seconds >= self.timer_seconds then
      return
    end
    self.timer_handle:close()
  end
  self.timer_seconds = seconds
  self.timer_handle = self.timer.start(seconds, function()
    self.timer_handle = nil
    if self.sweeper then
      return self:sweep_in(SWEEP_SECONDS)
    end
    self.sweeper = self.tasks:spawn(function()
      self:sweep()
    end, function(ok, message)
      self.sweeper = nil
      if not ok and not task.is_cancelled(message) then
        self.log:warn("the sweep for half-made containers failed", { reason = tostring(message) })
      end
    end)
  end)
end

-- Whether its maker may still finish it.
local function in_the_making(self, instance, maker)
  if maker == self.identity then
    return self.instances:at_work(instance.labels[containers.ATTEMPT])
  end
  local alive = self.alive(maker)
  if alive ~= nil then
    return alive
  elseif instance.labels[containers.NODE] and instance.labels[containers.NODE] == self.node() then
    -- It held the lock that this process holds now: an earlier life of this node, in another container or before the
    -- machine was started anew. `dockhost call` takes no lock, so what it makes bears no such label.
    return false
  end
  return self.time() - instance.created < UNSEEN_SECONDS
end

local function abandoned(self, instance)
  local labels = instance.labels or {}
  local maker = labels[containers.MAKER]
  if self.instances:is_leftover(labels[containers.ATTEMPT]) then
    return true
  elseif instance.state == "dead" then
    return not instance.adopted
  elseif instance.state == "removing" and not instance.adopted then
    -- It goes, or is dead when that fails, which no event tells.
    self.again = true
    return false
  elseif instance.state ~= "created" or not maker then
    return false
  end
  local making = in_the_making(self, instance, maker)
  self.again = self.again or making
  return not making
end

-- Its state is asked once more: a person may have started it since it was listed.
local function still_abandoned(self, instance)
  local inspected, _, status = self.docker:container_inspect(instance.id)
  if not inspected then
    self.again = self.again or status ~= 404
    return false
  end
  local state = inspected.State.Status
  return state == "created" or state == "dead" or self.instances:is_leftover(instance.labels[containers.ATTEMPT])
end

local function remove(self, instance)
  local removed, message, status = self.docker:container_remove(instance.id)
  if removed then
    self.instances:settle(instance.labels[containers.ATTEMPT])
    local what = instance.state == "dead" and "removed a half-deleted container" or "removed a half-made container"
    self.log:warn(what, { user = instance.username, made = clock.format(instance.created) })
  elseif status == 409 then
    -- Its removal is under way already.
    self.again = true
  elseif status ~= 404 then
    self.again = true
    self.log:warn("a half-made container can't be removed", { user = instance.username, reason = message })
  end
end

-- While Docker is away there is nothing to do: the sweep comes with its return.
function Monitor:sweep()
  self.again = false
  local past = self.instances:past_leftovers()
  local list = self.containers:list()
  for _, instance in ipairs(list or {}) do
    past[(instance.labels or {})[containers.ATTEMPT] or ""] = nil
    if abandoned(self, instance) and still_abandoned(self, instance) then
      remove(self, instance)
    end
  end
  for attempt in pairs(list and past or {}) do
    self.instances:settle(attempt)
  end
  if self.again or not list and self.up then
    self:sweep_in(LATER_SECONDS)
  end
end

return monitor
