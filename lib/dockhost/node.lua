-- Puts the parts of a node together from the host's primitives: what `run` and `call` have in common.
local background = require("dockhost.background")
local config = require("dockhost.config")
local connection = require("dockhost.connection")
local containers = require("dockhost.containers")
local dispatcher = require("dockhost.dispatcher")
local docker = require("dockhost.docker")
local dry_run = require("dockhost.dry_run")
local hooks = require("dockhost.hooks")
local images = require("dockhost.images")
local instances = require("dockhost.instances")
local jobs = require("dockhost.jobs")
local lan = require("dockhost.lan")
local monitor = require("dockhost.monitor")
local networks = require("dockhost.networks")
local observers = require("dockhost.observers")
local ports = require("dockhost.ports")
local scripts = require("dockhost.scripts")
local store = require("dockhost.store")
local task = require("dockhost.task")

local node = {}

local Node = {}
Node.__index = Node

-- A function that waits for a primitive's callback: start(..., done) -> handle | nil, message, code.
local function waiting(start)
  return function(...)
    local arguments = table.pack(...)
    return task.wait(function(done)
      arguments[arguments.n + 1] = done
      local handle, message, code = start(table.unpack(arguments, 1, arguments.n + 1))
      if not handle then
        return done(nil, message, code)
      end
      return function()
        handle:close()
      end
    end)
  end
end

-- (host) -> function(path, limit) -> text | nil, message, code, which waits
function node.reader(host)
  return waiting(host.file.read)
end

-- ctx.http{ url =, method =, headers =, body = } -> { status =, headers =, body = } | nil, message, code
local function http_for_scripts(host, show)
  return function(options)
    if type(options) ~= "table" or type(options.url) ~= "string" then
      error("http needs { url = … }", 2)
    end
    local method = options.method or "GET"
    if show and method ~= "GET" and method ~= "HEAD" then
      show(method, options.url, nil, options.body)
      return { status = 200, headers = {}, body = "" }
    end
    local status, headers, body = waiting(function(request, done)
      return host.http.request({
        url = request.url,
        method = request.method,
        headers = request.headers,
        body = request.body,
        timeout = request.timeout or 30,
        proxy = true,
        on_done = done,
      })
    end)(options)
    if not status then
      return nil, headers, body
    end
    return { status = status, headers = headers, body = body }
  end
end

-- node.new{ host = the primitives, tasks =, log =, settings =, directories = of the scripts, the winning one first,
-- show = function(method, path, body, note): what would change something is shown and not done,
-- unsent = function(event, …): hears of events that scripts emit where there is no connection }
function node.new(options)
  local host = options.host
  local self = setmetatable({
    host = host,
    tasks = options.tasks,
    log = options.log,
    directories = options.directories,
    identity = host.process.identity(),
    show = options.show,
    unsent = options.unsent or function() end,
    read = node.reader(host),
    list = waiting(host.file.list),
    observers = observers.new(options.log),
  }, Node)
  self:use(options.settings)
  self:assemble()
  return self
end

-- Takes new settings. What was built from the Docker address stays.
function Node:use(settings)
  self.settings = settings
  self.public_settings = config.public(settings)
end

-- A function that tells the observers of that topic.
function Node:teller(topic)
  return function(value)
    self.observers:tell(topic, value)
  end
end

function Node:assemble()
  local host, tasks = self.host, self.tasks
  local function setting(name)
    return function()
      return self.settings[name]
    end
  end
  self.sleep = waiting(host.timer.start)
  local docker_log = self.log:child("docker")
  self.docker = docker.new({
    request = self.show and dry_run.new(host.http.request, self.show) or host.http.request,
    wait = task.wait,
    endpoint = self.settings.docker,
    now = host.loop.now,
    observe = function(method, path, status, seconds)
      if docker_log:debugging() then
        local ms = math.floor(seconds * 1000 + 0.5)
        docker_log:debug(method .. " " .. path, { status = status, ms = ms, id = task.label() })
      end
      self.observers:tell("call", { method = method, path = path, status = status, seconds = seconds })
    end,
  })
  self.containers = containers.new({ docker = self.docker, image = setting("image") })
  self.ports = ports.new({
    listening = host.port.listening,
    bindable = host.port.bindable,
    range = function()
      return self.settings.port_start, self.settings.port_end
    end,
  })
  self.instances = instances.new({
    docker = self.docker,
    containers = self.containers,
    networks = networks.new({ docker = self.docker, flights = task.flights(tasks), log = docker_log }),
    flights = task.flights(tasks),
    identity = self.identity,
    node = function()
      return self.id
    end,
    capacity = setting("max_containers"),
    on_leftover = function()
      if self.monitor then
        self.monitor:sweep_in(1)
      end
    end,
  })
  local services = self:services()
  self.dispatcher = dispatcher.new({
    tasks = tasks,
    timer = host.timer,
    now = host.loop.now,
    time = host.loop.time,
    log = self.log:child("command"),
    scripts = function()
      return self.scripts
    end,
    services = services,
    observe = self:teller("command"),
  })
  self:assemble_background(services)
end

function Node:assemble_background(services)
  local host, log = self.host, self.log:child("script")
  self.background = background.new({
    tasks = self.tasks,
    timer = host.timer,
    time = host.loop.time,
    log = log,
    services = services,
  })
  self.hooks = hooks.new({
    scripts = function()
      return self.scripts
    end,
    background = self.background,
    log = log,
  })
  self.jobs = jobs.new({ timer = host.timer, background = self.background, log = log })
end

function Node:services()
  local host = self.host
  return {
    config = function()
      return self.public_settings
    end,
    tasks = self.tasks,
    timer = host.timer,
    sleep = self.sleep,
    time = host.loop.time,
    docker = self.docker,
    containers = self.containers,
    instances = self.instances,
    images = images.new({
      docker = self.docker,
      flights = task.flights(self.tasks),
      log = self.log:child("image"),
      progress = self:teller("pull"),
    }),
    ports = self.ports,
    tar = host.tar.pack,
    store = store.new(),
    http = http_for_scripts(host, self.show),
    emit = function(...)
      if self.show then
        self.show("EMIT", ..., select(2, ...))
        return true
      end
      if not self.connection then
        self.unsent(...)
        return nil, "not connected to a main server"
      end
      return self.connection:emit(...)
    end,
  }
end

local LOAD_SECONDS = 1
local READ_AT_ONCE = 16

-- Loads the scripts and swaps them in at once. Returns the set and the one before it, if any, or nil and the list of
-- errors; then the running set stays.
function Node:load_scripts()
  local set, errors = scripts.load(self.directories, {
    read = self.read,
    list = self.list,
    log = self.log:child("script"),
    each = function(list, fn)
      return task.each(self.tasks, list, READ_AT_ONCE, fn)
    end,
    call = function(chunk)
      return self.host.guard.resume(coroutine.create(chunk), LOAD_SECONDS)
    end,
  })
  if not set then
    return nil, errors
  end
  for _, path in ipairs(set.misplaced) do
    self.log:warn(path .. " is not used: scripts lie in commands, jobs and hooks, or are container.lua, dialect.lua "
      .. "and reconnect.lua")
  end
  local before = self.scripts
  self.scripts = set
  return set, before
end

-- The first private address of a physical interface, or what the operator said.
function Node:lan_address()
  if self.settings.lan_ip then
    return self.settings.lan_ip
  end
  local interfaces = self.host.lan.interfaces()
  local address = interfaces and lan.pick(interfaces)
  if not address and not self.without_address then
    self.without_address = true
    self.log:warn("no physical interface has an address to tell the main server: DOCKHOST_LAN_IP names one")
  end
  return address
end

function Node:start_monitor()
  self.monitor = monitor.new({
    docker = self.docker,
    containers = self.containers,
    instances = self.instances,
    tasks = self.tasks,
    timer = self.host.timer,
    sleep = self.sleep,
    time = self.host.loop.time,
    alive = self.host.process.alive,
    identity = self.identity,
    node = function()
      return self.id
    end,
    log = self.log:child("docker"),
    on_event = function(user, event)
      self.hooks:container(user, event)
      self.observers:tell("container", { user = user, action = event.Action })
    end,
    on_change = function(up, message)
      self.observers:tell("docker", { up = up, message = message })
    end,
  })
  self.monitor:start()
end

function Node:start_connection()
  local host = self.host
  self.connection = connection.new({
    websocket = host.websocket,
    resolver = host.resolver,
    timer = host.timer,
    tasks = self.tasks,
    now = host.loop.now,
    time = host.loop.time,
    log = self.log:child("connection"),
    trace = self.log:child("ws"),
    settings = function()
      return self.settings
    end,
    read = self.read,
    lan_address = function()
      return self:lan_address()
    end,
    policy = function(...)
      return self:reconnect_delay(...)
    end,
    dispatch = function(request)
      self.dispatcher:dispatch(request)
    end,
    when_idle = function(fn)
      self.dispatcher:when_idle(fn)
    end,
    notify = function(name, event)
      self.hooks:run(name, event)
    end,
    observe = self:teller("connection"),
  })
  self.connection:start()
end

-- What the console shows to Prometheus: `node.metrics:text()` is the page. It counts from the first call of this on.
function Node:measure()
  self.metrics = self.metrics or require("dockhost.measures").new(self)
end

local FALLBACK_DELAY = 10

-- What reconnect.lua says, unless it fails: an operator's mistake must not end the redialling.
function Node:reconnect_delay(attempt, reason)
  local co = coroutine.create(self.scripts.reconnect)
  local ok, seconds = self.host.guard.resume(co, LOAD_SECONDS, attempt, reason)
  if ok and math.type(seconds) and seconds >= 0 and seconds < 86400 then
    return seconds
  end
  local why = type(seconds) == "table" and "a table is no number of seconds" or tostring(seconds)
  self.log:error("reconnect.lua failed: " .. why .. "; waiting " .. FALLBACK_DELAY .. " s")
  return FALLBACK_DELAY
end

return node
