-- dockhost.session: one connection, frame by frame, with the frames that real servers send.
local json = require("dockhost.json")
local session = require("dockhost.session")

local OPEN = '0{"sid":"eio","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
local ACCEPTED = '40{"sid":"wZX3oN0bSVIhsaknAAAI"}'
local RECOVERABLE = '40{"sid":"s1","pid":"p1"}'
local PLACEHOLDER = '{"_placeholder":true,"num":0}'

-- A session whose websocket opened at second 100.
local function opened(options)
  local s = session.new(options or {})
  s:opened(100)
  return s
end

local function connecting(options)
  local s = opened(options)
  s:receive(OPEN, false, 100)
  return s
end

local function connected(options, answer)
  local s = connecting(options)
  s:receive(answer or ACCEPTED, false, 100)
  assert.are.equal("connected", s.state)
  return s
end

-- The only effect of a frame.
local function effect(s, frame, binary)
  local effects = s:receive(frame, binary or false, 101)
  assert.are.equal(1, #effects)
  return effects[1]
end

local function assert_closed(s, code, result)
  assert.are.equal("close", result.kind)
  assert.are.equal(code, result.code)
  assert.is_string(result.reason)
  assert.are.equal("closed", s.state)
  assert.is_nil(s.deadline)
  assert.are.same({}, s:receive("2", false, 101))
  assert.are.same({}, s:tick(1e9))
end

describe("session: opening", function()
  it("answers the handshake with CONNECT, its auth in it", function()
    local s = opened({ auth = { DOCKHOST_API_KEY = "key", LAN_IP = "10.0.0.2" } })
    assert.are.equal("opening", s.state)
    assert.are.same(
      { { kind = "send", frame = '40{"DOCKHOST_API_KEY":"key","LAN_IP":"10.0.0.2"}' } },
      s:receive(OPEN, false, 100)
    )
    assert.are.equal("connecting", s.state)
    assert.are.same({ 1000000, 25000, 20000 }, { s.max_payload, s.ping_interval, s.ping_timeout })
  end)

  it("is connected when the server accepts", function()
    local s = connecting()
    assert.are.same({ kind = "connected", sid = "wZX3oN0bSVIhsaknAAAI", recovered = false }, effect(s, ACCEPTED))
    assert.are.equal("connected", s.state)
    assert.are.equal("wZX3oN0bSVIhsaknAAAI", s.sid)
  end)

  it("names its namespace", function()
    local s = opened({ namespace = "/admin" })
    assert.are.equal("40/admin,{}", effect(s, OPEN).frame)
    assert.are.same({}, s:receive(ACCEPTED, false, 101))
    assert.are.equal("connected", effect(s, '40/admin,{"sid":"x"}').kind)
  end)

  local REFUSALS = {
    { '44{"message":"Invalid DOCKHOST_API_KEY"}', "Invalid DOCKHOST_API_KEY" },
    { '44{"message":"no","data":{"code":7}}', "no", { code = 7 } },
    { '44{"message":"no","data":null}', "no" },
    { '44"Unauthorized"', "Unauthorized" },
    { '44{"message":{}}', "the server gave no reason" },
    { "44{}", "the server gave no reason" },
  }
  for _, case in ipairs(REFUSALS) do
    it("is refused by " .. case[1], function()
      local s = connecting()
      assert.are.same({ kind = "refused", message = case[2], data = case[3] }, effect(s, case[1]))
      assert.are.equal("closed", s.state)
      assert.is_nil(s.deadline)
      assert.are.same({}, s:receive(ACCEPTED, false, 102))
    end)
  end

  it("closes when its auth has no form in JSON", function()
    local s = opened({ auth = { key = print } })
    local result = effect(s, OPEN)
    assert_closed(s, "protocol", result)
    assert.matches("found at key", result.reason)
  end)
end)

describe("session: deadlines", function()
  it("gives the server until connect_timeout, from the open websocket to the answer", function()
    local s = opened({ connect_timeout = 20 })
    assert.are.equal(120, s.deadline)
    s:receive(OPEN, false, 119)
    assert.are.equal(120, s.deadline)
    assert.are.same({}, s:tick(119.9))
    assert_closed(s, "timeout", s:tick(120)[1])
  end)

  it("expects a ping within pingInterval + pingTimeout", function()
    local s = connected()
    assert.are.equal(145, s.deadline)
    assert.are.same({}, s:tick(144.9))
    local result = s:tick(145)[1]
    assert_closed(s, "heartbeat", result)
    assert.matches("no ping for 45 s", result.reason)
  end)

  it("answers each ping and counts from it", function()
    local s = connected()
    assert.are.same({ { kind = "send", frame = "3" } }, s:receive("2", false, 130))
    assert.are.equal(175, s.deadline)
    assert.are.same({}, s:tick(174))
    s:tick(175)
    assert.are.equal(130, s.heard_at)
  end)

  it("is not kept alive by events", function()
    local s = connected()
    s:receive('42["foo"]', false, 144)
    assert_closed(s, "heartbeat", s:tick(145)[1])
  end)

  it("notices a heartbeat lost before the answer", function()
    local s = opened({ connect_timeout = 60 })
    s:receive('0{"sid":"x","pingInterval":300,"pingTimeout":200}', false, 100)
    assert.are.equal(100.5, s.deadline)
    assert_closed(s, "heartbeat", s:tick(100.5)[1])
  end)

  it("has none before the websocket is open", function()
    local s = session.new({})
    assert.is_nil(s.deadline)
    assert.are.same({}, s:tick(1e9))
  end)
end)

-- frame, the event that it means
local EVENTS = {
  { '42["foo"]', { name = "foo", args = { n = 0 } } },
  { '42["hey","Jude"]', { name = "hey", args = { "Jude", n = 1 } } },
  { '42["a",null,false]', { name = "a", args = { json.null, false, n = 2 } } },
  { '4212["foo",{"USERNAME":"ünï"}]', { name = "foo", args = { { USERNAME = "ünï" }, n = 1 }, id = 12 } },
  { '420["foo"]', { name = "foo", args = { n = 0 }, id = 0 } },
  { '42[7,"x"]', { name = "7", args = { "x", n = 1 } } },
  { '450-["foo"]', { name = "foo", args = { n = 0 } } },
}

describe("session: events", function()
  for _, case in ipairs(EVENTS) do
    it("delivers " .. case[1], function()
      case[2].kind = "event"
      assert.are.same(case[2], effect(connected(), case[1]))
    end)
  end

  it("collects attachments", function()
    local s = connected()
    assert.are.same({}, s:receive('451-9["baz",' .. PLACEHOLDER .. "]", false, 101))
    assert.are.same(
      { kind = "event", name = "baz", args = { "\1\2\3\4", n = 1 }, id = 9 },
      effect(s, "\1\2\3\4", true)
    )
    assert.are.equal("event", effect(s, '42["foo"]').kind)
  end)

  it("answers a ping between a packet and its attachments", function()
    local s = connected()
    s:receive('451-["baz",' .. PLACEHOLDER .. "]", false, 101)
    assert.are.equal("3", effect(s, "2").frame)
    assert.are.equal("event", effect(s, "x", true).kind)
  end)

  local IGNORED = { "6", "3", "3probe", "5", '42/other,["foo"]', "41/other,", '44/other,"no"', '430["late"]' }
  for _, frame in ipairs(IGNORED) do
    it("ignores " .. frame, function()
      local s = connected()
      assert.are.same({}, s:receive(frame, false, 101))
      assert.are.equal("connected", s.state)
    end)
  end
end)

describe("session: acknowledgements", function()
  it("numbers them and reports the answers", function()
    local s = connected()
    local frame, id = s:emit_with_ack("hello", { "world" })
    assert.are.equal('420["hello","world"]', frame)
    assert.are.equal(0, id)
    assert.are.same({ '421["again"]', 1 }, { s:emit_with_ack("again") })
    assert.are.same({ kind = "ack", id = 0, args = { "bar", n = 1 } }, effect(s, '430["bar"]'))
    assert.are.same({ kind = "ack", id = 1, args = { n = 0 } }, effect(s, "431[]"))
    assert.are.same({}, s:receive("432[]", false, 101))
  end)

  it("reports a binary answer", function()
    local s = connected()
    s:emit_with_ack("tellme", {})
    s:receive("461-0[" .. PLACEHOLDER .. "]", false, 101)
    assert.are.same({ kind = "ack", id = 0, args = { "\xFF", n = 1 } }, effect(s, "\xFF", true))
  end)

  it("does not use up a number when nothing can be sent", function()
    local s = connected()
    local frame, message, code = s:emit_with_ack("x", { print })
    assert.is_nil(frame)
    assert.matches("a function", message)
    assert.are.equal("encode", code)
    assert.are.equal('420["x"]', s:emit_with_ack("x"))
  end)
end)

describe("session: sending", function()
  it("writes events", function()
    local s = connected()
    assert.are.equal('42["J. Doe",{"success":true}]', s:emit("J. Doe", { { success = true } }))
    assert.are.equal('42["alice",true]', s:emit("alice", { true }))
    assert.are.equal('42["a",null,2]', s:emit("a", { nil, 2, n = 2 }))
    assert.are.equal('42["a"]', s:emit("a"))
  end)

  it("writes acknowledgements", function()
    local s = connected({ namespace = "/admin" }, '40/admin,{"sid":"x"}')
    assert.are.equal('43/admin,13["bar"]', s:ack(13, { "bar" }))
    assert.are.equal("43/admin,14[]", s:ack(14, {}))
    assert.are.equal('42/admin,["foo"]', s:emit("foo", {}))
  end)

  local RESERVED = { "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener" }
  for _, name in ipairs(RESERVED) do
    it("never emits " .. name, function()
      local frame, message, code = connected():emit(name, {})
      assert.is_nil(frame)
      assert.matches(name, message)
      assert.are.equal("reserved", code)
    end)
  end

  it("sends nothing before it is connected", function()
    local s = connecting()
    assert.is_nil(s:emit("a", {}))
    assert.is_nil(s:emit_with_ack("a", {}))
    assert.are.equal("closed", select(3, s:ack(1, {})))
  end)

  it("leaves what it has asked for, answered or not", function()
    assert.is_nil(opened():leave())
    assert.are.equal("41", connecting():leave())
  end)

  it("leaves once, and is silent then", function()
    local s = connected()
    assert.are.equal("41", s:leave())
    assert.are.equal("closed", s.state)
    assert.is_nil(s.deadline)
    assert.is_nil(s:leave())
    assert.is_nil(s:emit("a", {}))
    assert.are.same({}, s:receive("2", false, 101))
    assert.are.equal("41/admin,", connected({ namespace = "/admin" }, '40/admin,{"sid":"x"}'):leave())
  end)
end)

describe("session: recovery", function()
  it("asks for the last session and says whether it got it", function()
    local s = opened({ auth = { key = "k" }, pid = "p1", offset = "o1" })
    assert.are.equal('40{"key":"k","offset":"o1","pid":"p1"}', effect(s, OPEN).frame)
    assert.are.same({ kind = "connected", sid = "s1", pid = "p1", recovered = true }, effect(s, RECOVERABLE))
  end)

  it("says when the server began a new session", function()
    local s = connecting({ pid = "old", offset = "o1" })
    assert.are.same({ kind = "connected", sid = "s1", pid = "p1", recovered = false }, effect(s, RECOVERABLE))
    assert.are.equal("p1", s.pid)
    -- The server keeps its packets across sessions, so the mark still tells it what we have seen.
    assert.are.equal("o1", s.offset)
  end)

  it("forgets the pid when the server offers no recovery", function()
    local s = connecting({ pid = "old", offset = "o1" })
    assert.is_false(effect(s, ACCEPTED).recovered)
    assert.is_nil(s.pid)
  end)

  it("never changes the auth that it was given", function()
    local auth = {}
    connecting({ auth = auth, pid = "p1", offset = "o1" })
    assert.are.same({}, auth)
  end)

  it("notes the mark that the server appends, and leaves it in the arguments", function()
    local s = connected({}, RECOVERABLE)
    local event = effect(s, '42["cmd",{"USERNAME":"a"},"offset-1"]')
    assert.are.same({ { USERNAME = "a" }, "offset-1", n = 2 }, event.args)
    assert.are.equal("offset-1", s.offset)
  end)

  -- The reference appends no mark to an event that it wants acknowledged.
  local UNMARKED = { '425["cmd","text"]', '42["cmd"]', '42["cmd","x",1]', '42["cmd","' .. ("x"):rep(129) .. '"]' }
  for _, frame in ipairs(UNMARKED) do
    it("takes no mark from " .. frame:sub(1, 30), function()
      local s = connected({ pid = "p1", offset = "before" }, RECOVERABLE)
      effect(s, frame)
      assert.are.equal("before", s.offset)
    end)
  end

  it("takes a mark that stands alone for no argument", function()
    local s = connected({}, RECOVERABLE)
    assert.are.same({ n = 0 }, effect(s, '42["list-containers","o5"]').args)
    assert.are.equal("o5", s.offset)
  end)

  it("takes no mark when the server offers no recovery", function()
    local s = connected()
    effect(s, '42["cmd","text"]')
    assert.is_nil(s.offset)
  end)

  -- socket.io sends the missed events while it builds the recovered socket: before the CONNECT.
  it("delivers missed events, which come before the answer, after it", function()
    local s = connecting({ pid = "p1", offset = "o1" })
    assert.are.same({}, s:receive('42["first","o2"]', false, 101))
    assert.are.same({}, s:receive('451-["second",' .. PLACEHOLDER .. ',"o3"]', false, 101))
    assert.are.same({}, s:receive("\1", true, 101))
    assert.are.equal("o1", s.offset)
    assert.are.same({
      { kind = "connected", sid = "s1", pid = "p1", recovered = true },
      { kind = "event", name = "first", args = { n = 0 } },
      { kind = "event", name = "second", args = { "\1", "o3", n = 2 } },
    }, s:receive(RECOVERABLE, false, 101))
    assert.are.equal("o3", s.offset)
  end)

  it("drops missed events when it is refused, so that they are missed still", function()
    local s = connecting({ pid = "p1", offset = "o1" })
    s:receive('42["first","o2"]', false, 101)
    assert.are.equal("refused", effect(s, '44{"message":"no"}').kind)
    assert.are.equal("o1", s.offset)
  end)

  it("keeps at most 1000 of them", function()
    local s = connecting()
    for _ = 1, 1000 do
      assert.are.same({}, s:receive('42["a"]', false, 101))
    end
    assert_closed(s, "protocol", effect(s, '42["a"]'))
  end)

  it("keeps at most 4 MiB of them", function()
    local s = connecting()
    local frame = '42["' .. ("x"):rep(1024 * 1024) .. '"]'
    for _ = 1, 3 do
      assert.are.same({}, s:receive(frame, false, 101))
    end
    assert_closed(s, "protocol", effect(s, frame))
  end)
end)

-- The reason for the end, after the frames before; true for a binary frame.
local ENDS = {
  { opened, "server", "1" },
  { opened, "protocol", "2" },
  { opened, "protocol", '42["a"]' },
  { opened, "protocol", "hello" },
  { opened, "protocol", "" },
  { opened, "protocol", "x", true },
  { opened, "protocol", "0{}" },
  { connecting, "protocol", OPEN },
  { connecting, "server", "41" },
  { connecting, "server", "1" },
  -- What socket.io 2 says: it accepts everybody, without a session id.
  { connecting, "protocol", "40" },
  { connecting, "protocol", '40{"sid":5}' },
  { connecting, "protocol", '40{"sid":""}' },
  { connected, "protocol", ACCEPTED },
  { connected, "server", "41" },
  { connected, "server", "1" },
  { connected, "protocol", "7" },
  { connected, "protocol", "47" },
  { connected, "protocol", "4" },
  { connected, "protocol", '42{"a":1}' },
  { connected, "protocol", '42["connect"]' },
  { connected, "protocol", '42["\xFF"]' },
  { connected, "protocol", "43[]" },
  { connected, "protocol", "\1\2", true },
  { connected, "protocol", '450-["a",' .. PLACEHOLDER .. "]" },
  { connected, "protocol", '4511-["a"]' },
}

describe("session: ends", function()
  for _, case in ipairs(ENDS) do
    it(("closes (%s) at %q"):format(case[2], case[3]:sub(1, 40)), function()
      local s = case[1]()
      assert_closed(s, case[2], effect(s, case[3], case[4]))
    end)
  end

  it("closes when text comes in place of an attachment", function()
    local s = connected()
    s:receive('451-["a",' .. PLACEHOLDER .. "]", false, 101)
    assert_closed(s, "protocol", effect(s, '42["b"]'))
  end)

  it("closes when an attachment has no place", function()
    local s = connected()
    s:receive('451-["a",{"_placeholder":true,"num":1}]', false, 101)
    assert_closed(s, "protocol", effect(s, "x", true))
  end)

  it("closes when attachments exceed 4 MiB together", function()
    local s = connected()
    local part = ("x"):rep(2 * 1024 * 1024)
    s:receive('453-["a"]', false, 101)
    assert.are.same({}, s:receive(part, true, 101))
    assert.are.same({}, s:receive(part, true, 101))
    assert_closed(s, "protocol", effect(s, "x", true))
  end)
end)

local BINARY = '451-["a",' .. PLACEHOLDER .. "]"
local FRAMES = { OPEN, ACCEPTED, RECOVERABLE, "2", "6", '42["a",1]', BINARY, '431["x"]', '44"n"' }

-- A frame of those above, in one of two cases with one place of it overwritten.
local function random_frame()
  local frame = FRAMES[math.random(#FRAMES)]
  if math.random(2) == 1 then
    return frame
  end
  local at = math.random(#frame)
  return frame:sub(1, at - 1) .. string.char(math.random(0, 255)) .. frame:sub(at + math.random(0, 2))
end

it("session: never raises, and says nothing after its end", function()
  math.randomseed(23)
  for _ = 1, 4000 do
    local s = connecting()
    local ended = false
    for now = 101, 106 do
      for _, result in ipairs(s:receive(random_frame(), math.random(8) == 1, now)) do
        assert.is_false(ended)
        ended = result.kind == "close" or result.kind == "refused"
      end
      assert.are.equal(ended, s.state == "closed")
    end
  end
end)
