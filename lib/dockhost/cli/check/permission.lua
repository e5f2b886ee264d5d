-- What a user lacks who may not use Docker's socket.
local permission = {}

local MOST_BYTES = 1024 * 1024
local SOCKET_GROUP = "docker"

-- (text of /etc/group) -> number and members of that group | nil
local function group_of(text, name)
  for line in (text or ""):gmatch("[^\n]+") do
    local found, number, members = line:match("^([^:]*):[^:]*:(%d+):(.*)$")
    if found == name then
      return number, members
    end
  end
end

local function user_of(app)
  local environ = app.host.process.environ()
  return environ.USER or environ.LOGNAME or "USER"
end

-- Whether the process has the group.
local function has_group(app, number)
  local status = app.read("/proc/self/status", MOST_BYTES)
  local groups = status and status:match("\nGroups:([^\n]*)") or ""
  return (" " .. groups .. " "):find("%s" .. number .. "%s") ~= nil
end

-- (app) -> what to do. Waits.
function permission.advice(app)
  local user = user_of(app)
  local number, members = group_of(app.read("/etc/group", MOST_BYTES), SOCKET_GROUP)
  if not number then
    return "run it as a user that may use Docker: see `ls -l` of the socket for its group"
  elseif has_group(app, number) then
    return "the group docker is not enough for this socket: see `ls -l` of it"
  elseif ("," .. members .. ","):find("," .. user .. ",", 1, true) then
    return user .. " is in the group docker since after this login: log in anew, or `newgrp docker`"
  end
  return "the group docker may: `sudo usermod -aG docker " .. user .. "`, then log in anew"
end

return permission
