-- What lies beyond this machine: the key, the main server that takes it, and the clock that both go by.
local clock = require("dockhost.clock")
local connection = require("dockhost.connection")
local finding = require("dockhost.cli.check.finding")
local json = require("dockhost.json")
local jwt = require("dockhost.jwt")
local key = require("dockhost.key")
local link = require("dockhost.link")
local place = require("dockhost.cli.check.place")
local probe = require("dockhost.cli.check.probe")

local upstream = {}

local NEW_KEY = "get a new one from the main server; with DOCKHOST_API_KEY_FILE, writing the file is enough"
local CONNECT_SECONDS = 8
-- How far apart two clocks may be, for a person and for tokens and certificates.
local CLOCK_WARNS, CLOCK_FAILS = 30, 300

-- What is wrong with the key's form, or nil.
local function malformed(value)
  if value:find("^[\"']") or value:find("[\"']$") then
    return "the key has quotes around it"
  elseif value:find("%s") then
    return "the key has white space in it"
  elseif value:find("^[Bb]earer") then
    return "the key begins with the word Bearer"
  elseif value:find("^eyJ") and not jwt.claims(value, json.decode) then
    return "the key looks like a JSON web token, and is none: it is cut off or damaged"
  end
end

local function describe(value, now)
  local claims = jwt.claims(value, json.decode)
  if not claims then
    return finding.ok("it is there; when it expires is not known, for it is no JSON web token")
  end
  local ahead = claims.iat and claims.iat - now
  if ahead and ahead > CLOCK_WARNS then
    return finding.warning(("the key was made %s from now, by this machine's clock"):format(clock.age(ahead)),
      "set the clock: `timedatectl set-ntp true`")
  end
  return finding.ok(claims.exp and "it is valid until " .. clock.format(claims.exp) or "it does not expire")
end

function upstream.key(app)
  if not app.node.settings.server then
    return finding.ok("none is needed in local mode")
  end
  local value, message = key.read(app.node.settings, app.node.read)
  if not value then
    return finding.failure(message, "write the key that the main server made for this node into it")
  end
  app.key = value
  local problem = malformed(value)
  if problem then
    return finding.failure(problem, "write the key alone, as the main server shows it")
  end
  local now = app.host.loop.time()
  local warning = key.warning(key.expiry(value), now)
  if warning and key.expiry(value) <= now then
    return finding.failure("the API key has expired on " .. clock.format(key.expiry(value)), NEW_KEY)
  elseif warning then
    return finding.warning((warning:gsub(": get a new one.*", "")), NEW_KEY)
  end
  return describe(value, now)
end

-- The main server forgets a node when any connection of its key ends: a key that serves is not tried.
local function serves(app)
  return place.serves_here(app) or app.host.claim.is_taken(key.claim(app.key, app.node.settings.server.text)) == true
end

local function dial(app)
  local host, opened = app.host, nil
  local dialled
  dialled = link.new({
    websocket = host.websocket,
    resolver = host.resolver,
    timer = host.timer,
    now = host.loop.now,
    server = app.node.settings.server,
    auth = { DOCKHOST_API_KEY = app.key, LAN_IP = app.node:lan_address() },
    timeout = CONNECT_SECONDS,
    on_connected = function()
      opened = true
      dialled:leave()
    end,
    on_event = function() end,
  })
  return dialled:run(), opened
end

local function refused(server, message)
  return finding.failure("the main server at " .. server.text .. " refuses this node: " .. message,
    connection.advice(message))
end

function upstream.server(app)
  local server = app.node.settings.server
  if not server then
    return finding.ok("none: local mode")
  elseif not app.key then
    return finding.failure("it was not tried, for there is no key")
  end
  local unknown = probe.resolve(app, server)
  if unknown then
    return unknown
  elseif serves(app) then
    local found = probe.look(app, server)
    return found.level == "ok" and finding.ok("a dockhost of this machine uses the key, so it was not tried: its log "
      .. "says more; " .. found.message) or found
  end
  local ended, opened = dial(app)
  if opened then
    probe.date(app, server)
    return finding.ok(server.text .. " accepts the key")
  elseif ended.code == "refused" then
    probe.date(app, server)
    return refused(server, ended.message)
  end
  return probe.explain(app, server, ended)
end

local SET_CLOCK = "set the clock: `timedatectl set-ntp true`; `timedatectl` shows whether it is kept"

function upstream.clock(app)
  local theirs = app.server_time
  if not theirs then
    return finding.ok(clock.format(app.host.loop.time()) .. "; there was no other to compare it with")
  end
  local off = app.host.loop.time() - theirs
  local amount = math.abs(off)
  if amount <= CLOCK_WARNS then
    return finding.ok(clock.format(app.host.loop.time()) .. ", as the main server's")
  end
  local message = ("this machine's clock is %s %s the main server's"):format(clock.age(amount),
    off > 0 and "ahead of" or "behind")
  return (amount > CLOCK_FAILS and finding.failure or finding.warning)(message, SET_CLOCK)
end

return upstream
