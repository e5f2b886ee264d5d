-- Stands for host.websocket, and plays the Socket.IO server at the other end where a spec wants one.
--
--   local websocket = fake_websocket.new()
--   websocket.connect{ … }              -- as host.websocket.connect; a spec passes `websocket` where that is wanted
--   local socket = websocket:last()     -- the newest; all are in websocket.sockets
--   socket.options                      -- what was asked for: host, address, port, path, tls …
--   socket:open()                       -- the HTTP upgrade has succeeded
--   socket:accept{ pid = "p1" }         -- all up to the server's consent; `socket.auth` is what the client said
--   socket:receive(frame, binary)       -- a frame from the server
--   socket:drop(message, code)          -- the connection ends without a word
--   socket.sent, socket:take()          -- the frames that the client sent; those since the last take
--   socket.full = true                  -- from now on, send fails
--   websocket:confirm()                 -- every peer answers the close frame that it got, unless its socket is `deaf`
--   websocket:assert_closed()           -- fails when a socket is still open
local json = require("dockhost.json")

local fake_websocket = {}

local Socket = {}
Socket.__index = Socket

local Websocket = {}
Websocket.__index = Websocket

function fake_websocket.new()
  local websocket = setmetatable({ sockets = {} }, Websocket)
  websocket.connect = function(options)
    if websocket.refusal then
      return nil, websocket.refusal, "connect"
    end
    local socket = setmetatable({ options = options, sent = {}, taken = 0, state = "connecting" }, Socket)
    table.insert(websocket.sockets, socket)
    return socket
  end
  return websocket
end

function Websocket:last()
  return self.sockets[#self.sockets]
end

function Websocket:confirm()
  for _, socket in ipairs(self.sockets) do
    if socket.state == "closing" and not socket.deaf then
      socket:drop()
    end
  end
end

function Websocket:assert_closed()
  for i, socket in ipairs(self.sockets) do
    assert(socket.state == "closed", "websocket " .. i .. " is still " .. socket.state)
  end
end

-- What the client does ------------------------------------------------------------------------------------------------

function Socket:send(data)
  if self.state ~= "open" then
    return nil, "the websocket is closed", "closed"
  elseif self.full then
    return nil, "8 MiB wait to be sent", "full"
  end
  table.insert(self.sent, data)
  return true
end

function Socket:pending()
  return self.full and 8 * 1024 * 1024 or self.unread or 0
end

-- The peer's answer to the close frame comes later: `drop` and `confirm` are that.
function Socket:close()
  if self.state ~= "closed" then
    self.state = self.state == "open" and "closing" or "closed"
  end
end

function Socket:abort()
  self.state = "closed"
end

-- What the server and the network do ----------------------------------------------------------------------------------

function Socket:open()
  assert(self.state == "connecting", "this socket is " .. self.state)
  self.state = "open"
  self.options.on_open()
end

function Socket:receive(data, binary)
  if self.state == "open" then
    self.options.on_message(data, binary or false)
  end
end

function Socket:drop(message, code)
  if self.state ~= "closed" then
    self.state = "closed"
    self.options.on_close(message or "the peer ended the connection", code or "closed")
  end
end

function Socket:take()
  local frames = table.move(self.sent, self.taken + 1, #self.sent, 1, {})
  self.taken = #self.sent
  return frames
end

-- server: { pid =, sid =, max_payload =, ping_interval =, ping_timeout = } (milliseconds)
function Socket:handshake(server)
  self:open()
  self:receive("0" .. json.encode({
    sid = "engine",
    upgrades = json.array({}),
    pingInterval = server.ping_interval or 25000,
    pingTimeout = server.ping_timeout or 20000,
    maxPayload = server.max_payload or 1000000,
  }))
  local frame = assert(self:take()[1], "the client did not ask to be connected")
  self.namespace = frame:match("^40(/[^,]*,)") or ""
  self.auth = json.decode(frame:sub(3 + #self.namespace))
end

function Socket:accept(server)
  server = server or {}
  self:handshake(server)
  self:receive("40" .. self.namespace .. json.encode({ sid = server.sid or "session", pid = server.pid }))
end

function Socket:refuse(message)
  self:handshake({})
  self:receive("44" .. self.namespace .. json.encode({ message = message }))
end

-- The server emits an event; with `id`, it waits for an acknowledgement.
function Socket:emit(id, ...)
  self:receive("42" .. self.namespace .. (id or "") .. json.encode(json.array({ ... })))
end

return fake_websocket
