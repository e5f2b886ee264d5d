-- What the console shows of the node, by section, each as what JSON is made of. What only Docker knows is kept here
-- from one `refresh…` to the next: these wait, the sections do not.
local containers = require("dockhost.containers")
local json = require("dockhost.json")
local lan = require("dockhost.lan")

local view = {}

local null = json.null

local View = {}
View.__index = View

-- view.new{ node =, recent =, redact =, usage = function() -> what each user's container uses, tally = { accepted = how
-- often the main server has, apart_since = when it was lost?, docker_failure = text? } } -> view
function view.new(options)
  return setmetatable({
    node = options.node,
    recent = options.recent,
    redact = options.redact,
    usage = options.usage,
    tally = options.tally,
    image = { state = "unknown" },
    asked = 0,
    answered = 0,
  }, View)
end

local function or_null(value)
  if value == nil then
    return null
  end
  return value
end

local function redacted(self, text)
  return text and self.redact(text) or null
end

function View:node_section()
  local node = self.node
  local settings, commands = node.settings, 0
  for _ in pairs(node.scripts.commands) do
    commands = commands + 1
  end
  local figures = node.host.process.figures()
  return {
    uptimeSeconds = figures and math.max(0, math.floor(node.host.loop.time() - figures.started)) or null,
    scripts = json.array(table.move(node.directories, 1, #node.directories, 1, {})),
    commands = commands,
    sshHost = or_null(settings.lan_ip or lan.pick(node.host.lan.interfaces())),
  }
end

local function latency(connection)
  local socket = connection.link and connection.link.socket
  local seconds = socket and socket:latency()
  return seconds and math.floor(seconds * 10000 + 0.5) / 10 or null
end

function View:connection_section()
  local connection, server = self.node.connection, self.node.settings.server
  if not connection then
    return { state = "local", attempt = 0, reconnects = 0 }
  end
  local status = connection:status()
  return {
    state = status.state,
    server = server and server.text or null,
    since = or_null(status.state ~= "connected" and self.tally.apart_since or status.since),
    latencyMs = status.state == "connected" and latency(connection) or null,
    attempt = status.attempt,
    nextTryAt = or_null(status.next_try),
    failure = redacted(self, status.failure),
    keyExpiresAt = or_null(status.key_expires),
    reconnects = math.max(0, self.tally.accepted - 1),
  }
end

function View:docker_section()
  local docker, image = self.node.docker, self.image
  local up = self.node.monitor ~= nil and self.node.monitor.up == true
  local version = self.version or {}
  local spoken = docker.version_prefix and docker.version_prefix:match("^/v(.+)$")
  return {
    up = up,
    version = or_null(version.Version),
    apiVersion = or_null(spoken or version.ApiVersion),
    address = docker.address,
    failure = not up and redacted(self, self.tally.docker_failure) or null,
    image = {
      name = self.node.settings.image,
      state = image.state,
      current = or_null(image.current),
      total = or_null(image.total),
      failure = redacted(self, image.failure),
    },
  }
end

function View:capacity_section()
  return { used = #(self.list or {}), most = self.node.settings.max_containers }
end

function View:containers_section()
  local entries, usage = json.array({}), self.usage()
  for i, instance in ipairs(self.list or {}) do
    local entry = containers.entry(instance)
    entry.managedBy = instance.adopted and "node-backend" or nil
    for name, value in pairs(instance.state == "running" and usage[instance.username] or {}) do
      entry[name] = value
    end
    entries[i] = entry
  end
  return entries
end

local SECTIONS = { "node", "connection", "docker", "capacity", "containers" }

-- A section as JSON.
function View:json(name)
  return assert(json.encode(self[name .. "_section"](self)))
end

-- All of it, as JSON.
function View:state()
  local parts = {
    '{"version":' .. json.encode(self.node.host.process.version),
    '"time":' .. json.encode(self.node.host.loop.time()),
  }
  for _, name in ipairs(SECTIONS) do
    table.insert(parts, '"' .. name .. '":' .. self:json(name))
  end
  table.insert(parts, '"commands":' .. self.recent:commands_json())
  table.insert(parts, '"log":' .. self.recent:lines_json() .. "}")
  return table.concat(parts, ",")
end

-- Asks Docker for the containers. Returns true, or nil, message, status; what was known stays then. Of two that run at
-- once, the one that was begun later counts.
function View:refresh_containers()
  self.asked = self.asked + 1
  local serial = self.asked
  local list, message, status = self.node.containers:list()
  if not list then
    return nil, message, status
  end
  for _, instance in ipairs(list) do
    local whole, why, code = self.node.containers:with_ports(instance)
    if not whole then
      return nil, why, code
    end
  end
  if serial > self.answered then
    self.answered, self.list = serial, list
  end
  return true
end

-- Asks Docker for its version and for the image of new containers.
function View:refresh_docker()
  self.version = self.node.docker:version() or self.version
  if self.image.state ~= "pulling" then
    self:refresh_image()
  end
end

function View:refresh_image()
  local name = self.node.settings.image
  local found, _, status = self.node.docker:image_inspect(name)
  if found or status == 404 then
    local failure = not found and self.image.name == name and self.image.failure or nil
    self.image = { name = name, state = found and "present" or "missing", failure = failure }
  end
end

-- Takes what observers hear of a pull.
function View:pull(value)
  if value.image ~= self.node.settings.image then
    return
  elseif not value.ended then
    self.image = { name = value.image, state = "pulling", current = value.current, total = value.total }
  else
    self.image = { name = value.image, state = value.message and "missing" or "present", failure = value.message }
  end
end

return view
