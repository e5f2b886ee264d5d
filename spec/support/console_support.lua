-- A console on a node of fakes, for specs: requests are asked of it and Docker answers.
--
--   local console = console_support.new{ settings = { console = { host =, port = } } }
--   local exchange = console:get("/api/state")       -- with the token; see fake_server for what an exchange shows
--   console:ask(method, target, headers, body)       -- with nothing
--   console.subject, console.node, console.docker, console.log, console.server, console.announced
--   console:finish()                                 -- the node's finish, and no listener, timer or stream left
local console = require("dockhost.console")
local json = require("dockhost.json")
local node_support = require("node_support")

local console_support = {}

console_support.TOKEN = ("0123456789abcdef"):rep(2)

local Support = {}
Support.__index = Support

local function settings_of(options)
  local settings = { console = { host = "127.0.0.1", port = 3002 }, state = "/state" }
  for name, value in pairs(options.settings or {}) do
    settings[name] = value
  end
  return settings
end

function console_support.new(options)
  options = options or {}
  local node = node_support.new({ settings = settings_of(options), commands = options.commands })
  local self = setmetatable({
    node = node,
    docker = node.docker,
    log = node.log,
    server = node.host.server,
    announced = {},
  }, Support)
  node.node.connection = nil
  node.node:start_monitor()
  self.subject = console.new({
    node = node.node,
    host = node.host,
    tasks = node.tasks,
    log = node.log:child("console"),
    share = "/share",
    announce = function(url)
      table.insert(self.announced, url)
    end,
  })
  node:run(self.subject.serve, self.subject)
  self.node:advance(0)
  return self
end

function Support:ask(method, target, headers, body)
  local exchange = self.server:ask(method, target, headers, body)
  self.node:settle()
  return exchange
end

local function with_token(self, headers)
  local all = { authorization = "Bearer " .. (self.subject.token or "") }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  return all
end

function Support:get(target, headers)
  return self:ask("GET", target, with_token(self, headers))
end

function Support:command(event, payload, headers)
  local all = with_token(self, headers)
  all["content-type"] = all["content-type"] or "application/json"
  return self:ask("POST", "/api/commands/" .. event, all, type(payload) == "table" and json.encode(payload) or payload)
end

-- The answer, decoded.
function Support:json(exchange) -- luacheck: no self
  return assert(json.decode(exchange.text))
end

function Support:finish()
  self.subject:close()
  self.node.node.monitor:stop()
  self.node:finish()
  assert(#self.server.listeners == 0, "a listener is left")
end

return console_support
