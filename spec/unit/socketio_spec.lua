-- dockhost.socketio: packets of the protocol document and of the reference parser's rules.
local json = require("dockhost.json")
local socketio = require("dockhost.socketio")

local PLACEHOLDER = '{"_placeholder":true,"num":%d}'
local function placeholder(num)
  return PLACEHOLDER:format(num)
end

-- Texts that are read and written alike.
local PACKETS = {
  { "0", { type = "connect", namespace = "/" } },
  { "0{}", { type = "connect", namespace = "/", data = {} } },
  {
    '0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}',
    { type = "connect", namespace = "/admin", data = { sid = "oSO0OpakMV_3jnilAAAA" } },
  },
  { "1", { type = "disconnect", namespace = "/" } },
  { "1/admin,", { type = "disconnect", namespace = "/admin" } },
  { '2["foo"]', { type = "event", namespace = "/", data = { "foo" } } },
  { '2/admin,["bar"]', { type = "event", namespace = "/admin", data = { "bar" } } },
  { '212["foo"]', { type = "event", namespace = "/", id = 12, data = { "foo" } } },
  { '2/admin,0["a/b,c"]', { type = "event", namespace = "/admin", id = 0, data = { "a/b,c" } } },
  { '2[1,"a",{}]', { type = "event", namespace = "/", data = { 1, "a", {} } } },
  { '3/admin,13["bar"]', { type = "ack", namespace = "/admin", id = 13, data = { "bar" } } },
  { "312[]", { type = "ack", namespace = "/", id = 12, data = json.array({}) } },
  {
    '4{"message":"Not authorized"}',
    { type = "connect_error", namespace = "/", data = { message = "Not authorized" } },
  },
  { '4"Unauthorized"', { type = "connect_error", namespace = "/", data = "Unauthorized" } },
  { '2999999999999999["foo"]', { type = "event", namespace = "/", id = 999999999999999, data = { "foo" } } },
}

-- Texts that are only read.
local READ_ONLY = {
  { "1/admin", { type = "disconnect", namespace = "/admin" } },
  { '0/,{"sid":"x"}', { type = "connect", namespace = "/", data = { sid = "x" } } },
  { '2["a", null ]', { type = "event", namespace = "/", data = { "a", json.null } } },
  {
    '51-["baz",' .. placeholder(0) .. "]",
    { type = "binary_event", namespace = "/", attachments = 1, data = { "baz", { _placeholder = true, num = 0 } } },
  },
  { '50-["hello"]', { type = "binary_event", namespace = "/", attachments = 0, data = { "hello" } } },
  { '510-/a,7["x"]', { type = "binary_event", namespace = "/a", attachments = 10, id = 7, data = { "x" } } },
  {
    '61-/admin,1[' .. placeholder(0) .. "]",
    { type = "binary_ack", namespace = "/admin", attachments = 1, id = 1, data = { { _placeholder = true, num = 0 } } },
  },
}

local MALFORMED = {
  "", "7", "999", "x", "-1", "/", " 2", '442["some","data"', '0/admin,"invalid"', "0[]", "0null", "1/admin,{}", '1""',
  '2/admin,"invalid', "2/admin,{}", '2[{"toString":"foo"}]', '2[true,"foo"]', '2[null,"bar"]', '2["connect"]',
  '2["disconnect","123"]', '2["newListener"]', "2", "212", "2[]", "2{}", "2false", '2["a"]x', "3", "3[]", '3["a"]',
  "312", "312{}", "4", "4[]", "41", "4null", "5", "51", "5a-", "51.23-", '511-["a"]', '5999999999999999999999-["a"]',
  '5-1-["a"]', '5["a"]', '6["a"]', '61-["a"]', '60-{}1', '21234567890123456["a"]', "2/" .. ("n"):rep(256) .. ',["a"]',
  '2["a"' .. (",["):rep(70) .. ("]"):rep(71), "0" .. ("1"):rep(100000), '2[1e400]', "2\0", "\0",
}

local UNSENDABLE = {
  { "a reserved name", { type = "event", data = { "disconnect" } } },
  { "an event without a name", { type = "event", data = json.array({}) } },
  { "an event with an object", { type = "event", data = { a = 1 } } },
  { "an event whose name is a boolean", { type = "event", data = { true } } },
  { "an ack without an id", { type = "ack", data = { 1 } } },
  { "an ack with an object", { type = "ack", id = 1, data = {} } },
  { "a disconnect with data", { type = "disconnect", data = {} } },
  { "a connect with an array", { type = "connect", data = { 1 } } },
  { "a binary event", { type = "binary_event", data = { "a" }, attachments = 0 } },
  { "an unknown type", { type = "nonsense" } },
  { "data without a JSON form", { type = "event", data = { "a", print } } },
}

describe("socketio", function()
  for _, case in ipairs(PACKETS) do
    it("reads and writes " .. case[1], function()
      assert.are.same(case[2], socketio.decode(case[1]))
      assert.are.equal(case[1], socketio.encode(case[2]))
    end)
  end

  for _, case in ipairs(READ_ONLY) do
    it("reads " .. case[1], function()
      assert.are.same(case[2], socketio.decode(case[1]))
    end)
  end

  for _, text in ipairs(MALFORMED) do
    it(("refuses %q"):format(text:sub(1, 40)), function()
      local packet, message = socketio.decode(text)
      assert.is_nil(packet)
      assert.matches("^the server sent a Socket.IO packet that ", message)
    end)
  end

  for _, case in ipairs(UNSENDABLE) do
    it("does not write " .. case[1], function()
      local text, message = socketio.encode(case[2])
      assert.is_nil(text)
      assert.is_string(message)
    end)
  end

  it("writes the main namespace when none is given", function()
    assert.are.equal('2["foo"]', socketio.encode({ type = "event", data = { "foo" } }))
  end)

  it("never raises on mutated packets", function()
    math.randomseed(17)
    local seeds = {}
    for _, list in ipairs({ PACKETS, READ_ONLY }) do
      for _, case in ipairs(list) do
        seeds[#seeds + 1] = case[1]
      end
    end
    for _ = 1, 20000 do
      local text = seeds[math.random(#seeds)]
      local at = math.random(#text)
      local mutated = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + math.random(0, 2))
      local packet, message = socketio.decode(mutated)
      assert(packet or type(message) == "string")
    end
  end)
end)

local function assemble(text, ...)
  return socketio.assemble(assert(socketio.decode(text)), { ... })
end

describe("socketio.assemble", function()
  it("puts attachments in their places", function()
    local text = '52-/admin,["baz",' .. placeholder(0) .. ',{"deep":[' .. placeholder(1) .. "]}]"
    assert.are.same(
      { type = "event", namespace = "/admin", data = { "baz", "\1\2", { deep = { "\3\4" } } } },
      assemble(text, "\1\2", "\3\4")
    )
  end)

  it("makes an ack of a binary ack", function()
    assert.are.same(
      { type = "ack", namespace = "/", id = 15, data = { "bar", "\1\2\3\4" } },
      assemble('61-15["bar",' .. placeholder(0) .. "]", "\1\2\3\4")
    )
  end)

  it("leaves alone what only looks like a placeholder", function()
    local event = assemble('50-["a",{"_placeholder":false,"num":0},{"num":0}]')
    assert.are.same({ "a", { _placeholder = false, num = 0 }, { num = 0 } }, event.data)
  end)

  for _, num in ipairs({ "1", "-1", "0.5", '"splice"', "null", "[]", "1e300" }) do
    it("refuses a placeholder for attachment " .. num, function()
      local packet, message = assemble('51-["hello",{"_placeholder":true,"num":' .. num .. "}]", "world")
      assert.is_nil(packet)
      assert.matches("attachment that it does not have", message)
    end)
  end

  it("refuses a placeholder without a number", function()
    assert.is_nil(assemble('51-["hello",{"_placeholder":true}]', "world"))
  end)
end)
