-- One connection to the main server, from name look-up to its end: a websocket with a session on it. It waits in the
-- caller's task; what happens meanwhile is told through functions.
local session = require("dockhost.session")
local task = require("dockhost.task")

local link = {}

local CONNECT_SECONDS = 20
local MAX_MESSAGE = 4 * 1024 * 1024
-- How long a peer may take to confirm a good-bye; the websocket gives it up after 3.
local FAREWELL_SECONDS = 2.5

local Link = {}
Link.__index = Link

-- link.new{ websocket =, resolver =, timer =, now =, trace = logger?, server =, auth = table, pid =, offset =,
-- timeout = seconds to connect?, on_connected = function(effect), on_event = function(effect) } -> link
function link.new(options)
  return setmetatable({
    options = options,
    timeout = options.timeout or CONNECT_SECONDS,
    server = options.server,
    session = session.new({
      namespace = options.server.namespace,
      auth = options.auth,
      connect_timeout = options.timeout or CONNECT_SECONDS,
      pid = options.pid,
      offset = options.offset,
    }),
  }, Link)
end

local function resolve(options, name)
  return task.wait(function(done)
    local lookup, message, code = options.resolver.lookup(name, done)
    if not lookup then
      return done(nil, message, code)
    end
    return function()
      lookup:close()
    end
  end)
end

-- Connects and stays until the connection ends. Returns how: { code =, message =, clean = boolean, connected = boolean,
-- data = what a refusal brought }. Codes: those of host.websocket and of the session, "resolve" and "refused".
function Link:run()
  local addresses, message = resolve(self.options, self.server.host)
  if not addresses or not addresses[1] then
    return { code = "resolve", message = message or self.server.host .. " has no address" }
  end
  local ended
  for _, address in ipairs(addresses) do
    ended = self:try(address)
    if ended.opened then
      break
    end
  end
  return ended
end

function Link:try(address)
  return task.wait(function(done)
    self.done, self.ended = done, nil
    local socket, message, code = self.options.websocket.connect({
      host = self.server.host,
      address = address,
      port = self.server.port,
      tls = self.server.tls,
      path = "/socket.io/?role=backend&EIO=4&transport=websocket",
      timeout = self.timeout,
      limit = MAX_MESSAGE,
      on_open = function()
        self.opened = true
        self.session:opened(self.options.now())
        self:arm()
      end,
      on_message = function(data, binary)
        self:trace("received", data)
        self:apply(self.session:receive(data, binary, self.options.now()))
      end,
      on_close = function(why, kind)
        if self.on_gone then
          return self.on_gone()
        end
        self:finish({ code = kind, message = why })
      end,
    })
    if not socket then
      return done({ code = code, message = message })
    end
    self.socket = socket
    return function()
      self:finish({ code = "closed", message = "given up" })
    end
  end)
end

function Link:finish(ended)
  if self.ended then
    return
  end
  for _, name in ipairs({ "timer", "farewell" }) do
    if self[name] then
      self[name]:close()
      self[name] = nil
    end
  end
  if self.socket then
    self.socket:abort()
  end
  ended.opened, ended.connected = self.opened, self.connected
  self.ended = true
  self.done(ended)
end

function Link:arm()
  if self.timer then
    self.timer:close()
    self.timer = nil
  end
  local deadline = self.session.deadline
  if deadline and not self.ended then
    self.timer = self.options.timer.start(math.max(0, deadline - self.options.now()), function()
      self.timer = nil
      self:apply(self.session:tick(self.options.now()))
    end)
  end
end

local EFFECTS = {
  send = function(self, effect)
    self:send(effect.frame)
  end,
  connected = function(self, effect)
    self.connected = true
    self.options.on_connected(effect)
  end,
  event = function(self, effect)
    self.options.on_event(effect)
  end,
  refused = function(self, effect)
    self:finish({ code = "refused", message = effect.message, data = effect.data })
  end,
  close = function(self, effect)
    if effect.code == "protocol" then
      -- Replies of this very turn are written still. What waits on a link that is dead is lost: whether the server has
      -- it can't be known, and nothing is sent twice.
      self:part()
    end
    self:finish({ code = effect.code, message = effect.reason, clean = effect.code == "server" })
  end,
}

function Link:apply(effects)
  for _, effect in ipairs(effects) do
    if self.ended or self.on_gone then
      return
    end
    local handle = EFFECTS[effect.kind]
    if handle then
      handle(self, effect)
    end
  end
  self:arm()
end

-- What of a frame may be logged: its types and size. Payloads hold keys.
function Link:trace(direction, frame)
  if self.options.trace then
    self.options.trace:debug(direction, { packet = frame:match("^%d%d?"), bytes = #frame })
  end
end

-- Sends a frame of the session's. A peer that does not read for so long that the queue is full is given up.
function Link:send(frame)
  if self.ended or not self.socket then
    return nil, "not connected"
  end
  self:trace("sent", frame)
  local ok, message, code = self.socket:send(frame)
  if not ok then
    self:finish({ code = code, message = "the main server does not read what it is sent: " .. message })
  end
  return ok, message
end

-- How many bytes wait to be written.
function Link:pending()
  return self.socket and self.socket:pending() or 0
end

-- Closes the websocket behind what waits to be written.
function Link:part(on_gone)
  local socket = self.socket
  self.socket, self.on_gone = nil, on_gone or function() end
  socket:close()
end

-- Says good-bye: the namespace is left, then the websocket closed; `on_gone` hears when the peer has it. `run` returns
-- then, with code "left": who dials before might be registered before the server sees the end of this one, and be
-- forgotten with it. Returns nil when there was nothing to leave.
function Link:leave(on_gone)
  if self.ended or self.on_gone or not self.opened then
    return nil
  end
  local farewell = self.session:leave()
  if farewell and not self:send(farewell) then
    return nil
  end
  self:part(function()
    self:finish({ code = "left", message = "left", clean = true })
    if on_gone then
      on_gone()
    end
  end)
  self:arm()
  self.farewell = self.options.timer.start(FAREWELL_SECONDS, function()
    self.farewell = nil
    self:finish({ code = "left", message = "the server did not confirm the good-bye" })
  end)
  return true
end

return link
