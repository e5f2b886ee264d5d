-- A node on the fakes, with the real wiring and the real scripts: command specs dispatch an event and look at the reply
-- and at what Docker holds then.
--
--   local node = node_support.new{ settings = { max_containers = 2 } }
--   local reply = node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
--   assert.is_true(reply.success)
--   assert.same({ "ada" }, node.docker:names())
--   node:finish()            -- no error, no timer open, no command running, no port held, each event answered once
--
--   local sent = node:send("create-container", {…})    -- does not wait: sent.answers grows by one later
--   node:settle()            -- lets Docker answer all that it is asked
--   node:advance(20)         -- and the time go on
--
-- For scripts of your own, which lie over the shipped ones:
--
--   local node = node_support.over()                   -- those beside this spec, or beside the spec/ that it is in
--   local node = node_support.over("my/scripts", { settings = … })
--   local ok, why = node:job("nightly")                -- runs jobs/nightly.lua once, to its end
--   local ok, why = node:hook("connected", { server = "wss://main.example", recovered = false })
--   node:start_jobs(); node:advance(3600)              -- or lets the jobs have their turns
--   node.host.web = function(request) return 200, {}, "body" end      -- answers ctx.http{…}
--   node.emitted                                       -- what ctx.emit was given: { { "event", … n = }, … }
--
-- `directory` names other scripts than the shipped ones, `directories` lists what lies over them, the winning one
-- first, and `commands` and `dialect` add to what is loaded. The parts are in node.host (fake_host), node.clock,
-- node.docker, node.log (fake_log), node.containers, node.instances, node.dispatcher, node.tasks, node.scripts …
local fake_host = require("fake_host")
local fake_log = require("fake_log")
local json = require("dockhost.json")
local node = require("dockhost.node")
local script_files = require("script_files")
local task = require("dockhost.task")

local node_support = {}

-- A key that passes the check.
node_support.KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICq2mBmHEkETII5txWaN29uzRnifEzyKBdeZTwKkQ6kh ada@home"
node_support.IMAGE = fake_host.IMAGE
node_support.IDENTITY = fake_host.IDENTITY

local SETTINGS = {
  docker = { kind = "unix", path = "/var/run/docker.sock" },
  image = node_support.IMAGE,
  pull = "missing",
  port_start = 1024,
  port_end = 65535,
  max_containers = 50,
  memory = 512 * 1024 * 1024,
  cpus = 0.5,
  pids = 512,
}

local Node = {}
Node.__index = Node

local function merged(base, changes)
  local result = {}
  for _, source in ipairs({ base or {}, changes or {} }) do
    for name, value in pairs(source) do
      result[name] = value
    end
  end
  return result
end

local DIRECTORY = "/scripts"

local function directories_of(options)
  local directories = {}
  for _, directory in ipairs(options.directories or {}) do
    table.insert(directories, directory)
  end
  table.insert(directories, DIRECTORY)
  return directories
end

local function load_scripts(self, options)
  script_files.add(self.host.files, options.directory or script_files.shipped, DIRECTORY)
  for _, directory in ipairs(options.directories or {}) do
    script_files.add(self.host.files, directory, directory)
  end
  local ok, errors = self:run(self.node.load_scripts, self.node)
  assert(ok, errors and table.concat(errors, "\n"))
  self.scripts = self.node.scripts
  self.scripts.commands = merged(self.scripts.commands, options.commands)
  self.scripts.dialect = merged(self.scripts.dialect, options.dialect)
end

-- Stands for the connection and the monitor: what they are told is kept.
local function stand_ins(self)
  local connection, monitor = {}, {}
  function connection.emit(_, ...)
    table.insert(self.emitted, table.pack(...))
    return true
  end
  function monitor.sweep_in()
    self.leftovers = self.leftovers + 1
  end
  self.node.connection, self.node.monitor = connection, monitor
end

function node_support.new(options)
  options = options or {}
  local host, errors = fake_host.new(), {}
  local self = setmetatable({
    host = host,
    clock = host.clock,
    docker = host.docker,
    log = fake_log.new(),
    tasks = task.new({
      resume = fake_host.resume,
      on_error = function(message, traceback)
        table.insert(errors, traceback or message)
      end,
    }),
    errors = errors,
    settings = merged(SETTINGS, options.settings),
    leftovers = 0,
    emitted = {},
    sent = {},
  }, Node)
  self.node = node.new({
    host = host,
    tasks = self.tasks,
    log = self.log,
    settings = self.settings,
    directories = directories_of(options),
  })
  stand_ins(self)
  self.client, self.dispatcher, self.ports = self.node.docker, self.node.dispatcher, self.node.ports
  self.containers, self.instances = self.node.containers, self.node.instances
  load_scripts(self, options)
  return self
end

-- Where the scripts are that a spec is for.
local function beside(source)
  local directory = source:match("^@(.+)/[^/]*$") or "."
  return directory:match("^(.*)/spec$") or directory == "spec" and "." or directory
end

-- A node with the scripts of a directory over the shipped ones: those of the calling spec where none is named.
function node_support.over(directory, options)
  local all = merged(options)
  all.directories = { directory or beside(debug.getinfo(2, "S").source) }
  return node_support.new(all)
end

-- Swaps the scripts, as a reload does.
function Node:use_scripts(set)
  self.node.scripts, self.scripts = set, set
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
  self.host:settle()
end

function Node:advance(seconds)
  self.clock:advance(seconds)
end

local function in_background(self, name, fn)
  local results
  self.node.background:run({
    name = name,
    set = self.scripts,
    fn = fn,
    on_end = function(...)
      results = table.pack(...)
    end,
  })
  self:settle()
  while not results do
    self.clock:advance(assert(self.clock:next_in(), name .. " waits for nothing and does not end"))
  end
  return table.unpack(results, 1, results.n)
end

-- Runs a job once, whether or not its time has come. Returns true, or false and why it failed (the log has it too).
function Node:job(name)
  local job = assert(self.scripts.jobs[name], "there is no jobs/" .. name .. ".lua")
  return in_background(self, "jobs/" .. name, job.run)
end

-- Runs a hook, told of `event`. Returns what `job` does.
function Node:hook(name, event)
  local hook = assert(self.scripts.hooks[name], "there is no hooks/" .. name .. ".lua")
  return in_background(self, "hooks/" .. name, function(ctx)
    return hook(event, ctx)
  end)
end

-- From now on the jobs have their turns as the time goes on; `finish` ends that.
function Node:start_jobs()
  self.node.jobs:use(self.scripts)
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
  self.node.jobs:stop()
  self:settle()
  assert(#self.errors == 0, table.concat(self.errors, "\n"))
  for _, sent in ipairs(self.sent) do
    assert(#sent.answers == sent.expected, tostring(sent.event) .. " was answered " .. #sent.answers .. " times")
  end
  assert(self.dispatcher.running == 0, "commands still run")
  assert(self.dispatcher.queue:count() == 0, "commands still wait")
  assert(next(self.node.background.active) == nil, "jobs or hooks still run")
  assert(next(self.ports.held) == nil, "ports are still held")
  assert(next(self.instances.seats) == nil, "seats are still taken")
  assert(next(self.instances.attempts) == nil, "attempts are still at work")
  self.clock:assert_idle()
end

return node_support
