-- One websocket connection to a Socket.IO server, as a state machine without I/O: it is given frames and the time, and
-- returns what should happen, in order, as a list of effects:
--   { kind = "send", frame }
--   { kind = "connected", sid, pid, recovered }
--   { kind = "refused", message, data }: the server will not have us; the websocket should be closed
--   { kind = "event", name, args (with n, null as json.null), id }: with an id, the server waits for `ack`
--   { kind = "ack", id, args (with n) }
--   { kind = "close", reason, code = "protocol"|"heartbeat"|"timeout"|"server" }
-- Nothing follows a "refused" or a "close".
local engineio = require("dockhost.engineio")
local json = require("dockhost.json")
local socketio = require("dockhost.socketio")

local session = {}

local CONNECT_TIMEOUT <const> = 20
local MAX_ATTACHMENT_BYTES <const> = 4 * 1024 * 1024
local MAX_EARLY_EVENTS <const> = 1000
local MAX_EARLY_BYTES <const> = 4 * 1024 * 1024
-- Longer strings are an event's own argument, not the mark that the server appends.
local MAX_OFFSET <const> = 128

local Session = {}
Session.__index = Session

-- session.new{ namespace = "/", auth = {…}, connect_timeout = 20, pid = …, offset = … }; `pid` and `offset` of the last
-- session ask the server to go on with it. To read: state ("opening", "connecting", "connected", "closed"), deadline
-- (when `tick` is due, or nil), heard_at (when the last ping came, or the handshake), sid, pid, offset, max_payload
-- (bytes), ping_interval and ping_timeout (milliseconds).
function session.new(options)
  return setmetatable({
    namespace = options.namespace or "/",
    auth = options.auth or {},
    connect_timeout = options.connect_timeout or CONNECT_TIMEOUT,
    pid = options.pid,
    offset = options.offset,
    state = "opening",
    early = {},
    early_bytes = 0,
    next_id = 0,
  }, Session)
end

local function set_deadlines(self, connect_by, alive_by)
  self.connect_by, self.alive_by = connect_by, alive_by
  self.deadline = connect_by and alive_by and math.min(connect_by, alive_by) or connect_by or alive_by
end

local function finish(self)
  self.state = "closed"
  self.early, self.partial = {}, nil
  set_deadlines(self, nil, nil)
end

local function close(self, effects, code, reason)
  finish(self)
  effects[#effects + 1] = { kind = "close", code = code, reason = reason }
end

local function renew_heartbeat(self, now)
  self.heard_at = now
  set_deadlines(self, self.connect_by, now + (self.ping_interval + self.ping_timeout) / 1000)
end

-- The websocket is open.
function Session:opened(now)
  set_deadlines(self, now + self.connect_timeout, nil)
end

-- (now) -> effects
function Session:tick(now)
  local effects = {}
  if self.alive_by and now >= self.alive_by then
    local seconds = (self.ping_interval + self.ping_timeout) / 1000
    close(self, effects, "heartbeat", ("the server sent no ping for %g s: the link is dead"):format(seconds))
  elseif self.connect_by and now >= self.connect_by then
    local message = "the server did not answer the Socket.IO handshake within %g s: is it a Socket.IO server?"
    close(self, effects, "timeout", message:format(self.connect_timeout))
  end
  return effects
end

-- Socket.IO ---------------------------------------------------------------------------------------------------------

local function connect_data(self)
  local data = {}
  if self.pid then
    data.pid, data.offset = self.pid, self.offset
  end
  for key, value in pairs(self.auth) do
    data[key] = value
  end
  return data
end

local function frame_of(self, packet)
  packet.namespace = self.namespace
  local text, message = socketio.encode(packet)
  if not text then
    return nil, message, "encode"
  end
  return engineio.encode("message", text)
end

local function arguments(data, first)
  local n = #data - first + 1
  return table.move(data, first, #data, 1, { n = n })
end

local function note_offset(self, args, id)
  local last = args[args.n]
  if self.pid and not id and type(last) == "string" and #last <= MAX_OFFSET then
    self.offset = last
    -- Alone it is no argument: the event has none.
    return args.n == 1 and { n = 0 } or args
  end
  return args
end

local function deliver(self, effects, packet)
  local args = note_offset(self, arguments(packet.data, 2), packet.id)
  effects[#effects + 1] = { kind = "event", name = tostring(packet.data[1]), args = args, id = packet.id }
end

-- A server that recovers a session sends what was missed before it answers the CONNECT.
local function keep_early(self, effects, packet, size)
  self.early_bytes = self.early_bytes + size
  if #self.early == MAX_EARLY_EVENTS or self.early_bytes > MAX_EARLY_BYTES then
    return close(self, effects, "protocol", "the server sent too many events before it accepted the connection")
  end
  table.insert(self.early, packet)
end

local handlers = {}

function handlers.connect(self, effects, packet)
  local data = packet.data or {}
  if self.state == "connected" then
    return close(self, effects, "protocol", "the server accepted the connection twice")
  elseif type(data.sid) ~= "string" or data.sid == "" then
    return close(self, effects, "protocol", "the server gave no session id: it must speak Socket.IO 3 or 4")
  end
  local pid = type(data.pid) == "string" and data.pid or nil
  local recovered = pid ~= nil and pid == self.pid
  self.state, self.sid, self.pid = "connected", data.sid, pid
  set_deadlines(self, nil, self.alive_by)
  effects[#effects + 1] = { kind = "connected", sid = data.sid, pid = pid, recovered = recovered }
  for _, early in ipairs(self.early) do
    deliver(self, effects, early)
  end
  self.early = {}
end

function handlers.connect_error(self, effects, packet)
  local problem = packet.data
  if type(problem) == "string" then
    problem = { message = problem }
  end
  local data = problem.data ~= json.null and problem.data or nil
  local message = type(problem.message) == "string" and problem.message or "the server gave no reason"
  finish(self)
  effects[#effects + 1] = { kind = "refused", message = message, data = data }
end

function handlers.disconnect(self, effects)
  close(self, effects, "server", "the server ended the session")
end

function handlers.event(self, effects, packet, size)
  if self.state == "connected" then
    deliver(self, effects, packet)
  else
    keep_early(self, effects, packet, size)
  end
end

function handlers.ack(self, effects, packet)
  if packet.id < self.next_id then
    effects[#effects + 1] = { kind = "ack", id = packet.id, args = arguments(packet.data, 1) }
  end
end

local function dispatch(self, effects, packet, size)
  if packet.namespace == self.namespace then
    handlers[packet.type](self, effects, packet, size)
  end
end

local function assemble(self, effects, partial)
  self.partial = nil
  local packet, message = socketio.assemble(partial.packet, partial.attachments)
  if not packet then
    return close(self, effects, "protocol", message)
  end
  dispatch(self, effects, packet, partial.size)
end

local function take_text(self, effects, text)
  if self.partial then
    return close(self, effects, "protocol", "the server sent a packet before the attachments of the last one")
  end
  local packet, message = socketio.decode(text)
  if not packet then
    return close(self, effects, "protocol", message)
  elseif not packet.attachments then
    return dispatch(self, effects, packet, #text)
  end
  local partial = { packet = packet, attachments = {}, bytes = 0, size = #text }
  if packet.attachments == 0 then
    return assemble(self, effects, partial)
  end
  self.partial = partial
end

local function take_binary(self, effects, data)
  local partial = self.partial
  if not partial then
    return close(self, effects, "protocol", "the server sent an attachment that no packet announced")
  end
  table.insert(partial.attachments, data)
  partial.bytes, partial.size = partial.bytes + #data, partial.size + #data
  if partial.bytes > MAX_ATTACHMENT_BYTES then
    close(self, effects, "protocol", "the server sent a packet with more than 4 MiB of attachments")
  elseif #partial.attachments == partial.packet.attachments then
    assemble(self, effects, partial)
  end
end

-- Engine.IO ---------------------------------------------------------------------------------------------------------

local receivers = {}

function receivers.open(self, effects, packet, now)
  if self.state ~= "opening" then
    return close(self, effects, "protocol", "the server opened the Engine.IO session twice")
  end
  local open, problem = engineio.handshake(packet.data)
  if not open then
    return close(self, effects, "protocol", problem)
  end
  local frame, message = frame_of(self, { type = "connect", data = connect_data(self) })
  if not frame then
    return close(self, effects, "protocol", "the authentication data cannot be sent: " .. message)
  end
  self.state = "connecting"
  self.max_payload, self.ping_interval, self.ping_timeout = open.maxPayload, open.pingInterval, open.pingTimeout
  renew_heartbeat(self, now)
  effects[#effects + 1] = { kind = "send", frame = frame }
end

function receivers.close(self, effects)
  close(self, effects, "server", "the server closed the connection")
end

function receivers.ping(self, effects, _, now)
  renew_heartbeat(self, now)
  effects[#effects + 1] = { kind = "send", frame = engineio.encode("pong") }
end

function receivers.message(self, effects, packet)
  if packet.binary then
    take_binary(self, effects, packet.data)
  else
    take_text(self, effects, packet.data)
  end
end

-- Pongs and upgrades belong to other transports; a noop is nothing.
local function ignore() end
receivers.pong, receivers.upgrade, receivers.noop = ignore, ignore, ignore

-- One frame from the server: (data, binary, now) -> effects
function Session:receive(data, binary, now)
  local effects = {}
  if self.state == "closed" then
    return effects
  end
  local packet, message = engineio.decode(data, binary)
  if not packet then
    close(self, effects, "protocol", message)
  elseif self.state == "opening" and packet.type ~= "open" and packet.type ~= "close" then
    close(self, effects, "protocol", "the server did not begin with an Engine.IO handshake")
  else
    receivers[packet.type](self, effects, packet, now)
  end
  return effects
end

-- Sending -----------------------------------------------------------------------------------------------------------

-- A packet's data from a list of arguments, which may have holes when it has an n.
local function packet_data(list, args)
  for i = 1, args.n or #args do
    list[#list + 1] = args[i] == nil and json.null or args[i]
  end
  return json.array(list)
end

local function send(self, packet)
  if self.state ~= "connected" then
    return nil, "there is no session with the main server", "closed"
  end
  return frame_of(self, packet)
end

local function event(self, name, args, id)
  if socketio.is_reserved(name) then
    return nil, ("%q is Socket.IO's own: it cannot be an event's name"):format(name), "reserved"
  end
  return send(self, { type = "event", id = id, data = packet_data({ name }, args or {}) })
end

-- (name, args) -> frame | nil, message, code "closed"|"reserved"|"encode"
function Session:emit(name, args)
  return event(self, name, args)
end

-- (name, args) -> frame, id | nil, message, code
function Session:emit_with_ack(name, args)
  local id = self.next_id
  local frame, message, code = event(self, name, args, id)
  if not frame then
    return nil, message, code
  end
  self.next_id = id + 1
  return frame, id
end

-- Answers an event: (id, args) -> frame | nil, message, code
function Session:ack(id, args)
  return send(self, { type = "ack", id = id, data = packet_data({}, args or {}) })
end

-- Leaves cleanly: () -> frame | nil, message, code. The session is closed then.
function Session:leave()
  local asked = self.state == "connecting" or self.state == "connected"
  finish(self)
  if not asked then
    return nil, "there is no session with the main server", "closed"
  end
  return frame_of(self, { type = "disconnect" })
end

return session
