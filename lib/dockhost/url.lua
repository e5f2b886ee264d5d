-- The address of a main server, as people write it: ws://, wss://, http://, https://, host:port or host, and a path
-- that names the Socket.IO namespace.
local url = {}

local EXAMPLE <const> = "write it like wss://main.example.com or main.example.com:3000"
local MAX_LENGTH <const> = 2048
local MAX_NAMESPACE <const> = 256
local TLS = { ws = false, http = false, wss = true, https = true }
local DEFAULT_PORT = { [false] = 80, [true] = 443 }

local function failure(problem)
  return nil, ("%s: %s"):format(problem, EXAMPLE)
end

-- What no address may hold: the pattern and what to say about it.
local FORBIDDEN = {
  { "[%s%c]", "the address has a space or a control character" },
  { "[?#]", "the address has a query or a fragment, which have no use here" },
  { "\\", "the address has a backslash" },
}

local function forbidden(text)
  if text == "" then
    return "the address is empty"
  elseif #text > MAX_LENGTH then
    return "the address is too long"
  elseif not utf8.len(text) then
    return "the address is not valid UTF-8"
  end
  for _, rule in ipairs(FORBIDDEN) do
    if text:find(rule[1]) then
      return rule[2]
    end
  end
end

-- (text) -> whether TLS, the rest | nil
local function split_scheme(text)
  local scheme, rest = text:match("^([^/]-)://(.*)$")
  if not scheme then
    return false, text
  end
  return TLS[scheme:lower()], rest
end

-- How many 16-bit groups a part of an IPv6 address has; nil when one is malformed.
local function count_groups(text)
  local count = 0
  for group in (text .. ":"):gmatch("([^:]*):") do
    if not group:find("^%x%x?%x?%x?$") then
      return nil
    end
    count = count + 1
  end
  return count
end

local function is_ipv6(text)
  -- A dotted quad may end the address, in place of two groups.
  local last = text:match("[^:]*$")
  if last:find("^%d+%.%d+%.%d+%.%d+$") then
    text = text:sub(1, -#last - 1) .. "0:0"
  end
  local head, tail = text:match("^(.-)::(.*)$")
  if not head then
    return count_groups(text) == 8
  end
  local before = head == "" and 0 or count_groups(head)
  local after = tail == "" and 0 or count_groups(tail)
  return before ~= nil and after ~= nil and before + after < 8
end

local function is_host_name(text)
  return #text <= 253 and text:find("^[%w_][%w_.-]*$") ~= nil and not text:find("..", 1, true)
end

-- (authority) -> host, port text | nil, what is wrong
local function split_authority(authority)
  local inside, after = authority:match("^%[(.*)%](.*)$")
  if inside then
    if not is_ipv6(inside) then
      return nil, "the address has brackets around something that is no IPv6 address"
    end
    return inside:lower(), after
  elseif authority:find(":.*:") then
    return nil, "an IPv6 address must stand in brackets, as in [::1]:3000"
  end
  local host, port = authority:match("^([^:]*)(.*)$")
  if not is_host_name(host) then
    return nil, host == "" and "the address names no host" or "the host name has characters that no host name has"
  end
  return host:lower(), port
end

-- (":3000" or "", default) -> port | nil
local function read_port(text, default)
  if text == "" then
    return default
  end
  local port = tonumber(text:match("^:(%d%d?%d?%d?%d?)$"))
  return port and port >= 1 and port <= 65535 and port or nil
end

local function canonical(parsed)
  local host = parsed.host:find(":", 1, true) and "[" .. parsed.host .. "]" or parsed.host
  local port = parsed.port == DEFAULT_PORT[parsed.tls] and "" or ":" .. parsed.port
  local path = parsed.namespace == "/" and "" or parsed.namespace
  return (parsed.tls and "wss://" or "ws://") .. host .. port .. path
end

-- (text) -> { tls, host (an IPv6 address without brackets), port, namespace, text (canonical) } | nil, message
function url.parse(text)
  local problem = forbidden(text)
  if problem then
    return failure(problem)
  end
  local tls, rest = split_scheme(text)
  if tls == nil then
    return failure("the address must begin with ws://, wss://, http:// or https://, or with the host")
  end
  local authority, path = rest:match("^([^/]*)(.*)$")
  if authority:find("@", 1, true) then
    return failure("the address holds a user name or password: the key belongs in DOCKHOST_API_KEY")
  end
  local host, port_text = split_authority(authority)
  if not host then
    return failure(port_text)
  end
  local port = read_port(port_text, DEFAULT_PORT[tls])
  if not port then
    return failure("the port must be a number from 1 to 65535")
  elseif path:find(",", 1, true) or #path > MAX_NAMESPACE then
    return failure("the path names a namespace that is too long or has a comma")
  end
  local parsed = { tls = tls, host = host, port = port, namespace = path == "" and "/" or path }
  parsed.text = canonical(parsed)
  return parsed
end

return url
