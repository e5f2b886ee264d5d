-- A node on the fakes, with the real dispatcher and the real scripts: command specs dispatch an event and look at the
-- reply and at what Docker holds then.
--
--   local node = node_support.new{ settings = { max_containers = 2 } }
--   local reply = node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
--   assert.is_true(reply.success)
--   assert.same({ "ada" }, node.docker:names())
--   node:finish()            -- no timer open, no command running, no port held, each event answered once
--
--   local sent = node:send("create-container", {…})    -- does not wait: sent.answers grows by one later
--   node:settle()            -- lets Docker answer all that it is asked
--   node:advance(20)         -- and the time go on
--
-- `directory` names other scripts than the shipped ones, and `commands` and `dialect` add to what is loaded. The parts
-- are in node.clock, node.docker, node.log, node.containers, node.instances, node.dispatcher, node.tasks …
local containers = require("dockhost.containers")
local dispatcher = require("dockhost.dispatcher")
local docker = require("dockhost.docker")
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local fake_log = require("fake_log")
local fake_tar = require("fake_tar")
local images = require("dockhost.images")
local instances = require("dockhost.instances")
local json = require("dockhost.json")
local lfs = require("lfs")
local networks = require("dockhost.networks")
local ports = require("dockhost.ports")
local scripts = require("dockhost.scripts")
local task = require("dockhost.task")

local node_support = {}

-- A key that passes the check.
node_support.KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICq2mBmHEkETII5txWaN29uzRnifEzyKBdeZTwKkQ6kh ada@home"
node_support.IMAGE = "sohampirale/instance"
node_support.IDENTITY = "4026531836:100:5000"

local SETTINGS = {
  image = node_support.IMAGE,
  pull = "missing",
  port_start = 1024,
  port_end = 65535,
  max_containers = 50,
  memory = 512 * 1024 * 1024,
  cpus = 0.5,
  pids = 512,
}

-- The shipped scripts, wherever the specs are run from.
node_support.scripts = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "../../lua"

function node_support.read(path, limit)
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local text = file:read("a")
  file:close()
  if #text > limit then
    return nil, path .. " is too large", "too-large"
  end
  return text
end

function node_support.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

-- As host.guard.resume: a failure comes with its traceback.
function node_support.resume(co, ...)
  local results = table.pack(coroutine.resume(co, ...))
  if not results[1] then
    results[3] = debug.traceback(co, tostring(results[2]))
    results.n = 3
    coroutine.close(co)
  end
  return table.unpack(results, 1, results.n)
end

local Node = {}
Node.__index = Node

local function merged(base, changes)
  local result = {}
  for _, source in ipairs({ base, changes or {} }) do
    for name, value in pairs(source) do
      result[name] = value
    end
  end
  return result
end

local function load_scripts(self, options)
  local set, errors = scripts.load(options.directory or node_support.scripts, {
    read = node_support.read,
    list = node_support.list,
    call = pcall,
    log = self.log,
  })
  assert(set, errors and table.concat(errors, "\n"))
  set.commands = merged(set.commands, options.commands)
  set.dialect = merged(set.dialect, options.dialect)
  return set
end

local function sleeper(clock)
  return function(seconds)
    task.wait(function(done)
      local timer = clock.timer.start(seconds, done)
      return function()
        timer:close()
      end
    end)
  end
end

local function setting(self, name)
  return function()
    return self.settings[name]
  end
end

-- What node.lua does with the host's primitives.
local function assemble(self)
  self.tasks = task.new({ resume = node_support.resume, on_error = error })
  self.client = docker.new({
    request = self.docker.request,
    wait = task.wait,
    endpoint = { kind = "unix", path = "/var/run/docker.sock" },
  })
  self.containers = containers.new({ docker = self.client, image = setting(self, "image") })
  self.ports = ports.new({
    listening = self.docker.listening,
    bindable = self.docker.bindable,
    range = function()
      return self.settings.port_start, self.settings.port_end
    end,
  })
  self.instances = instances.new({
    docker = self.client,
    containers = self.containers,
    networks = networks.new({ docker = self.client, flights = task.flights(self.tasks) }),
    identity = node_support.IDENTITY,
    capacity = setting(self, "max_containers"),
    on_leftover = function()
      self.leftovers = self.leftovers + 1
    end,
  })
end

local function services(self)
  return {
    config = function()
      return self.settings
    end,
    tasks = self.tasks,
    timer = self.clock.timer,
    sleep = sleeper(self.clock),
    time = self.clock.time,
    docker = self.client,
    containers = self.containers,
    instances = self.instances,
    images = images.new({ docker = self.client, flights = task.flights(self.tasks), log = self.log }),
    ports = self.ports,
    tar = fake_tar.pack,
    http = function()
      return nil, "no network in specs", "connect"
    end,
    emit = function(...)
      table.insert(self.emitted, table.pack(...))
      return true
    end,
  }
end

function node_support.new(options)
  options = options or {}
  local clock = fake_clock.new()
  local self = setmetatable({
    clock = clock,
    docker = fake_docker.new({ time = clock.time }),
    log = fake_log.new(),
    settings = merged(SETTINGS, options.settings),
    leftovers = 0,
    emitted = {},
    sent = {},
  }, Node)
  self.docker:add_image(node_support.IMAGE)
  clock.settle = function()
    self.docker:settle()
  end
  assemble(self)
  self.scripts = load_scripts(self, options)
  self.dispatcher = dispatcher.new({
    tasks = self.tasks,
    timer = clock.timer,
    now = clock.now,
    time = clock.time,
    log = self.log,
    scripts = function()
      return self.scripts
    end,
    services = services(self),
  })
  return self
end

-- Dispatches an event as the connection does. Returns a table: `answers` lists what was answered, as
-- { value =, event =, event_value = }, and `reply` is the value of the first. `options`: limit = bytes of a reply,
-- acknowledged = false, expected = how many answers there should be (1).
function Node:send(event, payload, options)
  options = options or {}
  local sent = { event = event, answers = {}, expected = options.expected or 1 }
  table.insert(self.sent, sent)
  self.dispatcher:dispatch({
    event = event,
    payload = payload,
    acknowledged = options.acknowledged ~= false,
    fits = function(value)
      local text, message = json.encode(value)
      if not text then
        return false, message
      end
      return #text <= (options.limit or 1000000)
    end,
    answer = function(value, name, event_value)
      table.insert(sent.answers, { value = value, event = name, event_value = event_value })
      if #sent.answers == 1 then
        sent.reply = value
      end
    end,
  })
  return sent
end

-- Dispatches and lets Docker answer until the reply is there; the time goes on where something waits for it.
function Node:call(event, payload, options)
  local sent = self:send(event, payload, options)
  self:settle()
  while #sent.answers == 0 do
    self.clock:advance(assert(self.clock:next_in(), event .. " waits for nothing and is not answered"))
  end
  return sent.reply
end

function Node:settle()
  self.docker:settle()
end

function Node:advance(seconds)
  self.clock:advance(seconds)
end

-- Runs `fn(...)` in a task, to its end, and returns what it returns.
function Node:run(fn, ...)
  local results
  self.tasks:spawn(fn, function(...)
    results = table.pack(...)
  end, ...)
  self:settle()
  while not results do
    self.clock:advance(assert(self.clock:next_in(), "this waits for nothing and does not end"))
  end
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

-- Fails where anything is left behind.
function Node:finish()
  self:settle()
  for _, sent in ipairs(self.sent) do
    assert(#sent.answers == sent.expected, tostring(sent.event) .. " was answered " .. #sent.answers .. " times")
  end
  assert(self.dispatcher.running == 0, "commands still run")
  assert(self.dispatcher.queue:count() == 0, "commands still wait")
  assert(next(self.ports.held) == nil, "ports are still held")
  assert(next(self.instances.seats) == nil, "seats are still taken")
  assert(next(self.instances.attempts) == nil, "attempts are still at work")
  self.clock:assert_idle()
end

return node_support
