-- Finds out why a main server does not take a websocket, by asking it over plain HTTP, without the key.
local clock = require("dockhost.clock")
local finding = require("dockhost.cli.check.finding")
local json = require("dockhost.json")
local printable = require("dockhost.printable")
local task = require("dockhost.task")

local probe = {}

local SECONDS, LIMIT = 6, 64 * 1024
local RESOLVE_SECONDS = 8

local function base(server)
  local host = server.host:find(":", 1, true) and "[" .. server.host .. "]" or server.host
  return (server.tls and "https://" or "http://") .. host .. ":" .. server.port
end

-- Returns status, headers, body, or nil, message, code.
local function get(app, server, transport, unverified)
  local status, headers, body = task.wait(function(done)
    local request, message, code = app.host.http.request({
      url = base(server) .. "/socket.io/?EIO=4&transport=" .. transport,
      tls = unverified and { verify = false } or nil,
      timeout = SECONDS,
      limit = LIMIT,
      on_done = done,
    })
    if not request then
      return done(nil, message, code)
    end
    return function()
      request:close()
    end
  end)
  app.server_time = app.server_time or status and clock.parse_http(headers.date) or nil
  return status, headers, body
end

-- Asks what it is o'clock there. No transport is called so: no session is made.
function probe.date(app, server)
  get(app, server, "none", true)
end

local ADDRESS = "does MAIN_SERVER_BACKEND_URL name the main server, with the right port?"

local function redirected(location)
  return finding.failure("it redirects to " .. printable.text(location or "another address", 200),
    "let MAIN_SERVER_BACKEND_URL name that address")
end

local function of_answer(status, headers, body)
  local answer = json.decode(body)
  if status == 200 and body:find("^0{") then
    return finding.ok("a Socket.IO server answers")
  elseif status == 200 and body:find("^%d+:0{") then
    return finding.failure("a Socket.IO server of version 2 answers", "the main server needs socket.io 3 or 4")
  elseif type(answer) == "table" and math.type(answer.code) and answer.code == 5 then
    return finding.failure("a Socket.IO server that does not take protocol version 4 answers",
      "the main server needs socket.io 3 or 4")
  elseif type(answer) == "table" and math.type(answer.code) and type(answer.message) == "string" then
    return finding.ok("a Socket.IO server answers (" .. printable.text(answer.message, 80) .. ")")
  elseif status // 100 == 3 then
    return redirected(headers.location)
  elseif status == 502 or status == 503 or status == 504 then
    return finding.failure("a proxy answers for it with HTTP " .. status, "the main server behind the proxy is away: "
      .. "is it running?")
  end
  return finding.failure(("an HTTP server answers, and it is not a Socket.IO server (HTTP %d for /socket.io/)"):format(
    status), ADDRESS)
end

local TLS = {
  { "not valid for", "the certificate is for another name: use the name that it has in MAIN_SERVER_BACKEND_URL" },
  { "has expired", "the main server's certificate must be renewed; or is this machine's clock wrong?" },
  { "not yet valid", "is this machine's clock wrong?" },
  { "not signed by", "a certificate of your own authority: name its file in SSL_CERT_FILE; else `apt-get install "
    .. "ca-certificates`" },
  { "really TLS", "ws:// is for a server without TLS" },
}

local CONNECT = {
  { "refused", "nothing listens there: is the main server running, and is the port right?" },
  { "route", "this machine's network does not lead there: see `ip route`" },
  { "unreachable", "this machine's network does not lead there: see `ip route`" },
  { "time", "a firewall may drop what is sent, or the address is wrong" },
}

local function matching(list, message)
  for _, case in ipairs(list) do
    if message:find(case[1], 1, true) then
      return case[2]
    end
  end
end

local ADVICE = {
  resolve = function()
    return "is the name in MAIN_SERVER_BACKEND_URL right? `getent hosts` asks this machine's name server for it, which "
      .. "/etc/resolv.conf names"
  end,
  tls = function(message)
    return matching(TLS, message) or "see the certificate with `openssl s_client`"
  end,
  connect = function(message)
    return matching(CONNECT, message) or ADDRESS
  end,
  timeout = function()
    return "a firewall may drop what is sent, or what listens there hangs or is no Socket.IO server"
  end,
}

local function unreachable(server, ended)
  local advice = ADVICE[ended.code]
  return finding.failure(("the main server at %s can't be reached: %s"):format(server.text, ended.message),
    advice and advice(ended.message) or ADDRESS)
end

local function lookup(app, name)
  return task.wait(function(done)
    local timer, job, message, code
    timer = app.host.timer.start(RESOLVE_SECONDS, function()
      job:close()
      done(nil, ("the name server does not answer when it is asked for %s"):format(name), "resolve")
    end)
    job, message, code = app.host.resolver.lookup(name, function(...)
      timer:close()
      done(...)
    end)
    if not job then
      timer:close()
      return done(nil, message, code)
    end
    return function()
      timer:close()
      job:close()
    end
  end)
end

-- A failure where the server's name can't be resolved, or nil.
function probe.resolve(app, server)
  local addresses, message = lookup(app, server.host)
  if not addresses or not addresses[1] then
    return unreachable(server, { message = message or server.host .. " has no address", code = "resolve" })
  end
end

-- What answers there.
function probe.look(app, server)
  local status, headers, body = get(app, server, "polling")
  if not status then
    return unreachable(server, { message = headers, code = body })
  end
  local found = of_answer(status, headers, body)
  found.message = server.text .. ": " .. found.message
  return found
end

-- Why a websocket that ended so was not taken.
function probe.explain(app, server, ended)
  if ADVICE[ended.code] and ended.code ~= "tls" then
    return unreachable(server, ended)
  elseif ended.code == "tls" then
    probe.date(app, server)
    return unreachable(server, ended)
  end
  local status, headers, body = get(app, server, "polling")
  local found = status and of_answer(status, headers, body)
  if found and found.level == "failure" then
    found.message = ("the main server at %s can't be reached: %s"):format(server.text, found.message)
    return found
  elseif found then
    return finding.failure(("the main server at %s can't be reached: %s"):format(server.text, ended.message),
      "a Socket.IO server answers over HTTP, so a proxy before it may not pass websockets on")
  end
  return unreachable(server, ended)
end

return probe
