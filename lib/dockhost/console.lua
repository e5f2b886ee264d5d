-- The console: the page, its API, metrics and health, over HTTP on an address of its own. What only a request needs is
-- loaded with the first one.
local address = require("dockhost.console.address")
local recent = require("dockhost.console.recent")
local setting = require("dockhost.setting")
local task = require("dockhost.task")
local token = require("dockhost.console.token")

local console = {}

-- A create's keys are 16 KiB.
local MOST_BODY = 64 * 1024
local REQUEST_SECONDS, IDLE_SECONDS, MOST_CONNECTIONS = 10, 60, 64

local Console = {}
Console.__index = Console

-- console.new{ node =, host =, tasks =, log =, share = directory, announce = function(url) } -> console. `announce`
-- gets the URL with the token, which the log must not hold.
function console.new(options)
  local self = setmetatable({
    node = options.node,
    host = options.host,
    tasks = options.tasks,
    log = options.log,
    share = options.share,
    announce = options.announce,
    tally = { accepted = 0, apart_since = options.host.loop.time() },
  }, Console)
  self.redact = function(text)
    return self.log:redact(text)
  end
  self.recent = recent.new(self.redact)
  self:listen_in()
  return self
end

-- What happens is remembered from now on, for those who look later.
function Console:listen_in()
  self.node:measure()
  self.node.observers:add(function(topic, value)
    self:hear(topic, value)
  end)
  self.log:tap(function(record)
    self:push("log", self.recent:line(record))
  end)
end

function Console:push(name, text)
  if self.feed then
    self.feed:push(name, text)
  end
end

-- Counts how often the main server has accepted this node, and notes since when it does not.
function Console:count(event)
  if event == "accepted" then
    self.tally.accepted = self.tally.accepted + 1
  elseif event == "lost" then
    self.tally.apart_since = self.host.loop.time()
  end
end

function Console:hear(topic, value)
  if topic == "command" then
    self:push("command", self.recent:command(value))
  elseif topic == "connection" then
    self:count(value.event)
  elseif topic == "docker" then
    self.tally.docker_failure = not value.up and value.message or nil
  end
  if self.feed then
    self.feed:hear(topic, value)
  elseif topic == "pull" then
    self.pulling = not value.ended and value or nil
  end
end

-- What requests of those need who have the token.
function Console:load()
  if self.feed then
    return
  end
  local feed, usage = require("dockhost.console.feed"), require("dockhost.console.usage")
  local node = self.node
  self.view = require("dockhost.console.view").new({
    node = node,
    recent = self.recent,
    redact = self.redact,
    tally = self.tally,
    usage = function()
      return self.usage.known
    end,
  })
  self.usage = usage.new({
    docker = node.docker,
    tasks = self.tasks,
    sleep = node.sleep,
    list = function()
      return self.view.list
    end,
    when = function()
      return node.monitor.up == true
    end,
    on_sample = function()
      self.feed:show_usage()
    end,
  })
  self.feed = feed.new({
    view = self.view,
    usage = self.usage,
    tasks = self.tasks,
    timer = self.host.timer,
    log = self.log,
  })
  if self.pulling then
    self.view:pull(self.pulling)
  end
end

-- Runs the rest of an answer in a task.
function Console:spawn(exchange, fn)
  return self.tasks:spawn(fn, function(ok, message, traceback)
    if not ok and not task.is_cancelled(message) then
      self.log:trace("a request failed: " .. tostring(message), traceback)
      -- It may have been answered, in part.
      local answer = require("dockhost.console.answer")
      if not pcall(answer.failure, exchange, 500, "this is a fault: the log says more") then
        exchange:close()
      end
    end
  end)
end

-- A numeric address of the listener's host: of IPv4, where it has one.
function Console:resolve(name)
  local addresses, message, code = task.wait(function(done)
    local lookup, why, kind = self.host.resolver.lookup(name, done)
    if not lookup then
      return done(nil, why, kind)
    end
    return function()
      lookup:close()
    end
  end)
  if not addresses or not addresses[1] then
    return nil, message or name .. " has no address", code
  end
  for _, numeric in ipairs(addresses) do
    if not numeric:find(":", 1, true) then
      return numeric
    end
  end
  return addresses[1]
end

-- Listens there. Returns true, or nil and why not.
function Console:open(listener)
  local numeric, message = setting.ip(listener.host), nil
  if not numeric then
    numeric, message = self:resolve(listener.host)
  end
  if not numeric then
    return nil, message
  end
  local server, why = self.host.server.listen({
    host = numeric,
    port = listener.port,
    limit = MOST_BODY,
    timeout = REQUEST_SECONDS,
    idle = IDLE_SECONDS,
    most = MOST_CONNECTIONS,
    on_request = function(exchange)
      require("dockhost.console.routes").answer(self, exchange)
    end,
  })
  if not server then
    return nil, why
  end
  self.server = server
  self.listener = { host = listener.host, port = listener.port, address = numeric }
  return true
end

local ADVICE = "; DOCKHOST_CONSOLE names another address, and SIGHUP tries again. The node goes on "

local function load_token(self)
  local text, message = token.load(self.host.file, self.node.settings.state)
  if not text then
    self.log:warn("the console opens for nobody, its token can't be kept: " .. message)
  end
  if text ~= self.token and self.feed then
    self.feed:close()
  end
  self.token = text
end

local function is_same(a, b)
  return a and b and a.host == b.host and a.port == b.port
end

-- Opens it there, or where it was before.
function Console:move(listener, before)
  local ok, message = self:open(listener)
  if ok then
    return true
  end
  local back = before and self:open(before)
  self.log:warn("the console can't listen at " .. address.text(listener.host, listener.port) .. ": " .. message
    .. ADVICE .. (back and "with the one at " .. address.url(before) or "without a console"))
end

-- Listens where the settings say; called again when these may have changed. Waits.
function Console:serve()
  local listener, before = self.node.settings.console, self.listener
  if listener then
    load_token(self)
  end
  if is_same(listener, before) then
    return self.feed and self.feed:use_settings()
  end
  self:close()
  if not listener then
    return before and self.log:info("the console is off")
  end
  if self:move(listener, before) then
    self.log:info("the console is at " .. address.url(listener) .. ": `dockhost console` prints what opens it")
    if self.token then
      self.announce(address.url(listener, self.token))
    end
  end
end

function Console:close()
  if self.feed then
    self.feed:close()
  end
  if self.server then
    self.server:close()
  end
  self.server, self.listener = nil, nil
end

return console
