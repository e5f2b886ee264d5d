-- What each path answers, and to whom.
local answer = require("dockhost.console.answer")
local door = require("dockhost.console.door")
local health = require("dockhost.console.health")
local json = require("dockhost.json")
local logs = require("dockhost.console.logs")
local metrics = require("dockhost.metrics")
local page = require("dockhost.console.page")
local request = require("dockhost.console.request")
local token = require("dockhost.console.token")

local routes = {}

-- More than any reply of the shipped commands.
local MOST_REPLY = 4 * 1024 * 1024
local COOKIE_SECONDS = 30 * 86400
-- An answer of these has no body.
local BODILESS = { [204] = true, [205] = true, [304] = true }

local function fits(value)
  local text, problem = json.encode(value)
  return text ~= nil and #text <= MOST_REPLY, problem
end

-- The deployed dialect's replies have a status of their own.
local function http_status(value, status)
  local own = type(value) == "table" and math.tointeger(value.status) or status
  if own < 200 or own > 599 or BODILESS[own] then
    return status >= 400 and status or 200
  end
  return own
end

local function command(console, exchange, event)
  if not request.is_json(exchange:header("content-type")) then
    return answer.failure(exchange, 415, "send the payload as Content-Type: application/json")
  end
  local body = exchange:body()
  local payload, message = json.decode(body == "" and "{}" or body)
  if payload == nil then
    return answer.failure(exchange, 400, "the payload: " .. message)
  end
  console.node.dispatcher:dispatch({
    event = event,
    payload = payload,
    acknowledged = true,
    source = "console",
    fits = fits,
    answer = function(value, _, _, status)
      answer.json(exchange, http_status(value, status), value)
    end,
  })
end

local function list(console, exchange)
  local view = console.view
  local ok, message, status = view:refresh_containers()
  if not ok then
    return answer.failure(exchange, status, message)
  end
  answer.json(exchange, 200, { containers = view:containers_section() })
end

local function state(console, exchange)
  console.feed:await_state()
  answer.json(exchange, 200, console.view:state())
end

local function ready(console, exchange)
  local of = health.of(console.node, console.tally.docker_failure)
  for i, reason in ipairs(of.reasons or {}) do
    of.reasons[i] = console.redact(reason)
  end
  answer.json(exchange, of.ready and 200 or 503, of)
end

-- `open`: without the token. `entrance`: links from elsewhere may lead there. `api`: refusals are JSON. `waits`: runs
-- in a task. `post`: takes that method, else GET and HEAD; `stream`: GET alone; `any`: takes all.
local PATHS = {
  ["/healthz"] = { open = true, run = function(_, exchange)
    answer.text(exchange, 200, "ok")
  end },
  ["/readyz"] = { open = true, run = ready },
  ["/metrics"] = { open = true, run = function(console, exchange)
    answer.send(exchange, 200, metrics.CONTENT_TYPE, console.node.metrics:text())
  end },
  ["/"] = { entrance = true, waits = true, run = function(console, exchange)
    page.answer(console, exchange, "index.html")
  end },
  ["/api/state"] = { api = true, waits = true, run = state },
  ["/api/containers"] = { api = true, waits = true, run = list },
  ["/api/events"] = { api = true, stream = true, waits = true, run = function(console, exchange)
    console.feed:watch(exchange)
  end },
}

-- What goes on with a name: the pattern, and the route.
local NAMES = {
  { "^/api/commands/([^/]+)$", { api = true, post = true, run = command } },
  { "^/api/logs/([^/]+)$", { api = true, stream = true, waits = true, run = logs.answer } },
  { "^/([a-z-]+%.[a-z]+)$", { waits = true, run = function(console, exchange, name)
    if page.is_file(name) then
      return page.answer(console, exchange, name)
    end
    answer.text(exchange, 404, "there is no such file")
  end } },
}

local UNKNOWN = { run = function(_, exchange)
  answer.failure(exchange, 404, "this console has no such path")
end, api = true, any = true }

-- (path) -> route, the name in it
local function find(path)
  if PATHS[path] then
    return PATHS[path]
  end
  for _, each in ipairs(NAMES) do
    local name = path:match(each[1])
    name = name and request.unescape(name)
    if name then
      return each[2], name
    end
  end
  return UNKNOWN
end

local function refuse(console, exchange, route, status, message, more)
  local path = exchange:target():match("^[^?]*")
  console.log:debug("refused", { method = exchange:method(), path = path, peer = exchange:peer(), reason = message })
  return (route.api and answer.failure or answer.text)(exchange, status, message, more)
end

-- A first visit, with the token in the address: from then on a cookie shows it.
local function enter(console, exchange, given)
  if not console.token or not token.equal(given, console.token) then
    return answer.locked(exchange, "The token in this address is not the right one.")
  end
  local cookie = request.cookie_name(console.listener.port) .. "=" .. token.of_peer(console.token, exchange:peer())
    .. "; HttpOnly; SameSite=Strict; Path=/; Max-Age=" .. COOKIE_SECONDS
  return answer.text(exchange, 303, "welcome", { Location = "/", ["Set-Cookie"] = cookie })
end

local function lock_out(console, exchange, route)
  local message = "It opens with the token of this node."
  if not console.token then
    message = "This node could not make a token: its log says why."
  end
  if route.api then
    message = message .. " Send it as Authorization: Bearer TOKEN; `dockhost console` on the node prints it."
    return refuse(console, exchange, route, 401, message, { ["WWW-Authenticate"] = 'Bearer realm="dockhost"' })
  end
  return answer.locked(exchange, message)
end

-- (route, method) -> what it should have been, when it is another
local function wrong_method(route, method)
  if route.any then
    return nil
  elseif route.post or route.stream then
    local only = route.post and "POST" or "GET"
    return method ~= only and only or nil
  end
  return method ~= "GET" and method ~= "HEAD" and "GET, HEAD" or nil
end

-- Answers one request.
function routes.answer(console, exchange)
  local path, query = request.target(exchange:target())
  if not path then
    return answer.failure(exchange, 400, "this is no path")
  end
  local route, name = find(path)
  local admitted, status, message = door.admit(exchange, route, console.listener)
  if not admitted then
    return refuse(console, exchange, route, status, message)
  end
  local allowed = wrong_method(route, exchange:method())
  if route.entrance and query.token and not allowed then
    return enter(console, exchange, query.token)
  elseif not route.open and not door.knows(exchange, console.token, console.listener.port) then
    return lock_out(console, exchange, route)
  elseif allowed then
    return refuse(console, exchange, route, 405, "this path takes " .. allowed, { Allow = allowed })
  end
  if not route.open then
    console:load()
  end
  if not route.waits then
    return route.run(console, exchange, name, query)
  end
  console:spawn(exchange, function()
    route.run(console, exchange, name, query)
  end)
end

return routes
