-- The Docker Engine API, for the calls that we make (https://docs.docker.com/engine/api/). Each call waits, and returns
-- what it asked for, or nil, a message and a status: the daemon's own where it answered, 503 where it did not.
local delivery = require("dockhost.delivery")
local docker_shape = require("dockhost.docker_shape")
local docker_stream = require("dockhost.docker_stream")
local docker_version = require("dockhost.docker_version")
local docker_words = require("dockhost.docker_words")
local json = require("dockhost.json")
local printable = require("dockhost.printable")

local docker = {}

-- More than any main server takes in one reply.
local MOST_LOG = 4 * 1024 * 1024
local MOST_REFUSAL_CHUNKS = 64
local MOST_MESSAGE = 2000
-- More than a list of ten thousand containers has; its bytes and the heap are bounds as well.
local MOST_VALUES = 4 * 1024 * 1024

local Client = {}
Client.__index = Client

-- docker.new{ request = host.http.request, wait = task.wait, endpoint = settings.docker, now = host.loop.now?,
-- observe = fn? } -> client. `observe(method, path, status, seconds)` hears of each answer; status 503 stands for none.
function docker.new(options)
  local endpoint = options.endpoint
  local self = {
    request = options.request,
    wait = options.wait,
    now = options.now or function() return 0 end,
    observe = options.observe or function() end,
    tls = endpoint.tls,
  }
  if endpoint.kind == "unix" then
    self.unix_socket = endpoint.path
    self.base = "http://docker"
    self.address = "unix://" .. endpoint.path
  else
    local host = endpoint.host:find(":", 1, true) and "[" .. endpoint.host .. "]" or endpoint.host
    self.base = (endpoint.tls and "https://" or "http://") .. host .. ":" .. endpoint.port
    self.address = "tcp://" .. host .. ":" .. endpoint.port
  end
  return setmetatable(self, Client)
end

local function escape(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c)
    return string.format("%%%02X", c:byte())
  end))
end

local function query_string(query)
  local names, parts = {}, {}
  for name in pairs(query or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = escape(name) .. "=" .. escape(query[name])
  end
  return #parts > 0 and "?" .. table.concat(parts, "&") or ""
end

function Client:unreachable(detail)
  local advice = "is it running? try `docker info`"
  if self.address:find("/podman/", 1, true) then
    local user = self.address:find("/run/user/", 1, true) and "--user " or ""
    advice = "try `systemctl " .. user .. "enable --now podman.socket`"
  elseif detail:find("^permission denied") then
    advice = "the user of dockhost may not use it: see `docker info`, and be in the group docker"
  end
  return ("Docker does not answer at %s: %s (%s)"):format(self.address, advice, detail)
end

-- One HTTP exchange; `path` is used as it stands. Returns status, body, headers, or nil, message, 503.
function Client:exchange(method, path, options)
  local headers = options.headers or {}
  local body = options.body
  if type(body) == "table" then
    local text, message = json.encode(body)
    if not text then
      return nil, message, 500
    end
    body = text
    headers["Content-Type"] = "application/json"
  end
  local began = self.now()
  local status, answer_headers, answer = delivery.run(self.wait, function(push, done)
    return self.request({
      url = self.base .. path,
      unix_socket = self.unix_socket,
      tls = self.tls,
      method = method,
      headers = headers,
      body = body,
      timeout = options.timeout,
      idle_timeout = options.idle_timeout,
      limit = options.limit,
      on_head = options.on_head and function(code)
        push(0, options.on_head, code)
      end,
      on_data = options.on_data and function(chunk)
        push(#chunk, options.on_data, chunk)
      end,
      on_done = done,
    })
  end)
  self.observe(method, path, status or 503, self.now() - began)
  if not status then
    if answer == "timeout" or answer == "idle" then
      return nil, "Docker at " .. self.address .. " did not finish in time", 503
    end
    if answer == "too-large" then
      return nil, "Docker's answer was too large", 500
    end
    return nil, self:unreachable(answer_headers), 503
  end
  return status, answer or "", answer_headers
end

-- Docker says null where it means "none": a field that is absent is handier, and can be indexed past with `or {}`.
local function without_nulls(value)
  for key, item in pairs(value) do
    if item == json.null then
      value[key] = nil
    elseif type(item) == "table" then
      without_nulls(item)
    end
  end
  return value
end

local function daemon_message(status, body)
  local answer = json.decode(body)
  if type(answer) == "table" and type(answer.message) == "string" then
    return printable.text(answer.message, MOST_MESSAGE)
  end
  return "Docker answered HTTP " .. status
end

local function choose(self, newest, oldest)
  local version, problem = docker_version.choose(newest, oldest)
  if not version then
    return nil, "what answers at " .. self.address .. " " .. problem, 503
  end
  return version
end

-- The answer to a ping has the daemon's newest version in a header, and costs it nothing; /version has its oldest as
-- well, and takes the daemon tens of milliseconds.
local function ask_versions(self, refused)
  local status, body, headers, newest
  if not refused then
    status, body, headers = self:exchange("GET", "/_ping", { timeout = 10 })
    if not status then
      return nil, body, headers
    end
    self.podman = headers["libpod-api-version"]
    newest = headers["api-version"]
  end
  if newest then
    return newest
  end
  local version, message, code = self:version()
  if not version then
    return nil, message, code
  end
  return version.ApiVersion, version.MinAPIVersion
end

-- Finds the API version to speak, once; again after the daemon was away, or refused that version: it may have been
-- upgraded.
function Client:negotiate(refused)
  if self.version_prefix and not refused then
    return self.version_prefix
  end
  local newest, oldest, code = ask_versions(self, refused)
  if not newest then
    return nil, oldest, code
  end
  local version, problem, status = choose(self, newest, oldest)
  self.version_prefix = version and "/v" .. version
  return self.version_prefix, problem, status
end

local function call_once(self, method, path, options, refused)
  local prefix, why, code = self:negotiate(refused)
  if not prefix then
    return nil, why, code
  end
  local status, body, failure = self:exchange(method, prefix .. path .. query_string(options.query), options)
  if not status then
    self.version_prefix = nil
    return nil, body, failure
  end
  if status >= 200 and status < 300 or status == 304 then
    return body, status
  end
  local message = daemon_message(status, options.refusal and options.refusal() or body)
  return nil, message, docker_words.status(status, message)
end

-- A call in the negotiated version: the body of a 2xx or 304 and its status, or nil, message, status.
function Client:call(method, path, options)
  local body, status, code = call_once(self, method, path, options)
  if not body and docker_version.is_refusal(code, status) and type(options.body) ~= "function" then
    return call_once(self, method, path, options, true)
  end
  return body, status, code
end

-- `shape`: what the value must be (see docker_shape.lua).
function Client:json(method, path, options, shape)
  local body, status, code = self:call(method, path, options)
  if not body then
    return nil, status, code
  end
  local value, message = json.decode(body, MOST_VALUES)
  if type(value) ~= "table" then
    return nil, "Docker's answer is not JSON: " .. tostring(message), 500
  end
  without_nulls(value)
  local sound, problem = docker_shape.check(value, shape or {})
  if not sound then
    return nil, problem, 500
  end
  return value
end

-- A call whose answer goes to `feed` in chunks where it is a success; `opened` is called before them. A refusal is
-- collected instead, for its message. Returns true, or nil, message, status.
function Client:stream(method, path, options, feed, opened)
  local success, refusal = false, {}
  function options.on_head(status)
    success, refusal = status >= 200 and status < 300, {}
    if success and opened then
      opened()
    end
  end
  function options.on_data(chunk)
    if success then
      feed(chunk)
    elseif #refusal < MOST_REFUSAL_CHUNKS then
      table.insert(refusal, chunk)
    end
  end
  function options.refusal()
    return table.concat(refusal)
  end
  local body, message, status = self:call(method, path, options)
  return body and true, message, status
end

-- GET /version, unversioned. That of a daemon that can't be spoken to is a failure.
function Client:version()
  local status, body = self:exchange("GET", "/version", { timeout = 10 })
  if not status then
    return nil, body, 503
  end
  local value = status == 200 and json.decode(body)
  if type(value) ~= "table" then
    return nil, daemon_message(status, body), 503
  end
  local sound, problem = docker_shape.check(without_nulls(value), docker_shape.VERSION)
  if not sound then
    return nil, problem, 503
  end
  local spoken, why, code = choose(self, value.ApiVersion, value.MinAPIVersion)
  return spoken and value, why, code
end

-- GET /images/{name}/json
function Client:image_inspect(name)
  return self:json("GET", "/images/" .. escape(name) .. "/json", { timeout = 20 })
end

-- GET /distribution/{name}/json: whether the registry has an image. The daemon asks it.
function Client:distribution(name)
  return self:json("GET", "/distribution/" .. escape(name) .. "/json", { timeout = 40 })
end

-- POST /images/create: pulls. `on_progress(entry)` hears of each progress object. Returns true.
function Client:image_pull(name, on_progress)
  local repository, tag = name, nil
  if not name:find("@", 1, true) then
    repository, tag = name:match("^(.*):([^:/]+)$")
    repository, tag = repository or name, tag or "latest"
  end
  local failure
  local feed = docker_stream.lines(function(line)
    local entry = json.decode(line)
    if type(entry) ~= "table" or not docker_shape.check(without_nulls(entry), docker_shape.PROGRESS) then
      return
    end
    local problem = entry.errorDetail and entry.errorDetail.message or entry.error
    if problem then
      failure = printable.text(problem, MOST_MESSAGE)
    elseif on_progress then
      on_progress(entry)
    end
  end)
  local ok, message, status = self:stream("POST", "/images/create", {
    query = { fromImage = repository, tag = tag },
    idle_timeout = 120,
  }, feed)
  if not ok then
    return nil, message, status
  end
  if failure then
    return nil, failure, 500
  end
  return true
end

-- GET /containers/json: `filters` as the API has them, e.g. { label = { "dockhost.managed=true" } }.
function Client:container_list(filters)
  local query = { all = "true", filters = filters and json.encode(filters) }
  local list, message, status = self:json("GET", "/containers/json", { query = query, timeout = 60 }, docker_shape.LIST)
  for _, entry in ipairs(list or {}) do
    entry.State = docker_words.state(entry.State)
  end
  return list, message, status
end

-- GET /containers/{id}/json
function Client:container_inspect(id)
  local path = "/containers/" .. escape(id) .. "/json"
  local inspected, message, status = self:json("GET", path, { timeout = 20 }, docker_shape.CONTAINER)
  if inspected then
    inspected.State.Status = docker_words.state(inspected.State.Status)
  end
  return inspected, message, status
end

-- POST /containers/create: returns the id.
function Client:container_create(name, body)
  local options = { query = { name = name }, body = body, timeout = 120 }
  local answer, message, status = self:json("POST", "/containers/create", options, docker_shape.CREATED)
  if not answer then
    return nil, message, status
  end
  return answer.Id
end

-- PUT /containers/{id}/archive: unpacks a tar archive (text, or a function that returns its chunks) at `path`.
-- The content type matters: with a form's, the daemon answers 200 and unpacks nothing.
function Client:archive_put(id, path, archive)
  local body, message, status = self:call("PUT", "/containers/" .. escape(id) .. "/archive", {
    query = { path = path },
    headers = { ["Content-Type"] = "application/x-tar" },
    body = archive,
    timeout = 120,
  })
  return body and true, message, status
end

local function action(name, timeout)
  return function(self, id, query)
    local body, status, code = self:call("POST", "/containers/" .. escape(id) .. "/" .. name, {
      query = query,
      timeout = timeout,
    })
    if not body then
      return nil, status, code
    end
    return true, status == 304 and "already" or "done"
  end
end

-- POST /containers/{id}/start: true and "done", or "already" when it ran.
Client.container_start = action("start", 120)
-- POST /containers/{id}/stop with { t = seconds }: true and "done", or "already" when it was stopped.
Client.container_stop = action("stop", 120)

-- DELETE /containers/{id}: by force, with anonymous volumes.
function Client:container_remove(id)
  local body, message, status = self:call("DELETE", "/containers/" .. escape(id), {
    query = { force = "true", v = "true" },
    timeout = 120,
  })
  return body and true, message, status
end

-- GET /containers/{id}/logs: the last `tail` lines of both streams, as text; of very long ones those that fit.
function Client:container_logs(id, tail, tty)
  local add, ending = docker_stream.ending(MOST_LOG)
  local feed, sound = tty and add or docker_stream.frames(add), true
  local ok, message, status = self:stream("GET", "/containers/" .. escape(id) .. "/logs", {
    query = { stdout = "true", stderr = "true", tail = tail },
    timeout = 60,
  }, function(chunk)
    sound = feed(chunk) ~= false
  end)
  if not ok then
    return nil, message, status
  elseif not sound then
    return nil, "Docker sent a malformed log stream", 500
  end
  return ending()
end

-- GET /containers/{id}/logs, as it comes: `on_text(text, 1 for stdout | 2 for stderr)` gets the last `options.tail`
-- lines and, with `options.follow`, what the container writes from then on. Returns true when there is no more.
function Client:container_follow(id, options, on_text)
  local sound = true
  local feed = options.tty and function(chunk)
    on_text(chunk, 1)
  end or docker_stream.frames(on_text)
  local ok, message, status = self:stream("GET", "/containers/" .. escape(id) .. "/logs", {
    query = { stdout = "true", stderr = "true", tail = options.tail, follow = options.follow and "true" or nil },
  }, function(chunk)
    sound = feed(chunk) ~= false
  end)
  if ok and not sound then
    return nil, "Docker sent a malformed log stream", 500
  end
  return ok, message, status
end

-- GET /containers/{id}/stats: one sample. CPU needs the difference of two.
function Client:container_stats(id)
  local query = { stream = "false", ["one-shot"] = "true" }
  return self:json("GET", "/containers/" .. escape(id) .. "/stats", { query = query, timeout = 20 })
end

-- GET /networks/{name}
function Client:network_inspect(name)
  return self:json("GET", "/networks/" .. escape(name), { timeout = 20 })
end

-- POST /networks/create
function Client:network_create(body)
  return self:json("POST", "/networks/create", { body = body, timeout = 60 })
end

-- GET /events: calls `on_event` for each until the stream ends, which is a failure (nil, message, 503) always. `since`
-- and the events' own `timeNano` let a reopened stream miss nothing. `on_open` is called when the daemon has answered,
-- and returns the `since` of a stream that had none.
function Client:events(filters, since, on_event, on_open)
  local prefix, why, code = self:negotiate()
  if not prefix then
    return nil, why, code
  end
  if self.podman and on_open then
    -- Podman answers with the first event, however late that is. It has answered the ping, and from then on nothing is
    -- missed.
    since, on_open = on_open() or since, nil
  end
  local feed = docker_stream.lines(function(line)
    local event = json.decode(line)
    if type(event) == "table" and docker_shape.check(without_nulls(event), docker_shape.EVENT) then
      docker_words.event(event)
      on_event(event)
    end
  end)
  local ok, message, status = self:stream("GET", "/events", {
    query = { filters = json.encode(filters), since = since },
  }, feed, on_open)
  self.version_prefix = nil
  if not ok then
    return nil, message, status
  end
  return nil, self:unreachable("it closed the stream of events"), 503
end

return docker
