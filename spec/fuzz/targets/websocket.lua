-- host.websocket against a server whose frames are the input: what arrives is what an independent reader of RFC 6455
-- finds, in order, within the limit; and the end is told once. The first byte says in what pieces they are sent.
local check = require("check")
local loop = require("host.loop")
local peer = require("fuzz.peer")
local timer = require("host.timer")
local websocket = require("host.websocket")

local LIMIT = 1000
local STEPS = { 1, 2, 3, 7, 100, 1000, 65536 }

local port = peer.listen_tcp()

-- (bytes) -> the messages up to where something is unusual: a control frame's payload, a masked or reserved frame, a
-- message over the limit.
local function read_messages(bytes)
  local messages, at, parts, binary = {}, 1, nil, nil
  while at + 1 <= #bytes do
    local first, second = bytes:byte(at, at + 1)
    local opcode, size = first & 15, second & 127
    at = at + 2
    if first & 0x70 ~= 0 or second & 128 ~= 0 then
      return messages
    elseif size == 126 and at + 1 <= #bytes then
      size, at = string.unpack(">I2", bytes, at)
    elseif size == 127 and at + 7 <= #bytes then
      size, at = string.unpack(">i8", bytes, at)
    elseif size > 125 then
      return messages
    end
    if size < 0 or at + size - 1 > #bytes or opcode > 2 and (size > 125 or first & 128 == 0) then
      return messages
    end
    local payload = bytes:sub(at, at + size - 1)
    at = at + size
    if opcode == 1 or opcode == 2 then
      if parts then
        return messages
      end
      parts, binary = {}, opcode == 2
    elseif opcode == 0 and not parts or opcode == 8 or opcode > 2 and opcode ~= 9 and opcode ~= 10 then
      return messages
    end
    if opcode <= 2 then
      parts[#parts + 1] = payload
      if first & 128 ~= 0 then
        messages[#messages + 1] = { table.concat(parts), binary }
        if #messages[#messages][1] > LIMIT then
          messages[#messages] = nil
          return messages
        end
        parts = nil
      end
    end
  end
  return messages
end

local function check_received(received, expected, bytes)
  for i, message in ipairs(received) do
    check.that(#message[1] <= LIMIT, "a message over the limit", #message[1])
    if expected[i] then
      check.that(message[1] == expected[i][1] and message[2] == expected[i][2], "another message", i, message[1],
        expected[i][1])
    end
  end
  check.that(#received >= #expected, "a message was lost", #received, #expected, bytes)
end

return function(bytes)
  local received, ended, opened, socket = {}, 0, 0, nil
  local frames = bytes:sub(2)
  peer.answer(STEPS[(bytes:byte() or 0) % #STEPS + 1], false, true, frames)
  socket = check.that(websocket.connect({
    host = "127.0.0.1", address = "127.0.0.1", port = port, path = "/", timeout = 30, limit = LIMIT,
    on_open = function()
      opened = opened + 1
      socket:send("hello")
    end,
    on_message = function(data, binary)
      check.that(opened == 1 and ended == 0, "a message outside of the connection")
      received[#received + 1] = { data, binary }
    end,
    on_close = function(message, code)
      ended = ended + 1
      check.that(type(message) == "string" and type(code) == "string", "an end without a reason")
      timer.start(0, loop.stop)
    end,
  }))
  local patience = timer.start(30, function()
    error("the connection does not end")
  end)
  loop.run()
  patience:close()
  check.that(ended == 1 and opened <= 1, "it ended another number of times", ended, opened)
  check_received(received, read_messages(frames), frames)
  peer.drop()
end
