-- Streams of what changes, to all who watch: the whole state first, then each section as it changes. With nobody
-- watching, nothing is asked and no timer runs.
local answer = require("dockhost.console.answer")
local json = require("dockhost.json")
local task = require("dockhost.task")

local feed = {}

-- Streams of the log of containers count as well.
local MOST_STREAMS = 16
local KEEP_ALIVE_SECONDS = 25
-- Changes of containers and of a pull come in bursts.
local SETTLE_SECONDS = 0.1
-- A Docker that hangs does not keep the rest from being shown.
local PATIENCE_SECONDS = 1.5
local RECONNECT = "retry: 2000\n\n"
-- Of an image that comes or goes, say, no event tells: every so many samples of the usage, Docker is asked for all.
local SAMPLES_EACH = 10

-- What Docker tells of a container and changes how it is shown.
local CHANGES = { create = true, start = true, restart = true, die = true, stop = true, pause = true, unpause = true,
  destroy = true, rename = true }

local Feed = {}
Feed.__index = Feed

-- feed.new{ view =, usage =, tasks =, timer =, log = } -> feed
function feed.new(options)
  return setmetatable({
    view = options.view,
    usage = options.usage,
    tasks = options.tasks,
    timer = options.timer,
    log = options.log,
    watchers = {},
    streams = {},
    last = {},
    settling = {},
    samples = 0,
    flights = task.flights(options.tasks),
  }, Feed)
end

-- Ends a stream at once.
function Feed:drop(stream)
  stream.exchange:close()
  self:leave(stream)
end

-- Writes to a stream; a reader that does not keep up is dropped.
function Feed:write(stream, text)
  if stream.left then
    return false
  end
  local ok = stream.exchange:write(text)
  if not ok then
    self:drop(stream)
  end
  return ok
end

local function keep_alive(self)
  self.keeper = self.timer.start(KEEP_ALIVE_SECONDS, function()
    keep_alive(self)
    for _, stream in ipairs(table.move(self.streams, 1, #self.streams, 1, {})) do
      self:write(stream, ":\n\n")
    end
  end)
end

-- Begins a stream; nil where there are too many, which has been answered then. `on_leave` hears of its end.
function Feed:open(exchange, on_leave)
  if #self.streams >= MOST_STREAMS then
    answer.failure(exchange, 503, "too many streams are open: close another page of this console")
    return nil
  end
  if not answer.stream(exchange) then
    return nil
  end
  local stream = { exchange = exchange, on_leave = on_leave }
  table.insert(self.streams, stream)
  exchange:on_close(function()
    self:leave(stream)
  end)
  if not self.keeper then
    keep_alive(self)
  end
  return stream
end

local function remove(list, item)
  for i, other in ipairs(list) do
    if other == item then
      table.remove(list, i)
      return
    end
  end
end

function Feed:leave(stream)
  if stream.left then
    return
  end
  stream.left = true
  remove(self.streams, stream)
  remove(self.watchers, stream)
  if not self.watchers[1] then
    self:rest()
  end
  if not self.streams[1] and self.keeper then
    self.keeper:close()
    self.keeper = nil
  end
  if stream.on_leave then
    stream.on_leave()
  end
end

-- Nobody watches any more.
function Feed:rest()
  self.usage:stop()
  for name, timer in pairs(self.settling) do
    timer:close()
    self.settling[name] = nil
  end
  self.last = {}
end

-- Ends a stream in good order.
function Feed:finish(stream)
  if not stream.left then
    stream.exchange:finish()
    self:leave(stream)
  end
end

-- Runs `work` in a task, then calls `finished`, whatever came of it.
function Feed:spawn(work, finished)
  self.tasks:spawn(work, function(ok, message, traceback)
    if not ok then
      self.log:trace("the console can't ask Docker: " .. tostring(message), traceback)
    end
    finished()
  end)
end

-- Asks Docker for all that is shown, once for all who want it, and then calls `finished`.
function Feed:refresh(finished)
  self:spawn(function()
    self.flights:run("all", function()
      self.view:refresh_containers()
      self.view:refresh_docker()
    end)
  end, function()
    self:show("docker", "capacity", "containers")
    self.usage:look()
    if finished then
      finished()
    end
  end)
end

-- Waits until the state is known, or could not be for a while.
function Feed:await_state()
  local timer
  task.wait(function(done)
    timer = self.timer.start(PATIENCE_SECONDS, done)
    self:refresh(done)
    return function()
      timer:close()
    end
  end)
  timer:close()
end

-- Streams to that exchange until it is closed. Waits for the state.
function Feed:watch(exchange)
  local stream = self:open(exchange)
  if not stream then
    return
  end
  self:await_state()
  if stream.left or not self:write(stream, RECONNECT .. answer.event("state", self.view:state())) then
    return
  end
  table.insert(self.watchers, stream)
  self.usage:start()
end

-- Sends an event to all who watch.
function Feed:push(name, text)
  local event = answer.event(name, text)
  for _, stream in ipairs(table.move(self.watchers, 1, #self.watchers, 1, {})) do
    self:write(stream, event)
  end
end

-- Sends sections, where they have changed.
function Feed:show(...)
  if not self.watchers[1] then
    return
  end
  for _, name in ipairs({ ... }) do
    local text = self.view:json(name)
    if text ~= self.last[name] then
      self.last[name] = text
      self:push(name, text)
    end
  end
end

-- Calls `fn` a moment later, once for what happens until then.
local function settle(self, name, fn)
  if not self.watchers[1] or self.settling[name] then
    return
  end
  self.settling[name] = self.timer.start(SETTLE_SECONDS, function()
    self.settling[name] = nil
    fn()
  end)
end

local HEARD = {
  connection = function(self)
    self:show("connection")
  end,
  docker = function(self, value)
    self:show("docker")
    if value.up then
      settle(self, "all", function()
        self:refresh()
      end)
    end
  end,
  container = function(self, value)
    if CHANGES[value.action] then
      settle(self, "containers", function()
        self:refresh_list()
      end)
    end
  end,
  pull = function(self, value)
    self.view:pull(value)
    settle(self, "pull", function()
      self:show("docker")
    end)
  end,
  scripts = function(self)
    self:show("node")
  end,
}

-- Takes what observers hear.
function Feed:hear(topic, value)
  local heard = HEARD[topic]
  if heard then
    heard(self, value)
  end
end

-- One listing at a time: what changes meanwhile is in the next.
function Feed:refresh_list()
  if self.listing then
    self.again = true
    return
  end
  self.listing = true
  self:spawn(function()
    self.view:refresh_containers()
  end, function()
    self.listing = false
    self:show("capacity", "containers")
    self.usage:look()
    if self.again then
      self.again = false
      self:refresh_list()
    end
  end)
end

-- New settings: the image, the capacity and what scripts there are may be others.
function Feed:use_settings()
  if self.watchers[1] then
    self:show("node", "connection", "capacity")
    self:refresh()
  end
end

-- Sends what the running containers use, and how far the main server is.
function Feed:show_usage()
  self:push("usage", json.encode(self.usage.known))
  self:show("connection")
  self.samples = self.samples + 1
  if self.samples % SAMPLES_EACH == 0 then
    self:refresh()
  end
end

function Feed:close()
  for _, stream in ipairs(table.move(self.streams, 1, #self.streams, 1, {})) do
    self:drop(stream)
  end
end

return feed
