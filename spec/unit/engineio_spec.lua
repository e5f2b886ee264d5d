-- dockhost.engineio: frames of the protocol document, and handshakes.
local engineio = require("dockhost.engineio")

local FRAMES = {
  { "4hello", "message", "hello" },
  { "2", "ping", "" },
  { "3", "pong", "" },
  { "2probe", "ping", "probe" },
  { "1", "close", "" },
  { "5", "upgrade", "" },
  { "6", "noop", "" },
  { '0{"sid":"x"}', "open", '{"sid":"x"}' },
  { "4€", "message", "€" },
}

local REFUSED = { "", "7", "x", " 4hello", "bAQIDBA==", "4\xFF", "4\xED\xA0\x80", "\x04" }

local OPEN = '{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000'

local BAD_HANDSHAKES = {
  "", "null", "[]", "{}", '"x"', "5",
  '{"sid":"","pingInterval":1,"pingTimeout":1}',
  '{"sid":5,"pingInterval":1,"pingTimeout":1}',
  '{"sid":"x","pingInterval":25000}',
  '{"sid":"x","pingInterval":"25000","pingTimeout":1}',
  '{"sid":"x","pingInterval":0,"pingTimeout":1}',
  '{"sid":"x","pingInterval":-5,"pingTimeout":1}',
  '{"sid":"x","pingInterval":1e300,"pingTimeout":1}',
  OPEN .. ',"maxPayload":0}',
  OPEN .. ',"maxPayload":-1}',
  OPEN .. ',"maxPayload":1.5}',
  OPEN .. ',"maxPayload":"1"}',
  '{"sid":"' .. ("x"):rep(257) .. '","pingInterval":1,"pingTimeout":1}',
}

describe("engineio", function()
  for _, case in ipairs(FRAMES) do
    it("reads and writes " .. case[1], function()
      assert.are.same({ type = case[2], data = case[3], binary = false }, engineio.decode(case[1], false))
      assert.are.equal(case[1], engineio.encode(case[2], case[3]))
    end)
  end

  it("takes a binary frame as a message, unchanged", function()
    assert.are.same({ type = "message", data = "\1\2\xFF", binary = true }, engineio.decode("\1\2\xFF", true))
  end)

  it("writes a packet without data", function()
    assert.are.equal("3", engineio.encode("pong"))
  end)

  for _, frame in ipairs(REFUSED) do
    it(("refuses %q"):format(frame), function()
      local packet, message = engineio.decode(frame, false)
      assert.is_nil(packet)
      assert.matches("^the server sent ", message)
    end)
  end

  it("reads the handshake of the protocol document", function()
    assert.are.same({
      sid = "lv_VI97HAXpY6yYWAAAC",
      pingInterval = 25000,
      pingTimeout = 20000,
      maxPayload = 1000000,
    }, engineio.handshake(OPEN .. ',"maxPayload":1000000}'))
  end)

  it("knows what a server allows that does not say so", function()
    assert.are.equal(1000000, engineio.handshake(OPEN .. "}").maxPayload)
    assert.are.equal(1000000, engineio.handshake(OPEN .. ',"maxPayload":null}').maxPayload)
    assert.are.equal(77, engineio.handshake(OPEN .. ',"maxPayload":77}').maxPayload)
  end)

  for _, data in ipairs(BAD_HANDSHAKES) do
    it("refuses the handshake " .. data:sub(1, 90), function()
      local open, message = engineio.handshake(data)
      assert.is_nil(open)
      assert.matches("^the server's Engine.IO handshake ", message)
    end)
  end
end)
