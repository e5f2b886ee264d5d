-- Socket.IO 5 packets as text: <type>[<attachments>-][<namespace>,][<id>][<JSON>].
local json = require("dockhost.json")

local socketio = {}

local MAX_ATTACHMENTS <const> = 10
local MAX_NAMESPACE <const> = 256
local MAX_ID_DIGITS <const> = 15

local TYPES = {
  ["0"] = "connect",
  ["1"] = "disconnect",
  ["2"] = "event",
  ["3"] = "ack",
  ["4"] = "connect_error",
  ["5"] = "binary_event",
  ["6"] = "binary_ack",
}

local DIGITS = {}
for digit, name in pairs(TYPES) do
  DIGITS[name] = digit
end

-- A peer treats an event of such a name as malformed and drops the connection.
local RESERVED = {
  connect = true,
  connect_error = true,
  disconnect = true,
  disconnecting = true,
  newListener = true,
  removeListener = true,
}

-- Whether a name may never be an event's.
function socketio.is_reserved(name)
  return RESERVED[name] or false
end

local function is_object(data)
  return type(data) == "table" and not json.is_array(data)
end

local function is_event(data)
  if not json.is_array(data) then
    return false
  end
  local name = data[1]
  return type(name) == "number" or type(name) == "string" and not RESERVED[name]
end

-- What the data of each type must be.
local RULES = {
  connect = function(data)
    return data == nil or is_object(data)
  end,
  disconnect = function(data)
    return data == nil
  end,
  event = is_event,
  ack = json.is_array,
  connect_error = function(data)
    return type(data) == "string" or is_object(data)
  end,
  binary_event = is_event,
  binary_ack = json.is_array,
}

local function has_id(packet)
  return packet.id ~= nil or not packet.type:find("ack$")
end

-- Each reader takes the text and a position, fills its part of the packet, and returns the position after it, or nil
-- and what is wrong.
local function read_attachments(text, at, packet)
  if not packet.type:find("^binary") then
    return at
  end
  local digits, next_at = text:match("^(%d+)%-()", at)
  if not digits then
    return nil, "has no number of attachments"
  end
  packet.attachments = math.tointeger(tonumber(digits)) or math.maxinteger
  if packet.attachments > MAX_ATTACHMENTS then
    return nil, "has more than " .. MAX_ATTACHMENTS .. " attachments"
  end
  return next_at
end

local function read_namespace(text, at, packet)
  if text:sub(at, at) ~= "/" then
    return at
  end
  local comma = text:find(",", at, true) or #text + 1
  if comma - at > MAX_NAMESPACE then
    return nil, "has a namespace of more than " .. MAX_NAMESPACE .. " bytes"
  end
  packet.namespace = text:sub(at, comma - 1)
  return comma + 1
end

local function read_id(text, at, packet)
  local digits, next_at = text:match("^(%d+)()", at)
  if not digits then
    return at
  elseif #digits > MAX_ID_DIGITS then
    return nil, "has an id of more than " .. MAX_ID_DIGITS .. " digits"
  end
  packet.id = tonumber(digits)
  return next_at
end

local function read_data(text, at, packet)
  if at > #text then
    return at
  end
  local data, message = json.decode(text:sub(at))
  if data == nil then
    return nil, "does not parse: " .. message
  end
  packet.data = data
  return #text + 1
end

local READERS = { read_attachments, read_namespace, read_id, read_data }

local function malformed(what)
  return nil, "the server sent a Socket.IO packet that " .. what
end

-- (text) -> { type, namespace, id, data, attachments } | nil, message
function socketio.decode(text)
  local packet = { type = TYPES[text:sub(1, 1)], namespace = "/" }
  if not packet.type then
    return malformed("is of an unknown type")
  end
  local at = 2
  for _, read in ipairs(READERS) do
    local next_at, problem = read(text, at, packet)
    if not next_at then
      return malformed(problem)
    end
    at = next_at
  end
  if not has_id(packet) then
    return malformed("acknowledges nothing: it has no id")
  elseif not RULES[packet.type](packet.data) then
    return malformed("has the wrong data for its type, " .. packet.type)
  end
  return packet
end

local function data_text(data)
  if data == nil then
    return ""
  end
  return json.encode(data)
end

-- Packets without attachments: (packet) -> text | nil, message
function socketio.encode(packet)
  local digit = DIGITS[packet.type]
  if not digit or packet.type:find("^binary") then
    return nil, "there is no text packet of type " .. tostring(packet.type)
  elseif not (has_id(packet) and RULES[packet.type](packet.data)) then
    return nil, "this data cannot be sent as a packet of type " .. packet.type
  end
  local data, message = data_text(packet.data)
  if not data then
    return nil, message
  end
  local namespace = packet.namespace or "/"
  local prefix = namespace == "/" and "" or namespace .. ","
  return digit .. prefix .. (packet.id and ("%d"):format(packet.id) or "") .. data
end

-- Replaces the placeholders in a packet's data with the attachments; false when a placeholder names none.
local function fill(t, attachments)
  for key, value in next, t do
    if type(value) == "table" then
      if value._placeholder == true then
        local attachment = attachments[math.type(value.num) == "integer" and value.num + 1]
        if not attachment then
          return false
        end
        t[key] = attachment
      elseif not fill(value, attachments) then
        return false
      end
    end
  end
  return true
end

-- Joins a binary packet with its attachments, in the order in which they came, into an event or ack packet:
-- (packet, list of strings) -> packet | nil, message
function socketio.assemble(packet, attachments)
  if not fill(packet.data, attachments) then
    return malformed("refers to an attachment that it does not have")
  end
  return {
    type = packet.type:match("^binary_(.*)$"),
    namespace = packet.namespace,
    id = packet.id,
    data = packet.data,
  }
end

return socketio
