-- The session's state machine over Engine.IO and Socket.IO. Each line of an input is one happening:
--   <FRAME   a text frame of the server          bBYTES  a binary one (a line's end within it is written \n)
--   +N       N tenths of a second pass           eNAME   this node emits an event
--   aN       it acknowledges event N             qNAME   it emits and wants an acknowledgement
--   l        it leaves                           oPID OFFSET / n/NAMESPACE  what the session is opened with
local check = require("check")
local input = require("input")
local json = require("dockhost.json")
local session = require("dockhost.session")
local socketio = require("dockhost.socketio")

local ORDER = { opening = 1, connecting = 2, connected = 3, closed = 4 }
local CLOSE_CODES = { protocol = true, heartbeat = true, timeout = true, server = true }

local function check_args(args)
  check.that(math.type(args.n) == "integer" and args.n >= 0, "arguments without a count", args)
  for i = 1, args.n do
    check.that(args[i] ~= nil, "an argument is missing", i)
  end
  check.that(args[args.n + 1] == nil, "more arguments than are counted", args.n)
end

local EFFECTS = {}

function EFFECTS.send(effect)
  check.that(effect.frame:find("^[34]") and utf8.len(effect.frame), "a frame that nobody may send", effect.frame)
  if effect.frame:sub(1, 1) == "4" then
    check.that(socketio.decode(effect.frame:sub(2)), "a packet that does not parse", effect.frame)
  end
end

function EFFECTS.connected(effect)
  check.that(type(effect.sid) == "string" and effect.sid ~= "", "connected without a session id")
  check.that(type(effect.recovered) == "boolean", "it is not told whether the session was recovered")
end

function EFFECTS.event(effect)
  check.that(type(effect.name) == "string", "an event without a name", effect.name)
  check.that(not socketio.is_reserved(effect.name), "an event with a reserved name", effect.name)
  check.that(effect.id == nil or math.type(effect.id) == "integer" and effect.id >= 0, "no usable id", effect.id)
  check_args(effect.args)
  check.that(json.encode(json.array(table.move(effect.args, 1, effect.args.n, 1, {}))), "arguments that JSON has not")
end

function EFFECTS.ack(effect, machine)
  check.that(math.type(effect.id) == "integer" and effect.id < machine.next_id, "nobody waits for it", effect.id)
  check_args(effect.args)
end

function EFFECTS.refused(effect, machine)
  check.that(type(effect.message) == "string", "a refusal without a message")
  check.that(machine.state == "closed", "refused, but not closed")
end

function EFFECTS.close(effect, machine)
  check.message(effect.reason)
  check.that(CLOSE_CODES[effect.code], "an unknown code", effect.code)
  check.that(machine.state == "closed", "it closes, but is not closed")
end

local function check_effects(effects, machine, was_closed)
  check.that(not was_closed or #effects == 0, "something follows the end", effects)
  for i, effect in ipairs(effects) do
    check.that(EFFECTS[effect.kind], "an unknown effect", effect.kind)(effect, machine)
    local last = effect.kind == "close" or effect.kind == "refused"
    check.that(not last or i == #effects, "something follows the end", effects)
  end
end

local function check_state(machine, before, now)
  check.that(ORDER[machine.state] >= ORDER[before], "it went back", before, machine.state)
  check.that((machine.state == "closed") == (machine.deadline == nil), "no deadline, or one too many", machine.state)
  if machine.deadline then
    check.that(machine.deadline - machine.deadline == 0, "a deadline that never comes", machine.deadline)
    check.that(machine.deadline <= now + 2 * 86400 + 20, "a deadline too far away", machine.deadline - now)
  end
  if ORDER[machine.state] >= 2 and machine.state ~= "closed" then
    check.that(machine.ping_interval > 0 and machine.ping_timeout > 0, "no heartbeat")
    check.that(math.type(machine.max_payload) == "integer" and machine.max_payload > 0, "no limit of a payload")
  end
  check.that(machine.early_bytes <= 12 * 1024 * 1024, "it keeps too much", machine.early_bytes)
end

-- A packet that decodes is written and read as the same packet.
local function check_packet(text)
  local packet, message = socketio.decode(text)
  if not packet then
    return check.message(message)
  elseif packet.attachments then
    return
  end
  local again = socketio.encode(packet)
  check.that(again, "a decoded packet can't be encoded", text)
  check.same(socketio.decode(again), packet, "a packet that does not go round")
end

local function check_sent(machine, frame, message)
  if frame then
    check.that(utf8.len(frame), "a frame that is not UTF-8", frame)
    check.that(socketio.decode(frame:sub(2)), "a frame that a server can't read", frame)
  else
    check.that(type(message) == "string", "a failure without a message")
  end
  return machine
end

local STEPS = {
  ["<"] = function(machine, text, now)
    if text:sub(1, 1) == "4" and utf8.len(text) then
      check_packet(text:sub(2))
    end
    return machine:receive(text, false, now)
  end,
  b = function(machine, text, now)
    return machine:receive(text:gsub("\\n", "\n"), true, now)
  end,
  e = function(machine, text)
    check_sent(machine, machine:emit(text, { text, nil, 1, n = 3 }))
  end,
  q = function(machine, text)
    check_sent(machine, machine:emit_with_ack(text, { text }))
  end,
  a = function(machine, text)
    check_sent(machine, machine:ack(input.number(text), { text }))
  end,
  l = function(machine)
    check_sent(machine, machine:leave())
  end,
}

local function open(bytes)
  local line = input.head(bytes)
  local pid, offset = line:match("^o([^ ]*) ?(.*)$")
  local namespace = line:match("^n(/[^,%z]*)$") or "/"
  return session.new({
    namespace = utf8.len(namespace) and namespace or "/",
    auth = { DOCKHOST_API_KEY = "key", LAN_IP = "10.0.0.5" },
    pid = pid,
    offset = offset,
  })
end

return function(bytes)
  local machine, now = open(bytes), 1000.0
  machine:opened(now)
  check_state(machine, "opening", now)
  for line in input.lines(bytes) do
    local kind, rest = line:sub(1, 1), line:sub(2)
    local before = machine.state
    local effects
    if kind == "+" then
      now = now + input.number(rest) / 10
      effects = machine:tick(now)
    elseif STEPS[kind] then
      effects = STEPS[kind](machine, rest, now)
    end
    check_effects(effects or {}, machine, before == "closed")
    check_state(machine, before, now)
  end
end
