-- Where the console listens, and by which names a browser may know it.
local setting = require("dockhost.setting")

local address = {}

local DEFAULT_PORT = 80
-- More than any name of a host and a port.
local LONGEST_AUTHORITY = 300
local WILDCARDS = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "::1" }

local function is_loopback(host)
  return host == "localhost" or host == "::1" or host:find("^127%.") ~= nil
end

local function is_literal(host)
  return setting.ip(host) ~= nil
end

-- (host, port) -> "host:port"
function address.text(host, port)
  return (host:find(":", 1, true) and "[" .. host .. "]" or host) .. ":" .. port
end

-- ({ host, port }, token?) -> the URL that opens the console on this machine
function address.url(listener, token)
  local host = WILDCARDS[listener.host] or listener.host
  return "http://" .. address.text(host, listener.port) .. "/" .. (token and "?token=" .. token or "")
end

-- (a Host header) -> host, port | nil
local function split(authority)
  if #authority > LONGEST_AUTHORITY then
    return nil
  end
  local host, port = setting.split_address(authority:lower())
  return host, host and (port or DEFAULT_PORT)
end

-- Whether that Host header names the listener { host, port, address = the numeric one }. A page of another site that
-- had its own name resolve to this machine (DNS rebinding) comes with that name.
function address.is_own(listener, authority)
  local host, port = split(authority)
  if not host or port ~= listener.port then
    return false
  end
  local own = listener.host:lower()
  if host == own or host == listener.address then
    return true
  elseif WILDCARDS[own] then
    return host == "localhost" or is_literal(host)
  end
  return is_loopback(own) and (host == "localhost" or own == "localhost" and is_loopback(host))
end

-- Whether it names no site at all: an address, or this machine. No rebinding comes with such a name.
function address.is_numeric(authority)
  local host = split(authority)
  return host ~= nil and (host == "localhost" or is_literal(host))
end

return address
