-- `dockhost console`: prints the address that opens the console of this machine's node, with its token.
local address = require("dockhost.console.address")
local cli = require("dockhost.cli")
local text = require("dockhost.text")
local token = require("dockhost.console.token")

local console = {}

local MOST_BYTES = 4096

local function problem(path, message, code)
  if code == "ENOENT" then
    return "there is no token at " .. path .. " yet: `dockhost run` makes it at its first start; give this command the "
      .. "node's own settings, DOCKHOST_STATE above all"
  end
  return "the token can't be read: " .. message
end

-- (app) -> exit code
function console.perform(app)
  local settings = app.node.settings
  if not settings.console then
    app.log:error("this node has no console: DOCKHOST_CONSOLE is off")
    return cli.FAILED
  end
  local path = settings.state .. "/" .. token.FILE
  local secret, message, code = app.read(path, MOST_BYTES)
  if not secret then
    app.log:error(problem(path, message, code))
    return cli.FAILED
  end
  io.stdout:write(address.url(settings.console, text.trim(secret)), "\n")
  return cli.OK
end

return console
