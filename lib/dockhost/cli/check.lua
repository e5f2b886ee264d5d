-- `dockhost check`: what a node needs, one line each, with what to do where something is missing.
local cli = require("dockhost.cli")
local connection = require("dockhost.connection")
local key = require("dockhost.key")
local link = require("dockhost.link")

local check = {}

local function settings_line(app)
  local settings = app.node.settings
  local server = settings.server and settings.server.text or "none (local mode)"
  return true, string.format("main server %s, Docker %s, image %s", server, app.node.docker.address, settings.image)
end

local function scripts_line(app)
  local ok, errors = app.node:load_scripts()
  if not ok then
    return false, table.concat(errors, "; ")
  end
  local n = 0
  for _ in pairs(app.node.scripts.commands) do
    n = n + 1
  end
  return true, n .. " commands in " .. table.concat(app.node.directories, " over ")
end

local function docker_line(app)
  local version, message = app.node.docker:version()
  if not version then
    return false, message
  end
  local address = app.node.docker.address
  return true, string.format("Docker %s answers at %s (API %s)", version.Version, address, version.ApiVersion)
end

local function image_line(app)
  local settings = app.node.settings
  local found, message, status = app.node.docker:image_inspect(settings.image)
  if found then
    return true, settings.image .. " is here"
  elseif status ~= 404 then
    return false, message
  elseif settings.pull == "never" then
    return false, settings.image .. " is not here and DOCKHOST_PULL=never: pull it, or build one with `make image`"
  end
  return false, settings.image .. " is not here: the first create pulls it, or build one with `make image`"
end

local function ports_line(app)
  local bound, message = app.node.containers:bound_ports()
  if not bound then
    return false, message
  end
  local triple, why = app.node.ports:reserve(nil, bound)
  if not triple then
    return false, why .. ": widen DOCKHOST_PORT_START and DOCKHOST_PORT_END"
  end
  app.node.ports:release(triple)
  return true, string.format("the next container would get %d, %d and %d", triple.ssh, triple.http, triple.https)
end

-- The main server forgets a node when any connection of its key ends: a key that serves is not tried.
local function serves_here(app)
  local lock, _, code = app.host.file.lock(app.node.settings.state .. "/run.lock")
  if lock then
    lock:close()
  end
  return code == "busy"
end

local function dial(app, value)
  local host, opened = app.host, nil
  local dialled
  dialled = link.new({
    websocket = host.websocket,
    resolver = host.resolver,
    timer = host.timer,
    now = host.loop.now,
    server = app.node.settings.server,
    auth = { DOCKHOST_API_KEY = value, LAN_IP = app.node:lan_address() },
    on_connected = function()
      opened = true
      dialled:leave()
    end,
    on_event = function() end,
  })
  return dialled:run(), opened
end

local function server_line(app)
  local server = app.node.settings.server
  if not server then
    return true, "none: local mode"
  end
  local value, message = key.read(app.node.settings, app.node.read)
  if not value then
    return false, message
  end
  local warning = key.warning(key.expiry(value), app.host.loop.time())
  if serves_here(app) then
    return not warning, warning or "a dockhost that runs here uses the key, so it was not tried: see its log"
  end
  local ended, opened = dial(app, value)
  if opened then
    return not warning, warning or server.text .. " accepts the key"
  elseif ended.code == "refused" then
    return false, connection.refusal(server.text, ended.message)
  end
  return false, "the main server at " .. server.text .. " can't be reached: " .. ended.message
end

local LINES = {
  { "settings", settings_line },
  { "scripts", scripts_line },
  { "Docker", docker_line },
  { "image", image_line },
  { "ports", ports_line },
  { "main server", server_line },
}

-- (app) -> exit code
function check.perform(app)
  local failures = 0
  for _, line in ipairs(LINES) do
    local ok, message = line[2](app)
    failures = failures + (ok and 0 or 1)
    io.stdout:write(cli.check_line(ok, line[1], message))
    io.stdout:flush()
  end
  return failures == 0 and cli.OK or cli.FAILED
end

return check
