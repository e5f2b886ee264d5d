-- Which version of the Engine API a daemon is spoken to in: of those that both sides know the newest, up to NEWEST.
local docker_version = {}

-- Docker Engine 20.10 and Podman 4.0: the first with stats in one shot.
docker_version.OLDEST = "1.41"
-- That of Docker Engine 25. What is read and asked has not changed since, and newer daemons take it.
docker_version.NEWEST = "1.44"

local function number(version)
  local major, minor = tostring(version):match("^(%d+)%.(%d+)$")
  return major and #major < 6 and #minor < 6 and tonumber(major) * 100000 + tonumber(minor) or nil
end

-- (the daemon's newest, its oldest or nil) -> version | nil, why. A daemon whose oldest is newer than NEWEST is spoken
-- to in that all the same: it is more likely to do than not.
function docker_version.choose(newest, oldest)
  local most, least = number(newest), number(oldest)
  if not most then
    return nil, "is not a Docker Engine"
  elseif most < number(docker_version.OLDEST) then
    return nil, ("is too old: it speaks API %s at the newest, and dockhost needs %s or newer: "
      .. "install Docker Engine 20.10, Podman 4.0, or what came after them"):format(newest, docker_version.OLDEST)
  elseif least and least > most then
    return nil, ("speaks no version of its API: %s at the oldest, %s at the newest"):format(oldest, newest)
  elseif least and least > number(docker_version.NEWEST) then
    return oldest
  elseif most < number(docker_version.NEWEST) then
    return newest
  end
  return docker_version.NEWEST
end

-- Whether a refusal is one of the version, which the daemon has looked at before anything else.
function docker_version.is_refusal(status, message)
  return status == 400 and message:find("client version", 1, true) ~= nil
end

return docker_version
