-- Engine.IO 4 over websocket: one packet a frame, its type the first character; a binary frame is a message as it is.
local json = require("dockhost.json")
local utf8text = require("dockhost.utf8text")

local engineio = {}

local MAX_SID <const> = 256
local MAX_MILLISECONDS <const> = 24 * 60 * 60 * 1000
-- What socket.io allows by default; 3.x enforces it without naming it.
local DEFAULT_MAX_PAYLOAD <const> = 1000000

local TYPES = {
  ["0"] = "open",
  ["1"] = "close",
  ["2"] = "ping",
  ["3"] = "pong",
  ["4"] = "message",
  ["5"] = "upgrade",
  ["6"] = "noop",
}

local DIGITS = {}
for digit, name in pairs(TYPES) do
  DIGITS[name] = digit
end

-- (frame, binary) -> { type, data, binary } | nil, message
function engineio.decode(frame, binary)
  if binary then
    return { type = "message", data = frame, binary = true }
  end
  local type = TYPES[frame:sub(1, 1)]
  if not type then
    return nil, "the server sent a frame of an unknown Engine.IO type"
  elseif not utf8text.valid(frame) then
    return nil, "the server sent a text frame that is not UTF-8"
  end
  return { type = type, data = frame:sub(2), binary = false }
end

-- (type, data) -> frame
function engineio.encode(type, data)
  return DIGITS[type] .. (data or "")
end

local function is_milliseconds(value)
  return type(value) == "number" and value > 0 and value <= MAX_MILLISECONDS
end

local function is_absent(value)
  return value == nil or value == json.null
end

-- Reads the data of an open packet: (data) -> { sid, pingInterval, pingTimeout, maxPayload } | nil, message.
-- Times are milliseconds, maxPayload is bytes.
function engineio.handshake(data)
  local open = json.decode(data)
  if type(open) ~= "table" then
    return nil, "the server's Engine.IO handshake is not a JSON object"
  elseif type(open.sid) ~= "string" or open.sid == "" or #open.sid > MAX_SID then
    return nil, "the server's Engine.IO handshake has no usable sid"
  elseif not (is_milliseconds(open.pingInterval) and is_milliseconds(open.pingTimeout)) then
    return nil, "the server's Engine.IO handshake has no usable pingInterval and pingTimeout"
  end
  local max_payload = is_absent(open.maxPayload) and DEFAULT_MAX_PAYLOAD or open.maxPayload
  if math.type(max_payload) ~= "integer" or max_payload < 1 then
    return nil, "the server's Engine.IO handshake has no usable maxPayload"
  end
  return {
    sid = open.sid,
    pingInterval = open.pingInterval,
    pingTimeout = open.pingTimeout,
    maxPayload = max_payload,
  }
end

return engineio
