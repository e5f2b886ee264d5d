-- Keeps this node connected to the main server: dials, redials as reconnect.lua says, and owns what outlives one
-- connection: the replies that wait, the recovery of a session, and the cure of the server's stale eviction.
local json = require("dockhost.json")
local key = require("dockhost.key")
local link = require("dockhost.link")
local outbox = require("dockhost.outbox")
local task = require("dockhost.task")
local username = require("dockhost.username")

local connection = {}

local STABLE_SECONDS = 60
local OUTBOX_LIMIT = 256
-- What the server needs beyond its own ping times to see that an old socket is dead.
local STALE_MARGIN = 5
-- The longest wait for commands to end. That nobody reaches this node is worse than what the redial costs a command
-- that still runs: its reply is the user's event in the new session.
local IDLE_SECONDS = 60
-- What stands around a value in a frame: the packet's types, the namespace, the id, the recovery's offset.
local FRAME_OVERHEAD = 512
-- What a user's name takes as an event, escaped.
local LONGEST_EVENT = 6 * 1024
-- The websocket holds 8 MiB at most.
local MOST_PENDING, FLUSH_SECONDS = 1024 * 1024, 0.05
local OUTBOX_BYTES = 32 * 1024 * 1024
local LONGEST_TIMER = 30 * 86400
local RESTART_SECONDS = 10

local Connection = {}
Connection.__index = Connection

-- connection.new{ websocket =, resolver =, timer =, tasks =, now =, time =, log =, trace =, settings = function(),
-- read = function(path, limit), lan_address = function() -> text | nil, policy = function(attempt, reason) -> seconds,
-- dispatch = function(request), when_idle = function(fn), notify = function(hook, event),
-- observe = function(value)?: each change of state, as observers.lua has it } -> connection
function connection.new(options)
  local self = { outbox = outbox.new({ limit = OUTBOX_LIMIT, bytes = OUTBOX_BYTES }), attempt = 0, state = "offline" }
  self.notify, self.observe = function() end, function() end
  for name, value in pairs(options) do
    self[name] = value
  end
  return setmetatable(self, Connection)
end

-- (state, event?, code?, message?)
function Connection:enter(state, event, code, message)
  -- Between the tries of one absence nothing changes that anybody would ask about.
  if not self.changed_at or (state == "connected") ~= (self.state == "connected") then
    self.changed_at = self.time()
  end
  self.state = state
  self.observe({ state = state, event = event, code = code, message = message })
end

-- { state = "connecting" | "connected" | "waiting" | "offline", since = when the connection came or went, attempt = how
-- many dials in a row have failed, next_try?, failure = the last one's message?, key_expires? }, in wall-clock time
function Connection:status()
  return {
    state = self.state,
    since = self.changed_at,
    attempt = self.attempt,
    next_try = self.state == "waiting" and self.next_try or nil,
    failure = self.last_failure,
    key_expires = self.expiry,
  }
end

function Connection:start()
  self.task = self.tasks:spawn(function()
    while not self.stopping do
      local ended = self:connect()
      if not self.stopping then
        self:pause(self:delay_after(ended))
      end
    end
  end, function(ok, err, traceback)
    if not ok and not task.is_cancelled(err) then
      self:recover(err, traceback)
    end
  end)
end

-- A fault of ours must not end the redialling.
function Connection:recover(err, traceback)
  self.log:trace("the connection failed: " .. (type(err) == "string" and err or "an unknown error"), traceback)
  if self.link then
    self.link:leave()
  end
  self:forget_cure()
  self.link = nil
  self:enter("offline")
  self.recovery = self.timer.start(RESTART_SECONDS, function()
    self.recovery = nil
    self:start()
  end)
end

local function auth_of(self)
  local settings = self.settings()
  local value, message = key.read(settings, self.read)
  if not value then
    return nil, message
  end
  self.key = value
  self:warn_of_expiry()
  return { DOCKHOST_API_KEY = value, LAN_IP = self.lan_address() }
end

-- One connection, to its end.
function Connection:connect()
  local settings, auth, message
  repeat
    settings = self.settings()
    auth, message = auth_of(self)
  until settings == self.settings()
  if not auth then
    return { code = "refused", message = message, no_key = true }
  end
  self:enter("connecting")
  self.dialled_at = self.now()
  self.link = link.new({
    websocket = self.websocket,
    resolver = self.resolver,
    timer = self.timer,
    now = self.now,
    trace = self.trace,
    server = settings.server,
    auth = auth,
    pid = self.pid,
    offset = self.offset,
    on_connected = function(effect)
      self:connected(effect)
    end,
    on_event = function(effect)
      self:received(effect)
    end,
  })
  local ended = self.link:run()
  self:disconnected(ended)
  if ended.connected then
    self.notify("disconnected", { server = settings.server.text, reason = ended.message })
  end
  return ended
end

function Connection:connected(effect)
  local settings = self.settings()
  self.connected_at = self.now()
  self.last_failure = nil
  self:enter("connected", "accepted")
  self.log:info("accepted by the main server at " .. settings.server.text, { recovered = effect.recovered or nil })
  self.notify("connected", { server = settings.server.text, recovered = effect.recovered == true })
  if not self.renewing then
    self:plan_cure()
  end
  self:flush()
  if self.renewing then
    self.link:leave()
  end
end

-- Sends what was kept, no faster than the server takes it. What can't be sent loses no other reply.
function Connection:flush()
  self.flushing = nil
  while self.state == "connected" and not self.link.ended do
    if self.link:pending() > MOST_PENDING then
      self.flushing = self.timer.start(FLUSH_SECONDS, function()
        self:flush()
      end)
      return
    end
    local reply = self.outbox:first()
    if not reply then
      return
    end
    local ok, why = pcall(self.send, self, reply)
    if not ok then
      self.log:error("a reply can't be sent", { reason = tostring(why) })
    end
  end
end

-- Whether the server accepts a message with that value, as an acknowledgement or as the event: asked too when there is
-- no connection any more, for a reply that will be sent in the next one.
local function fits(value, event, max_payload)
  local text, message = json.encode({ event or "command-error", value })
  if not text then
    return false, message
  end
  return #text + FRAME_OVERHEAD <= max_payload
end

function Connection:received(effect)
  local asker, max_payload = self.link, self.link.session.max_payload
  self.dispatch({
    event = effect.name,
    payload = effect.args[1],
    acknowledged = effect.id ~= nil,
    room = max_payload - FRAME_OVERHEAD - LONGEST_EVENT,
    fits = function(value, event)
      return fits(value, event, max_payload)
    end,
    answer = function(value, event, event_value)
      self:send({ id = effect.id, asker = asker, value = value, event = event, event_value = event_value })
    end,
  })
end

-- Sends a reply now or keeps it. The acknowledgement is possible on the connection that asked for it. On a later one
-- the reply becomes the user's event, in a recovered session too: socket.io keeps no callbacks across a recovery.
function Connection:send(reply)
  if self.state ~= "connected" then
    return self:keep(reply)
  end
  local session, frame, message, code = self.link.session, nil, nil, nil
  if reply.id and reply.asker == self.link then
    frame, message, code = session:ack(reply.id, { reply.value })
  elseif reply.event then
    frame, message, code = session:emit(reply.event, { reply.event_value })
  end
  -- "closed": the link has been left, and its task has not seen it yet.
  if code == "closed" or frame and not self.link:send(frame) then
    self:keep(reply)
  elseif message then
    self.log:error("a reply can't be sent", { reason = message })
  end
end

function Connection:keep(reply)
  reply.asker = nil
  local text = json.encode(reply.event_value)
  for _, lost in ipairs(self.outbox:put(reply, text and #text or 0)) do
    self.log:warn("a reply was dropped: too many wait for the connection", { event = lost.event })
  end
end

-- Emits an event of a script's own. Returns true, or nil and why not.
function Connection:emit(event, ...)
  if not username.emittable(event) then
    return nil, "this can't be the name of an event"
  end
  if self.state ~= "connected" then
    return nil, "not connected to the main server"
  end
  local frame, message = self.link.session:emit(event, table.pack(...))
  if not frame then
    return nil, message
  elseif #frame > self.link.session.max_payload then
    return nil, "this is larger than the main server accepts"
  end
  return self.link:send(frame)
end

-- When the server must have dropped a socket whose last ping came then.
local function dead_by(session, heard_at)
  return heard_at + (session.ping_interval + session.ping_timeout) / 1000 + STALE_MARGIN
end

function Connection:disconnected(ended)
  local session = self.link.session
  if ended.code == "left" then
    -- The server has ended that session too.
    self.pid, self.offset = nil, nil
  elseif ended.connected then
    self.pid, self.offset = session.pid, session.offset
  end
  self.link = nil
  self:enter("offline", ended.connected and "lost" or "failed", ended.code, ended.message)
  if self.flushing then
    self.flushing:close()
    self.flushing = nil
  end
  self:forget_cure()
  -- A handshake may have been accepted though its answer was lost: the server has registered that socket too.
  if session.heard_at and not ended.clean and ended.code ~= "refused" then
    self.stale_until = math.max(self.stale_until or 0, dead_by(session, session.heard_at))
  end
end

-- After an unclean loss the server still holds the old socket, and forgets this node when that one times out. So it is
-- redialled once more when that must have happened, at a moment when no command is in flight.
function Connection:plan_cure()
  -- A machine that lost its power may have left a socket too: its last ping came before `now` was 0, the boot.
  self.stale_until = self.stale_until or dead_by(self.link.session, 0)
  if self.dialled_at >= self.stale_until then
    -- The old socket was dead before the server registered this connection.
    self.stale_until = nil
    return
  end
  local cured = self.link
  local function cure()
    self:heal(cured)
  end
  self.cure = self.timer.start(math.max(0, self.stale_until - self.now()), function()
    self.cure = self.timer.start(IDLE_SECONDS, cure)
    self.when_idle(cure)
  end)
end

function Connection:heal(cured)
  if self.link ~= cured or self.state ~= "connected" or not self.stale_until then
    return
  end
  self:forget_cure()
  self.stale_until = nil
  self.log:info("connecting anew: the main server has dropped the lost connection by now, and this node with it")
  self.renewing = true
  self.link:leave()
end

function Connection:forget_cure()
  if self.cure then
    self.cure:close()
    self.cure = nil
  end
end

local ADVICE = {
  ["Invalid namespace"] = "the path in MAIN_SERVER_BACKEND_URL names no namespace of that server",
}
local KEY_ADVICE = "check DOCKHOST_API_KEY, or get a new key from the main server"

-- What to do about a refusal.
function connection.advice(message)
  return ADVICE[message] or KEY_ADVICE
end

-- What a person is told of a refusal, and what to do.
function connection.refusal(server, message)
  local advice = connection.advice(message)
  return string.format("the main server at %s refuses this node: %s: %s", server, message, advice)
end

-- What a person needs to read, and whether it repeats what was said last.
local function describe(self, ended)
  local server = self.settings().server.text
  if ended.no_key then
    return ended.message
  elseif ended.code == "refused" then
    return connection.refusal(server, ended.message)
  elseif ended.connected then
    local why = ended.message ~= "the connection was lost" and ": " .. ended.message or ""
    return "the connection to the main server was lost" .. why
  end
  return "the main server at " .. server .. " can't be reached: " .. ended.message
end

-- How long to wait, and the line that says why.
function Connection:delay_after(ended)
  if self.renewing then
    self.renewing = nil
    return 0
  end
  local reason = ended.code
  local was_stable = ended.connected and self.now() - self.connected_at >= STABLE_SECONDS
  if was_stable or self.refused ~= (reason == "refused") then
    self.attempt = 0
  end
  self.refused = reason == "refused"
  self.attempt = self.attempt + 1
  local seconds = self.policy(self.attempt, reason)
  local message = describe(self, ended)
  local level = (message ~= self.last_failure or reason == "refused") and "warn" or "debug"
  self.last_failure = message
  self.log[level](self.log, string.format("%s; next try in %.1f s", message, seconds))
  return seconds
end

function Connection:pause(seconds)
  self.next_try = self.time() + seconds
  self:enter("waiting")
  local timer
  task.wait(function(done)
    self.wake = done
    timer = self.timer.start(seconds, done)
    return function()
      timer:close()
    end
  end)
  timer:close()
  self.wake = nil
end

-- Ends a pause at once: the settings or the key have changed.
function Connection:retry()
  self.attempt = 0
  if self.wake then
    self.wake()
  end
end

-- Dials again with new settings. What is being dialled is left as soon as it is accepted, or has failed.
function Connection:renew()
  self:retry()
  if self.link then
    self.renewing = true
    self.link:leave()
  end
end

function Connection:warn_of_expiry()
  if self.expiry_timer then
    self.expiry_timer:close()
    self.expiry_timer = nil
  end
  self.expiry = key.expiry(self.key)
  local now = self.time()
  local message, urgent = key.warning(self.expiry, now)
  if message and message ~= self.last_expiry_message then
    self.log[urgent and "error" or "warn"](self.log, message)
  end
  self.last_expiry_message = message
  local seconds = key.next_warning(self.expiry, now)
  if seconds then
    self.expiry_timer = self.timer.start(math.min(seconds + 1, LONGEST_TIMER), function()
      self:warn_of_expiry()
    end)
  end
end

-- Leaves the server and ends; `done()` is called when the good-bye has been written.
function Connection:stop(done)
  self.stopping = true
  for _, timer in pairs({ self.expiry_timer, self.cure, self.recovery, self.flushing }) do
    timer:close()
  end
  if not self.link or not self.link:leave(done) then
    done()
  end
  if self.task then
    self.task:cancel("shutdown")
  end
end

return connection
