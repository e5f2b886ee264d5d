-- A Docker Engine in memory, at the level of host.http.request: it answers the calls that dockhost.docker makes, in the
-- daemon's own words (those of 20.10). Answers are queued until `turn` or `settle` runs them, so that calls overlap as
-- they do for real.
--
--   local docker = fake_docker.new{ time = clock.time }
--   docker.new of dockhost.docker gets `request = docker.request`; ports.new gets `docker.listening`, `docker.bindable`
--   docker:settle()                             -- answers until nothing is asked any more
--   docker:turn()                               -- answers what has been asked so far; returns how many that were
--
-- What it holds, to read and to arrange:
--   docker:add{ name =, image =, labels =, state =, ports = { ["22/tcp"] = 3100 }, id = }   -- someone's container
--   docker:find(name), docker:names(), docker.images, docker.networks, docker.registry (what can be pulled)
--   docker.taken[3100] = true                   -- another program listens there
--   docker.api_version, docker.min_api_version
--   docker.podman = "4.3.1"                     -- it is Podman's service, which answers /events with the first event
--   container.files[path], container.state, container.log, container.tty
--   container.program = function(cmd) -> list of { "stdout"|"stderr", text }, exit code      -- what an exec runs
--
-- What it was asked: docker.calls, docker:asked("POST", "/start$") -> the calls whose path (without version) matches.
--
-- What goes wrong, each for the next call of that method whose path matches the pattern:
--   docker:fail("POST", "/start$", 500, "message")   -- answered so, nothing done
--   docker:lose("POST", "/containers/create$")       -- done, but the answer is lost
--   docker:hang("POST", "/start$")                   -- held; returns a function that lets it be done and answered
--   docker:before(method, pattern, fn), docker:after(method, pattern, fn)   -- fn(call) around the doing of it
--   docker:say(name, line)                           -- a running container writes: who follows it reads that
--   docker:down(), docker:up()                       -- every call fails to connect, streams end
local fake_tar = require("fake_tar")
local json = require("dockhost.json")

local fake_docker = {}

local Docker = {}
Docker.__index = Docker

local Request = {}
Request.__index = Request

-- The caller hears no more of it, but the daemon goes on with what it was sent.
function Request:close()
  self.closed = true
end

function fake_docker.new(options)
  local docker = setmetatable({
    time = options.time,
    api_version = "1.41",
    min_api_version = "1.12",
    version = "20.10.24",
    containers = {},
    images = {},
    registry = {},
    networks = { bridge = { Name = "bridge" } },
    taken = {},
    calls = {},
    queue = {},
    rules = {},
    streams = {},
    history = {},
    execs = {},
    serial = 0,
  }, Docker)
  docker.request = function(request)
    return docker:receive(request)
  end
  docker.listening = function()
    return docker:listening_ports()
  end
  docker.bindable = function(port)
    return not docker:listening_ports()[port]
  end
  return docker
end

-- Asking and answering ----------------------------------------------------------------------------------------------

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function parse_query(text)
  local query = {}
  for name, value in text:gmatch("([^&=]+)=([^&]*)") do
    query[unescape(name)] = unescape(value)
  end
  return query
end

local function read_body(body)
  if type(body) ~= "function" then
    return body
  end
  local chunks = {}
  for chunk in body do
    table.insert(chunks, chunk)
  end
  return table.concat(chunks)
end

function Docker:receive(options)
  local request = setmetatable({ options = options }, Request)
  local target = options.url:match("^%w+://[^/]+(/.*)$")
  local path, query = target:match("^([^?]*)%??(.*)$")
  local version, rest = path:match("^/v([%d.]+)(/.*)$")
  request.call = {
    method = options.method,
    version = version,
    path = rest or path,
    query = parse_query(query),
    headers = options.headers or {},
    body = read_body(options.body),
  }
  table.insert(self.calls, request.call)
  table.insert(self.queue, request)
  return request
end

function Docker:asked(method, pattern)
  local found = {}
  for _, call in ipairs(self.calls) do
    if call.method == method and call.path:find(pattern) then
      table.insert(found, call)
    end
  end
  return found
end

local function answer(request, status, body, headers)
  local options = request.options
  if request.closed then
    return
  end
  local text = type(body) == "table" and json.encode(body) or body or ""
  if options.on_head then
    options.on_head(status, {})
  end
  if options.on_data then
    -- Chunks end anywhere.
    local size = #text < 10000 and 100 or 9973
    for from = 1, #text, size do
      options.on_data(text:sub(from, from + size - 1))
    end
    text = ""
  end
  options.on_done(status, headers or {}, text)
end

local function break_off(request, code, message)
  if not request.closed then
    request.closed = true
    request.options.on_done(nil, message, code)
  end
end

local function refused(status, message)
  return status, { message = message }
end

local function version_problem(self, version)
  local function number(text)
    local major, minor = text:match("^(%d+)%.(%d+)$")
    return tonumber(major) * 1000 + tonumber(minor)
  end
  if not version then
    return nil
  elseif number(version) > number(self.api_version) then
    return "client version " .. version .. " is too new. Maximum supported API version is " .. self.api_version
  elseif number(version) < number(self.min_api_version) then
    return "client version " .. version .. " is too old. Minimum supported API version is " .. self.min_api_version
      .. ", please upgrade your client to a newer version"
  end
end

local function take_rule(self, call)
  for i, rule in ipairs(self.rules) do
    if rule.method == call.method and call.path:find(rule.pattern) then
      return table.remove(self.rules, i)
    end
  end
  return {}
end

local routes

local function carry_out(self, request)
  local call = request.call
  local problem = version_problem(self, call.version)
  if problem then
    return refused(400, problem)
  end
  for _, route in ipairs(routes) do
    local captured = table.pack(call.path:match(route[2]))
    if route[1] == call.method and captured.n > 0 and captured[1] then
      return route[3](self, call, unescape(captured[1]), request)
    end
  end
  return refused(404, "page not found")
end

local function finish(self, request, rule)
  if rule.before then
    rule.before(request.call)
  end
  local status, body, headers
  if rule.status then
    status, body = refused(rule.status, rule.message)
  else
    status, body, headers = carry_out(self, request)
  end
  if rule.after then
    rule.after(request.call)
  end
  if rule.lost then
    break_off(request, "closed", "the peer ended the connection")
  elseif status then
    answer(request, status, body, headers)
  end
end

local function process(self, request)
  if self.is_down then
    return break_off(request, "connect", "Couldn't connect to server")
  end
  local rule = take_rule(self, request.call)
  if rule.hold then
    rule.hold(request)
  else
    finish(self, request, rule)
  end
end

function Docker:turn()
  local queue = self.queue
  self.queue = {}
  for _, request in ipairs(queue) do
    if type(request) == "function" then
      request()
    else
      process(self, request)
    end
  end
  return #queue
end

function Docker:settle()
  local turns = 0
  while #self.queue > 0 do
    self:turn()
    turns = turns + 1
    assert(turns < 10000, "Docker is asked without end")
  end
end

-- What goes wrong ---------------------------------------------------------------------------------------------------

local function add_rule(self, method, pattern, rule)
  rule.method, rule.pattern = method, pattern
  table.insert(self.rules, rule)
end

function Docker:fail(method, pattern, status, message)
  add_rule(self, method, pattern, { status = status, message = message })
end

function Docker:lose(method, pattern)
  add_rule(self, method, pattern, { lost = true })
end

function Docker:before(method, pattern, fn)
  add_rule(self, method, pattern, { before = fn })
end

function Docker:after(method, pattern, fn)
  add_rule(self, method, pattern, { after = fn })
end

function Docker:hang(method, pattern)
  local held
  add_rule(self, method, pattern, {
    hold = function(request)
      held = request
    end,
  })
  return function()
    assert(held, "no call came that could hang")
    table.insert(self.queue, function()
      finish(self, held, {})
    end)
  end
end

function Docker:down()
  self.is_down = true
  local streams = self.streams
  self.streams = {}
  for _, stream in ipairs(streams) do
    break_off(stream, "closed", "the peer ended the connection")
  end
  for _, container in ipairs(self.containers) do
    for _, request in ipairs(container.followers) do
      break_off(request, "closed", "the peer ended the connection")
    end
    container.followers = {}
  end
end

function Docker:up()
  self.is_down = false
end

-- Containers --------------------------------------------------------------------------------------------------------

local function new_id(self)
  self.serial = self.serial + 1
  local digits = ("%016x"):format(self.serial * 0x9E3779B97F4A7C15)
  return digits:rep(4)
end

-- Names are unique; a look-up also finds ids and, where only one container has it, a prefix of its id.
function Docker:find(name)
  local matching = {}
  for _, container in ipairs(self.containers) do
    if container.id == name then
      return container
    end
  end
  for _, container in ipairs(self.containers) do
    if container.name == name then
      return container
    elseif container.id:sub(1, #name) == name then
      table.insert(matching, container)
    end
  end
  if #matching > 1 then
    return nil, 500, "Multiple IDs found with provided prefix: " .. name
  end
  if not matching[1] then
    return nil, 404, "No such container: " .. name
  end
  return matching[1]
end

function Docker:names()
  local names = {}
  for i, container in ipairs(self.containers) do
    names[i] = container.name
  end
  table.sort(names)
  return names
end

local function open_events(request)
  request.opened = true
  request.options.on_head(200, {})
end

local function send_event(request, event)
  if not request.opened then
    open_events(request)
  end
  request.options.on_data(json.encode(event) .. "\n")
end

-- The output of a container that has ended is over.
local function end_followers(self, container)
  for _, request in ipairs(container.followers) do
    table.insert(self.queue, function()
      if not request.closed then
        request.options.on_done(200, {}, "")
      end
    end)
  end
  container.followers = {}
end

local function emit(self, action, container)
  local attributes = { name = container.name, image = container.image }
  for name, value in pairs(container.labels) do
    attributes[name] = value
  end
  local event = {
    Type = "container",
    Action = self.podman and action == "destroy" and "remove" or action,
    Actor = { ID = container.id, Attributes = attributes },
    timeNano = math.floor(self.time() * 1000) * 1000000 + #self.history,
  }
  table.insert(self.history, event)
  if action == "die" or action == "destroy" then
    end_followers(self, container)
  end
  for _, stream in ipairs(self.streams) do
    table.insert(self.queue, function()
      if not stream.closed then
        send_event(stream, event)
      end
    end)
  end
end

local function image_key(name)
  return name:match("^.*/?[^/]+[:@][^/]*$") and name or name .. ":latest"
end

local function bindings_of(ports)
  local bindings = {}
  for port, host_port in pairs(ports or {}) do
    bindings[port] = { { HostIp = "", HostPort = tostring(host_port) } }
  end
  return bindings
end

local function publish(container)
  container.live = {}
  for port, entries in pairs(container.host_config.PortBindings or {}) do
    container.live[port] = { { HostIp = "0.0.0.0", HostPort = entries[1].HostPort } }
  end
end

local function make(self, options)
  local container = {
    id = options.id or new_id(self),
    name = options.name,
    image = options.image,
    image_id = self.images[image_key(options.image)],
    labels = options.labels or {},
    state = "created",
    host_config = options.host_config,
    env = options.env,
    tty = options.tty,
    live = {},
    files = {},
    log = {},
    followers = {},
    created = self.time(),
    exit_code = 0,
  }
  table.insert(self.containers, container)
  return container
end

function Docker:add(options)
  local image = options.image or "someone/else"
  self.images[image_key(image)] = self.images[image_key(image)] or "sha256:" .. new_id(self)
  local container = make(self, {
    id = options.id,
    name = options.name,
    image = image,
    labels = options.labels,
    tty = options.tty,
    host_config = { PortBindings = bindings_of(options.ports) },
  })
  container.state = options.state or "running"
  if container.state == "running" then
    container.started = self.time()
    publish(container)
  end
  return container
end

function Docker:add_image(name)
  self.images[image_key(name)] = "sha256:" .. new_id(self)
end

-- The container's process ends by itself.
function Docker:exit(name, code)
  local container = assert(self:find(name))
  container.state, container.exit_code, container.live = "exited", code, {}
  emit(self, "die", container)
end

function Docker:listening_ports()
  local ports = {}
  for port in pairs(self.taken) do
    ports[port] = true
  end
  for _, container in ipairs(self.containers) do
    for _, entries in pairs(container.live) do
      ports[tonumber(entries[1].HostPort)] = true
    end
  end
  return ports
end

local function rfc3339(seconds)
  return seconds and os.date("!%Y-%m-%dT%H:%M:%S.000000000Z", math.floor(seconds)) or "0001-01-01T00:00:00Z"
end

-- The calls ---------------------------------------------------------------------------------------------------------

local function get_ping(self)
  if self.hides_headers then
    return 200, "OK"
  end
  return 200, "OK", { ["api-version"] = self.api_version, ["libpod-api-version"] = self.podman }
end

local function get_version(self)
  return 200, { Version = self.version, ApiVersion = self.api_version, MinAPIVersion = self.min_api_version }
end

local function get_image(self, _, name)
  local id = self.images[image_key(name)]
  if not id then
    return refused(404, "no such image: " .. name .. ": No such image: " .. image_key(name))
  end
  return 200, { Id = id, RepoTags = json.array({ image_key(name) }) }
end

local PROGRESS = [[
{"status":"Pulling from %s","id":"latest"}
{"status":"Downloading","progressDetail":{"current":30,"total":100},"id":"layer"}
{"status":"Downloading","progressDetail":{"current":100,"total":100},"id":"layer"}
]]

local function pull_image(self, call)
  local name = call.query.fromImage
  local key = call.query.tag and name .. ":" .. call.query.tag or name
  if self.registry_problem then
    return refused(500, self.registry_problem)
  elseif not self.registry[key] then
    return refused(404, "pull access denied for " .. name .. ", repository does not exist or may require authorization")
  elseif self.registry[key] == "broken" then
    return 200, PROGRESS:format(name) .. '{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}\r\n'
  end
  self.images[key] = "sha256:" .. new_id(self)
  return 200, PROGRESS:format(name) .. '{"status":"Status: Downloaded newer image for ' .. key .. '"}\r\n'
end

-- The name under which it was made, while that still means the image it was made from.
local function shown_image(self, container)
  return self.images[image_key(container.image)] == container.image_id and container.image or container.image_id
end

local function live_list(container)
  local ports = {}
  for port, entries in pairs(container.live) do
    table.insert(ports, {
      IP = "0.0.0.0",
      PrivatePort = tonumber(port:match("%d+")),
      PublicPort = tonumber(entries[1].HostPort),
      Type = "tcp",
    })
  end
  return json.array(ports)
end

local function list_containers(self)
  local list = {}
  for i = #self.containers, 1, -1 do
    local container = self.containers[i]
    table.insert(list, {
      Id = container.id,
      Names = json.array({ "/" .. container.name }),
      Image = shown_image(self, container),
      ImageID = container.image_id,
      Created = math.floor(container.created),
      Ports = live_list(container),
      Labels = container.labels,
      State = container.state,
    })
  end
  return 200, json.array(list)
end

local function with_container(fn)
  return function(self, call, name, request)
    local container, status, message = self:find(name)
    if not container then
      return refused(status, message)
    end
    return fn(self, call, container, request)
  end
end

local inspect_container = with_container(function(_, _, container)
  return 200, {
    Id = container.id,
    Name = "/" .. container.name,
    Created = rfc3339(container.created),
    Image = container.image_id,
    State = {
      Status = container.state,
      -- What restarts counts as running.
      Running = container.state == "running" or container.state == "restarting",
      ExitCode = container.exit_code,
      StartedAt = rfc3339(container.started),
    },
    Config = { Image = container.image, Labels = container.labels, Env = container.env, Tty = container.tty or false },
    HostConfig = container.host_config,
    NetworkSettings = { Ports = container.live },
  }
end)

local function create_container(self, call)
  local name, body = call.query.name, json.decode(call.body)
  if not name:find("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$") then
    return refused(400, "Invalid container name (" .. name .. "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
  elseif not self.images[image_key(body.Image)] then
    return refused(404, "No such image: " .. image_key(body.Image))
  end
  for _, other in ipairs(self.containers) do
    if other.name == name then
      return refused(409, ('Conflict. The container name "/%s" is already in use by container "%s". You have to remove '
        .. "(or rename) that container to be able to reuse that name."):format(name, other.id))
    end
  end
  local container = make(self, {
    name = name,
    image = body.Image,
    labels = body.Labels,
    host_config = body.HostConfig or {},
    env = body.Env,
  })
  emit(self, "create", container)
  return 201, { Id = container.id, Warnings = json.array({}) }
end

local LISTENED = "Error starting userland proxy: listen tcp4 0.0.0.0:%d: bind: address already in use"
local ALLOCATED = "Bind for 0.0.0.0:%d failed: port is already allocated"

local function port_problem(self, container)
  local listening = self:listening_ports()
  for _, entries in pairs(container.host_config.PortBindings or {}) do
    local port = tonumber(entries[1].HostPort)
    if listening[port] then
      local endpoint = container.name .. " (" .. container.id:reverse() .. ")"
      return "driver failed programming external connectivity on endpoint " .. endpoint .. ": "
        .. (self.taken[port] and LISTENED or ALLOCATED):format(port)
    end
  end
end

local start_container = with_container(function(self, _, container)
  if container.state == "running" then
    return 304
  end
  local network = container.host_config.NetworkMode
  if network and not self.networks[network] then
    return refused(404, "network " .. network .. " not found")
  end
  local problem = port_problem(self, container)
  if problem then
    container.start_failed, container.exit_code = true, 128
    return refused(500, problem)
  end
  container.state, container.started = "running", self.time()
  -- moby #51758: one whose first start failed on a port conflict later starts with no ports.
  if not container.start_failed then
    publish(container)
  end
  emit(self, "start", container)
  return 204
end)

local stop_container = with_container(function(self, _, container)
  if container.state ~= "running" then
    return 304
  end
  container.state, container.live = "exited", {}
  emit(self, "die", container)
  return 204
end)

local remove_container = with_container(function(self, call, container)
  if container.state == "running" and call.query.force ~= "true" then
    return refused(409, "You cannot remove a running container " .. container.id)
  end
  for i, other in ipairs(self.containers) do
    if other == container then
      table.remove(self.containers, i)
    end
  end
  emit(self, "destroy", container)
  return 204
end)

-- With another content type the daemon says 200 and unpacks nothing.
local put_archive = with_container(function(_, call, container)
  local entries = call.headers["Content-Type"] == "application/x-tar" and fake_tar.unpack(call.body) or {}
  for _, entry in ipairs(entries) do
    container.files[call.query.path:gsub("/$", "") .. "/" .. entry.name] = entry
  end
  return 200
end)

local function log_piece(container, entry)
  local line = (type(entry) == "table" and entry[2] or entry) .. "\n"
  local kind = type(entry) == "table" and entry[1] == "stderr" and 2 or 1
  return container.tty and line or string.pack(">Bxxx s4", kind, line)
end

-- A running container writes a line.
function Docker:say(name, entry)
  local container = assert(self:find(name))
  table.insert(container.log, entry)
  for _, request in ipairs(container.followers) do
    if not request.closed then
      request.options.on_data(log_piece(container, entry))
    end
  end
end

-- `container.log`: lines, or { "stderr", line }.
local get_logs = with_container(function(_, call, container, request)
  local tail = math.tointeger(tonumber(call.query.tail)) or #container.log
  local parts = {}
  for i = math.max(1, #container.log - tail + 1), #container.log do
    table.insert(parts, log_piece(container, container.log[i]))
  end
  if call.query.follow == "true" and container.state == "running" and not request.closed then
    request.options.on_head(200, {})
    request.options.on_data(table.concat(parts))
    table.insert(container.followers, request)
    return nil
  end
  return 200, table.concat(parts)
end)

local create_exec = with_container(function(self, call, container)
  if container.state ~= "running" then
    return refused(409, "Container " .. container.id .. " is not running")
  end
  local id = new_id(self)
  self.execs[id] = { container = container, body = json.decode(call.body), asked = 0 }
  return 201, { Id = id }
end)

local function start_exec(self, _, id)
  local exec = self.execs[id]
  local output, code = exec.container.program(exec.body.Cmd)
  local parts = {}
  exec.code = code
  for _, piece in ipairs(output) do
    table.insert(parts, string.pack(">Bxxx s4", piece[1] == "stderr" and 2 or 1, piece[2]))
  end
  return 200, table.concat(parts)
end

-- The daemon learns of the end a moment after the output has ended.
local function get_exec(self, _, id)
  local exec = self.execs[id]
  exec.asked = exec.asked + 1
  local running = exec.asked == 1
  return 200, { ID = id, Running = running, ExitCode = not running and exec.code or json.null }
end

-- Between two samples a running container has used half of one of two cores. `container.sent`: bytes.
local get_stats = with_container(function(_, _, container)
  container.samples = (container.samples or 0) + 1
  local n = container.samples
  return 200, {
    cpu_stats = { cpu_usage = { total_usage = n * 250000000 }, system_cpu_usage = n * 1000000000, online_cpus = 2 },
    memory_stats = { usage = 5000000, limit = 536870912, stats = { total_inactive_file = 1000000 } },
    pids_stats = { current = 3 },
    networks = { eth0 = { rx_bytes = 200, tx_bytes = container.sent or 100 } },
  }
end)

local function get_network(self, _, name)
  local network = self.networks[name]
  if not network then
    return refused(404, "network " .. name .. " not found")
  end
  return 200, network
end

local function create_network(self, call)
  local body = json.decode(call.body)
  if self.networks[body.Name] then
    return refused(409, "network with name " .. body.Name .. " already exists")
  end
  self.networks[body.Name] = body
  return 201, { Id = new_id(self) }
end

local function nanoseconds(since)
  local seconds, fraction = since:match("^(%d+)%.?(%d*)$")
  return math.tointeger(seconds) * 1000000000 + math.tointeger(tonumber((fraction .. ("0"):rep(9)):sub(1, 9)))
end

-- Never ends by itself. What happened from `since` on comes first.
local function get_distribution(self, _, name)
  if self.registry_problem then
    return refused(500, self.registry_problem)
  elseif self.registry[image_key(name)] then
    return 200, { Descriptor = { digest = "sha256:0" } }
  end
  return refused(403, "errors:\ndenied: requested access to the resource is denied\n")
end

local function get_events(self, call, _, request)
  if request.closed then
    return
  end
  if not self.podman then
    open_events(request)
  end
  for _, event in ipairs(self.history) do
    if call.query.since and event.timeNano >= nanoseconds(call.query.since) then
      send_event(request, event)
    end
  end
  table.insert(self.streams, request)
end

routes = {
  { "GET", "^/_ping$", get_ping },
  { "GET", "^/version$", get_version },
  { "GET", "^/images/(.+)/json$", get_image },
  { "POST", "^/images/create$", pull_image },
  { "GET", "^/containers/json$", list_containers },
  { "POST", "^/containers/create$", create_container },
  { "GET", "^/containers/([^/]+)/json$", inspect_container },
  { "POST", "^/containers/([^/]+)/start$", start_container },
  { "POST", "^/containers/([^/]+)/stop$", stop_container },
  { "DELETE", "^/containers/([^/]+)$", remove_container },
  { "PUT", "^/containers/([^/]+)/archive$", put_archive },
  { "GET", "^/containers/([^/]+)/logs$", get_logs },
  { "GET", "^/containers/([^/]+)/stats$", get_stats },
  { "POST", "^/containers/([^/]+)/exec$", create_exec },
  { "POST", "^/exec/([^/]+)/start$", start_exec },
  { "GET", "^/exec/([^/]+)/json$", get_exec },
  { "GET", "^/networks/([^/]+)$", get_network },
  { "POST", "^/networks/create$", create_network },
  { "GET", "^/events$", get_events },
  { "GET", "^/distribution/(.+)/json$", get_distribution },
}

return fake_docker
