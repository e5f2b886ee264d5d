-- The whole path from frame to reply: a node as `run` assembles it, on the fakes, with the shipped scripts. Each line
-- of an input is one happening:
--   <FRAME  the main server sends a text frame    bBYTES  a binary one
--   +N      N tenths of a second pass             ~       the connection breaks      s  Docker answers
--   fM S    the next M-th kind of call is answered by status S      xM  it is done, but its answer is lost
--   hM      it hangs till later                   d / u   Docker goes down, comes up
--   pN      another program takes port N          k NAME  a container's process ends
-- At the end Docker is well again and time passes: then every event has been answered once, nothing is held, nothing is
-- half made, and what was not ours is as it was.
local check = require("check")
local fake_host = require("fake_host")
local fake_log = require("fake_log")
local input = require("input")
local json = require("dockhost.json")
local node = require("dockhost.node")
local script_files = require("script_files")
local socketio = require("dockhost.socketio")
local task = require("dockhost.task")
local url = require("dockhost.url")

local DIRECTORY = "/scripts"

local SETTINGS = {
  docker = { kind = "unix", path = "/var/run/docker.sock" },
  server = url.parse("ws://main.example"),
  api_key = "a-key-of-the-fuzzer",
  image = fake_host.IMAGE,
  pull = "missing",
  port_start = 1024,
  port_end = 2000,
  max_containers = 4,
  memory = 512 * 1024 * 1024,
  cpus = 0.5,
  pids = 512,
}

-- What can go wrong with which call.
local CALLS = {
  { "POST", "/containers/create$" }, { "POST", "/start$" }, { "POST", "/stop$" }, { "DELETE", "^/containers/" },
  { "GET", "^/containers/[^/]+/json$" }, { "GET", "^/containers/json$" }, { "PUT", "/archive$" },
  { "GET", "^/images/" }, { "POST", "^/images/create$" }, { "GET", "/networks/" }, { "POST", "/networks/create$" },
  { "GET", "/events$" }, { "GET", "/logs$" }, { "GET", "/stats$" }, { "GET", "/_ping$" },
}

local World = {}
World.__index = World

local function foreign_containers(docker)
  docker:add({ name = "database", image = "postgres:16", ports = { ["22/tcp"] = 1030 } })
  docker:add({ name = "ben", image = "someone/else", state = "exited" })
  docker:add({ name = "ada", image = fake_host.IMAGE, labels = { ["dockhost.managed"] = "true" },
    ports = { ["22/tcp"] = 1040, ["80/tcp"] = 1041, ["443/tcp"] = 1042 } })
end

local function foreign_state(docker)
  local found = {}
  for _, name in ipairs({ "database", "ben" }) do
    local container = docker:find(name)
    found[name] = container and json.encode({ container.state, container.files, container.image }) or "gone"
  end
  return found
end

-- Counts the answers of each event that names a command.
local function watch_dispatcher(world)
  local dispatch = world.node.dispatcher.dispatch
  function world.node.dispatcher.dispatch(self, request)
    local set = world.node.scripts
    local known = set.commands[(set.dialect[request.event] or {}).command or request.event]
    local entry = { event = request.event, answers = 0, expected = (known or request.acknowledged) and 1 or 0 }
    local answer = request.answer
    function request.answer(value, event, event_value)
      entry.answers = entry.answers + 1
      check.that(json.encode(value), "a reply that can't be sent", request.event)
      check.that(event == nil or not socketio.is_reserved(event), "a reply under a reserved name", event)
      return answer(value, event, event_value)
    end
    table.insert(world.requests, entry)
    return dispatch(self, request)
  end
end

local function new_world()
  local host, errors = fake_host.new(), {}
  script_files.add(host.files, script_files.shipped, DIRECTORY)
  local world = setmetatable({
    host = host,
    docker = host.docker,
    log = fake_log.new(),
    errors = errors,
    requests = {},
    releases = {},
    tasks = task.new({
      resume = fake_host.resume,
      on_error = function(message, traceback)
        table.insert(errors, traceback or message)
      end,
    }),
  }, World)
  world.node = node.new({
    host = host, tasks = world.tasks, log = world.log, settings = SETTINGS, directories = { DIRECTORY },
  })
  world.tasks:spawn(world.node.load_scripts, nil, world.node)
  host:settle()
  check.that(world.node.scripts, "the scripts do not load")
  foreign_containers(host.docker)
  watch_dispatcher(world)
  world.node:start_monitor()
  world.node:start_connection()
  host:settle()
  world:accept()
  return world
end

-- Plays the server where a socket waits for one.
function World:accept()
  local socket = self.host.sockets:last()
  if socket and socket.state == "connecting" then
    socket:accept({ pid = "p1", sid = "s" .. #self.host.sockets })
    check.that(socket.auth.DOCKHOST_API_KEY == SETTINGS.api_key, "the server was not told the key")
  end
end

function World:socket()
  local socket = self.host.sockets:last()
  if socket and socket.state == "open" then
    return socket
  end
  -- The longest wait for a redial is a minute.
  self.host.clock:advance(61)
  self:accept()
  return self.host.sockets:last()
end

local STEPS = {}

STEPS["<"] = function(world, text)
  world:socket():receive(text, false)
end

STEPS["b"] = function(world, text)
  world:socket():receive(text:gsub("\\n", "\n"), true)
end

STEPS["+"] = function(world, text)
  world.host.clock:advance(math.min(input.number(text), 6000) / 10)
  world:accept()
end

STEPS["~"] = function(world)
  world:socket():drop()
end

STEPS["s"] = function(world)
  world.docker:turn()
end

STEPS["f"] = function(world, text)
  local method, pattern = table.unpack(CALLS[input.number(text) % #CALLS + 1])
  local status = tonumber(text:match(" ([45]%d%d)")) or 500
  world.docker:fail(method, pattern, status, text:match(" [45]%d%d (.+)$") or "Conflict. It is already in use")
end

STEPS["x"] = function(world, text)
  world.docker:lose(table.unpack(CALLS[input.number(text) % #CALLS + 1]))
end

STEPS["h"] = function(world, text)
  table.insert(world.releases, world.docker:hang(table.unpack(CALLS[input.number(text) % #CALLS + 1])))
end

STEPS["d"] = function(world)
  world.docker:down()
end

STEPS["u"] = function(world)
  world.docker:up()
end

STEPS["p"] = function(world, text)
  world.docker.taken[input.number(text)] = true
end

STEPS["k"] = function(world, text)
  local container = world.docker:find(text:match("^ ?(.*)$"))
  if container and container.state == "running" and container.labels["dockhost.managed"] then
    world.docker:exit(container.name, 1)
  end
end

-- What hung is answered, what was to fail no longer does.
local function heal(world)
  world.docker.rules = {}
  world.docker:up()
  for _, release in ipairs(world.releases) do
    pcall(release) -- the call may never have come
  end
  -- A command ends within 290 s, and 20 s later nothing is half made.
  for round = 1, 20 do
    world.host.clock:advance(20)
    world:accept()
    local socket = world.host.sockets:last()
    if socket.state == "open" then
      socket:receive("2", false)
    end
    if round >= 3 and world.node.dispatcher.running == 0 then
      return
    end
  end
end

local function check_end(world)
  for _, request in ipairs(world.requests) do
    check.that(request.answers == request.expected, "answered another number of times", request.event, request.answers)
  end
  local parts = world.node
  check.that(parts.dispatcher.running == 0, "commands still run", parts.dispatcher.running)
  check.that(parts.dispatcher.queue:count() == 0, "commands still wait")
  check.that(next(parts.ports.held) == nil, "ports are still held")
  check.that(next(parts.instances.seats) == nil, "seats are still taken")
  check.that(next(parts.instances.attempts) == nil, "attempts are still at work")
  check.that(#world.errors == 0, "an error", world.errors[1])
  local record = world.log:find("error", "")[1]
  check.that(not record, "an error in the log", record and record.message, record and record.traceback)
end

local function check_docker(world, before)
  check.same(foreign_state(world.docker), before, "what is not ours was touched")
  local users, count = {}, 0
  for _, container in ipairs(world.docker.containers) do
    if container.labels["dockhost.managed"] then
      local user = container.labels["dockhost.username"] or container.name
      check.that(not users[user], "two containers of one user", user)
      check.that(container.state ~= "created", "a container that is half made", container.name)
      local attempt = container.labels["dockhost.attempt"]
      check.that(not world.node.instances.leftovers[attempt or ""], "a container that is left over", container.name)
      users[user], count = true, count + 1
      if container.labels["dockhost.username"] then
        check.that(container.files["/root/.ssh/authorized_keys"], "a container without its key", container.name)
      end
    end
  end
  check.that(count <= SETTINGS.max_containers + 1, "more containers than allowed", count)
end

local function stop(world)
  world.node.connection:stop(function() end)
  world.node.monitor:stop()
  world.host:settle()
  world.host.clock:assert_idle()
end

return function(bytes)
  local world = new_world()
  local before = foreign_state(world.docker)
  local steps = 0
  for line in input.lines(bytes) do
    local step = STEPS[line:sub(1, 1)]
    if step and steps < 200 then
      steps = steps + 1
      step(world, line:sub(2))
    end
  end
  heal(world)
  check_end(world)
  check_docker(world, before)
  stop(world)
end
