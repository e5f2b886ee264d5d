-- dockhost.json: what it decodes is what the reference reads, and goes round; what it encodes parses again.
local check = require("check")
local json = require("dockhost.json")
local reference = require("reference_json")

local function check_value(value, depth)
  local kind = type(value)
  if kind == "number" then
    check.that(value - value == 0, "a number that is not finite", value)
    local small = value % 1 == 0 and math.abs(value) <= 2 ^ 53
    check.that((math.type(value) == "integer") == small, "a number of the wrong subtype", value)
  elseif kind == "table" then
    check.that(depth < 64, "a value that is nested too deeply")
    local is_array = json.is_array(value)
    for key, item in next, value do
      check.that(type(key) == (is_array and "number" or "string"), "a key of the wrong type", key)
      check_value(item, depth + 1)
    end
  else
    check.that(kind == "string" or kind == "boolean" or value == json.null, "a value that JSON does not have", kind)
  end
end

-- Two keys that are not UTF-8 may be written the same.
local function check_round(value, exact)
  local text, message = json.encode(value)
  check.that(text, "what was decoded can't be encoded", message)
  check.that(utf8.len(text) and not text:find("[\0-\31]"), "an encoded text that is no line of UTF-8", text)
  local again, problem = json.decode(text)
  check.that(again ~= nil, "what was encoded can't be decoded", problem, text)
  check.that(not exact or json.encode(again) == text, "a text that does not go round", text)
  local valid, value_again = reference.decode(text)
  check.that(valid, "what was encoded is not JSON", text)
  check.same(value_again, again, "the reference reads what was encoded differently")
end

local function check_decode(text)
  local value, message = json.decode(text)
  local valid, expected = reference.decode(text)
  if value == nil then
    check.message(message, 300)
    check.that(not valid or text:find("[\0\xFF]"), "this is JSON, but was refused", message, text)
    return
  end
  check_value(value, 0)
  check_round(value, utf8.len(text))
  if valid then
    check.same(value, expected, "the reference reads another value")
  end
end

-- A stack machine: the bytes build a value as no decoder would, which is encoded.
local BUILDERS = {
  function(stack, byte) stack[#stack + 1] = byte end,
  function(stack, byte) stack[#stack + 1] = byte / 7 end,
  function(stack, byte) stack[#stack + 1] = ("\u{FFFD}\xED\xA0\x80/\\\"\0\xFF"):rep(byte % 3):sub(byte % 9 + 1) end,
  function(stack) stack[#stack + 1] = {} end,
  function(stack) stack[#stack + 1] = json.array({}) end,
  function(stack) stack[#stack + 1] = json.null end,
  function(stack) stack[#stack + 1] = 2 ^ 53 end,
  function(stack, byte) stack[#stack + 1] = byte % 2 == 0 and math.huge or print end,
  function(stack, byte)
    local value = table.remove(stack)
    local target = stack[#stack]
    if type(target) == "table" and value ~= nil then
      target[byte % 2 == 0 and byte // 16 or byte % 4 == 1 and ("k" .. byte) or #target + 1] = value
    end
  end,
  function(stack) stack[#stack + 1] = stack[1] end,
}

local function check_encode(bytes)
  local stack = {}
  for i = 1, math.min(#bytes, 4096) - 1, 2 do
    local kind, byte = bytes:byte(i, i + 1)
    BUILDERS[kind % #BUILDERS + 1](stack, byte)
  end
  local text, message = json.encode(stack[1])
  if text == nil then
    check.message(message, 400)
  else
    check.that(utf8.len(text), "an encoded text that is not UTF-8", text)
    check.that(json.decode(text) ~= nil, "what was encoded can't be decoded", text)
  end
end

return function(bytes)
  if bytes:byte() == 1 then
    check_encode(bytes:sub(2))
  else
    check_decode(bytes)
  end
end
