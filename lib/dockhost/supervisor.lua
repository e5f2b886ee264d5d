-- Tells the supervisor that started this node how it does, as sd_notify(3) has it: ready, reloading, stopping, in a few
-- words what its state is, and, where it is asked to, that it still lives.
local supervisor = {}

-- A supervisor that does not read for long is not told everything.
local MOST_PENDING, RETRY_SECONDS = 16, 0.5

local Supervisor = {}
Supervisor.__index = Supervisor

-- How often it wants to hear that the process lives, or nil.
local function watchdog_seconds(environ, pid)
  local usec = math.tointeger(tonumber(environ.WATCHDOG_USEC))
  local own = not environ.WATCHDOG_PID or environ.WATCHDOG_PID == pid
  return own and usec and usec > 0 and usec / 1e6 / 2 or nil
end

-- supervisor.new{ notify = host.process.notify, timer =, now =, environ = { name = value }, pid = of this process,
-- log =, server = function() -> the main server's address or nil: local mode } -> supervisor
function supervisor.new(options)
  return setmetatable({
    notify = options.notify,
    timer = options.timer,
    now = options.now,
    log = options.log,
    server = options.server,
    every = watchdog_seconds(options.environ, options.pid),
    pending = {},
    docker = true,
  }, Supervisor)
end

-- Sends what waits, in order. What can't be sent for another reason than that nobody reads now is dropped.
function Supervisor:flush()
  self.retry = nil
  while self.pending[1] do
    local told, message, code = self.notify(self.pending[1])
    if told == nil and code == "EAGAIN" then
      self.retry = self.timer.start(RETRY_SECONDS, function()
        self:flush()
      end)
      return
    elseif told == nil and message ~= self.complaint then
      self.complaint = message
      self.log:warn(message)
    end
    table.remove(self.pending, 1)
  end
end

function Supervisor:tell(text)
  if #self.pending == MOST_PENDING then
    table.remove(self.pending, 1)
  end
  table.insert(self.pending, text)
  if not self.retry then
    self:flush()
  end
end

-- Who runs `systemctl status` may be anybody: no word of a server's is in it.
local function describe(self)
  local server = self.server()
  local link = "local mode"
  if server and self.connected then
    link = "serving " .. server
  elseif server and self.refused then
    link = "refused by " .. server .. ", see the log"
  elseif server then
    link = "not connected to " .. server
  end
  return self.docker and link or link .. "; Docker does not answer"
end

function Supervisor:tell_status()
  local status = describe(self)
  if status ~= self.status then
    self.status = status
    self:tell("STATUS=" .. status)
  end
end

-- An observer, as observers.lua has it.
function Supervisor:observe(topic, value)
  if topic == "connection" then
    self.connected = value.state == "connected"
    if value.event then
      self.refused = value.code == "refused"
    end
  elseif topic == "docker" then
    self.docker = value.up
  else
    return
  end
  self:tell_status()
end

local function keep_alive(self)
  self.timer.start(self.every, function()
    self:tell("WATCHDOG=1")
    keep_alive(self)
  end)
end

-- The node serves.
function Supervisor:ready()
  self:tell("READY=1")
  self:tell_status()
  if self.every and not self.watched then
    self.watched = true
    keep_alive(self)
  end
end

-- Returns what is to be closed when the reload has come to its end, a bad one too.
function Supervisor:reloading()
  self:tell(("RELOADING=1\nMONOTONIC_USEC=%d"):format(math.floor(self.now() * 1e6)))
  return setmetatable({}, { __close = function()
    self:ready()
  end })
end

function Supervisor:stopping()
  self:tell("STOPPING=1")
end

return supervisor
