-- User names: which are accepted, and the container names that stand for them.
local username = {}

local LONGEST = 128
local LONGEST_EVENT = 1024
local PREFIX = "dockhost-x"

-- Socket.IO keeps these for itself: emitting one as an event breaks the peer.
local RESERVED = {
  connect = true,
  connect_error = true,
  disconnect = true,
  disconnecting = true,
  newListener = true,
  removeListener = true,
}

local function has_control(text)
  return text:find("[\0-\31\127]") or text:find("\xC2[\x80-\x9F]")
end

-- (value) -> name | nil, message
function username.check(value)
  if type(value) ~= "string" then return nil, "the user name must be a string" end
  if value == "" then return nil, "the user name is empty" end
  if #value > LONGEST then return nil, "the user name is longer than " .. LONGEST .. " bytes" end
  if not utf8.len(value) then return nil, "the user name is not valid UTF-8" end
  if has_control(value) then return nil, "the user name has control characters" end
  if RESERVED[value] then return nil, "the user name is reserved by Socket.IO: choose another" end
  return value
end

-- (name) -> container name: "dockhost-x" and the hexadecimal digits of the name's bytes.
function username.hex_name(name)
  return PREFIX .. name:gsub(".", function(char) return ("%02x"):format(char:byte()) end)
end

local function plain(name)
  return name:find("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$") and name:sub(1, #PREFIX) ~= PREFIX
end

-- (name) -> container name: the name itself where Docker allows it.
function username.container_name(name)
  return plain(name) and name or username.hex_name(name)
end

local function from_hex(digits)
  if #digits == 0 or #digits % 2 ~= 0 or digits:find("[^0-9a-f]") then return nil end
  return (digits:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- (container name) -> user | nil. Docker's own listings put a "/" before the name.
function username.from_container_name(container_name)
  if type(container_name) ~= "string" then return nil end
  local name = container_name:gsub("^/", "")
  if name:sub(1, #PREFIX) == PREFIX then
    name = from_hex(name:sub(#PREFIX + 1))
  elseif not plain(name) then
    return nil
  end
  return (username.check(name))
end

-- (value) -> boolean: whether an event may bear this name. It is wider than `check`, so that a user whose name was
-- refused can be told so.
function username.emittable(value)
  return type(value) == "string" and value ~= "" and #value <= LONGEST_EVENT
    and not RESERVED[value] and utf8.len(value) ~= nil
end

return username
