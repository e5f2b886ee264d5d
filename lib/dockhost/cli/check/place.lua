-- What of this machine a node needs besides Docker: its settings, scripts, state directory and console.
local address = require("dockhost.console.address")
local finding = require("dockhost.cli.check.finding")

local place = {}

function place.settings(app)
  local settings = app.node.settings
  local server = settings.server and settings.server.text or "none (local mode)"
  local message = ("main server %s, Docker %s, image %s"):format(server, app.node.docker.address, settings.image)
  if app.warnings[1] then
    return finding.warning(message, table.concat(app.warnings, "; "))
  end
  return finding.ok(message)
end

function place.scripts(app)
  local ok, errors = app.node:load_scripts()
  if not ok then
    return finding.failure(table.concat(errors, "; "), "`dockhost scripts` shows which script is taken from where")
  end
  local n = 0
  for _ in pairs(app.node.scripts.commands) do
    n = n + 1
  end
  return finding.ok(n .. " commands in " .. table.concat(app.node.directories, " over "))
end

local STATE_ADVICE = "make it the node's user's own (mode 0700), or let DOCKHOST_STATE name another directory"

-- The directory itself, or what is there of its path.
local function existing(app, directory)
  while true do
    local names, message, code = app.node.list(directory)
    if names then
      return directory, names
    elseif code ~= "ENOENT" then
      return nil, message
    end
    directory = directory:match("^(.+)/[^/]*$") or directory:sub(1, 1) == "/" and "/" or "."
  end
end

-- Asks without making anything: who checks may be another user than the node's.
function place.state(app)
  local directory = app.node.settings.state
  local found, names = existing(app, directory)
  if not found then
    return finding.failure("the state directory can't be used: " .. names, STATE_ADVICE)
  end
  local ok, message = app.host.file.writable(found)
  if not ok then
    return finding.failure("the state directory " .. directory .. " can't be used: " .. message, STATE_ADVICE)
  elseif found ~= directory then
    return finding.ok(directory .. " is made at the first start")
  end
  for _, name in ipairs(names) do
    app.has_lock = app.has_lock or name == "run.lock"
  end
  return finding.ok(directory)
end

-- Whether a node runs with this state directory.
function place.serves_here(app)
  if not app.has_lock then
    return false
  end
  local lock, _, code = app.host.file.lock(app.node.settings.state .. "/run.lock")
  if lock then
    lock:close()
  end
  return code == "busy"
end

-- The numeric address of the listener, where it has one.
local function listen(app, listener)
  return app.host.server.listen({
    host = listener.host == "localhost" and "127.0.0.1" or listener.host,
    port = listener.port,
    limit = 0,
    timeout = 1,
    idle = 1,
    most = 1,
    on_request = function(exchange)
      exchange:close()
    end,
  })
end

local CONSOLE_ADVICE = "DOCKHOST_CONSOLE names another address, or says off; a node goes on without its console"

function place.console(app)
  local listener = app.node.settings.console
  if not listener then
    return finding.ok("off")
  end
  local shown = address.text(listener.host, listener.port)
  local server, message, code = listen(app, listener)
  if server then
    server:close()
    return finding.ok(shown .. " is free")
  elseif code == "in-use" and place.serves_here(app) then
    return finding.ok(shown .. " is that of the node that runs here")
  end
  return finding.warning(shown .. " can't be listened at: " .. message, CONSOLE_ADVICE)
end

return place
