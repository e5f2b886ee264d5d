-- dockhost.json: what it keeps that lua-cjson alone would lose.
local json = require("dockhost.json")

local function round_trip(text)
  local value, message = json.decode(text)
  assert(value ~= nil, message)
  return assert(json.encode(value))
end

-- Texts that come back as they were.
local FAITHFUL = {
  "[]",
  "{}",
  "[[],{},[[]],[{}]]",
  '{"a":[],"b":{},"c":[null],"d":[[],[]]}',
  "[null]",
  "null",
  "true",
  "false",
  '""',
  '"[]"',
  '{"[]":[]}',
  '["[]",[],"a [] b","[\\"[]\\"]"]',
  '{"label":"{\\"ports\\":[]}","ports":[]}',
  '["\\\\",[],"\\\\\\"[]"]',
  "[0,-1,1.5,0.1,1e+300,9007199254740992,-9007199254740992]",
  '["a/b","\\\\/","\\u0000\\u001f\\u007f","é€😀"]',
  '{"":1,"1":2}',
  '["\u{10FFFE}empty",["\u{FF}"]]',
}

-- text, the value that it means
local MEANINGS = {
  { "[1,2.0,1e3,-0]", { 1, 2, 1000, 0 } },
  { " [ ] ", {} },
  { '"\\ud83d\\ude00"', "😀" },
  { '"\\ud83d"', "\u{FFFD}" },
  { '"\\ud83dx\\ude00\\ud83d\\ude00"', "\u{FFFD}x\u{FFFD}😀" },
  { '"\\\\ud83d"', "\\ud83d" },
  { '["\\ud800",[]," [] "]', { "\u{FFFD}", {}, " [] " } },
  { '{"a":1,"a":2}', { a = 2 } },
  { '["\\udbff\\udffeempty"]', { "\u{10FFFE}empty" } },
  { '["\\u00ff"]', { "\u{FF}" } },
}

local MALFORMED = {
  "", " ", "[", "]", "[1,]", '{"a":1,}', "{1:2}", "NaN", "[Infinity]", "-Infinity", "0x10", "01", "+1", ".5", "tru",
  "[1] x", "[] []", '"abc', '"\\x"', "[1e400]", "-1e400", '{"a":[1e999]}', "[1]\0", "\0\0\0[", "\xEF\xBB\xBF[]",
  '["\xFF"]', '"\u{10FFFE}\xFF"',
  "[" .. '"\\ud8"' .. "]", "[] '", '["[]"', ("["):rep(65) .. ("]"):rep(65), ("["):rep(100000),
}

local function nested(depth)
  local value = {}
  for _ = 2, depth do
    value = { value }
  end
  return value
end

describe("json.decode", function()
  for _, text in ipairs(FAITHFUL) do
    it("keeps " .. text, function()
      assert.are.equal(text, round_trip(text))
    end)
  end

  for _, case in ipairs(MEANINGS) do
    it("understands " .. case[1], function()
      assert.are.same(case[2], json.decode(case[1]))
    end)
  end

  for _, text in ipairs(MALFORMED) do
    it(("refuses %q"):format(text:sub(1, 30)), function()
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.matches("^this is not JSON: ", message)
    end)
  end

  it("makes integers of integral numbers up to 2^53, and of no others", function()
    local list = json.decode("[3,3.0,9007199254740992,9007199254740994,1.5]")
    assert.are.equal("3", tostring(list[2]))
    local types = {}
    for i, number in ipairs(list) do
      types[i] = math.type(number)
    end
    assert.are.same({ "integer", "integer", "integer", "float", "float" }, types)
  end)

  it("reads tables nested 64 deep", function()
    local text = ("["):rep(64) .. ("]"):rep(64)
    assert.are.equal(text, round_trip(text))
  end)

  it("tells arrays from objects", function()
    local value = json.decode('{"list":[],"object":{},"full":[1]}')
    assert.is_true(json.is_array(value.list))
    assert.is_true(json.is_array(value.full))
    assert.is_false(json.is_array(value.object))
    assert.is_false(json.is_array(value))
  end)

  -- A frame's most, of the worst kinds: what it is made of, what stands around that, and what becomes of it.
  local FRAME = 4 * 1024 * 1024
  local TOO_MANY, BROKEN = "holds more than 65536 values", "this is not JSON"
  local WORST = {
    { "[", "", "", TOO_MANY }, { "[ ", "", "", TOO_MANY }, { "[],", "[", "1]", TOO_MANY },
    { "[[]],", "[", "1]", TOO_MANY },
    { "1,", "[", "1]", TOO_MANY }, { '"a",', "[", "1]", TOO_MANY }, { '{"a":', "", "", TOO_MANY },
    { '"a":1,', "{", '"a":1}', TOO_MANY }, { '{"a":1},', "[", "1]", TOO_MANY }, { '""', "", "", TOO_MANY },
    { "9", "[", "]", "a number is out of range" }, { "-", "", "", BROKEN }, { " ", "[", "", BROKEN },
    { "\\", "", "", BROKEN },
    { '\\"', '["', "", BROKEN }, { "\\\\", '["', "", BROKEN }, { "\\ud800", '["', '"]', "halves of surrogate pairs" },
    { "\\ud800", '["[]', '"]', "halves of surrogate pairs" }, { '"[]', "[", "", BROKEN },
    { "x", '["', '"]' }, { "[", '["', '"]' }, { "[]", '["', '"]' }, { "[],", '["', '"]' }, { "\\u0041", '["', '"]' },
    { "\\\\", '["', '"]' }, { '\\"[]', '["', '"]' }, { "\\ud83d\\ude00", '["', '"]' }, { " ", "[", "]" },
  }
  for _, case in ipairs(WORST) do
    local piece, before, after, problem = table.unpack(case)
    it(("bounds 4 MiB of %q, in time and heap"):format(piece), function()
      local text = before .. piece:rep((FRAME - #before - #after) // #piece) .. after
      collectgarbage()
      local heap, started = collectgarbage("count"), os.clock()
      local value, message = json.decode(text)
      local seconds = os.clock() - started
      assert.is_true(collectgarbage("count") - heap < 64 * 1024)
      assert.is_true(seconds < 0.9, seconds)
      if problem then
        assert.is_nil(value)
        assert.matches(problem, message, 1, true)
      else
        assert.equal("table", type(value))
      end
    end)
  end

  it("counts values and keys, none of which are inside of strings", function()
    local function list(n)
      return "[" .. ("1,"):rep(n - 2) .. "1]"
    end
    assert.equal(65534, #json.decode(list(65535)))
    assert.is_nil(json.decode(list(65537)))
    assert.equal(99998, #json.decode(list(99999), 100000))
    assert.is_nil(json.decode(list(100001), 100000))
    assert.equal(199999, #json.decode(list(200000), math.maxinteger))
    local text = ('[{"a":1},'):rep(30000)
    assert.same({ text, {} }, json.decode(json.encode({ text, json.array({}) })))
    assert.same({ text, "\u{FFFD}[]" }, json.decode('[' .. json.encode(text) .. ',"\\udc00[]"]'))
  end)

  it("never raises on mutated texts", function()
    math.randomseed(11)
    for _ = 1, 20000 do
      local text = FAITHFUL[math.random(#FAITHFUL)]
      local at = math.random(#text)
      local byte = string.char(math.random(0, 255))
      local mutated = text:sub(1, at - 1) .. byte .. text:sub(at + math.random(0, 3))
      local value, message = json.decode(mutated)
      assert(value ~= nil or type(message) == "string")
    end
  end)
end)

-- value, its text
local TEXTS = {
  { {}, "{}" },
  { json.array({}), "[]" },
  { { json.null, 1 }, "[null,1]" },
  { nil, "null" },
  { 3, "3" },
  { 3.0, "3" },
  { 0.1, "0.1" },
  { 1 / 3, "0.3333333333333333" },
  { 0.1 + 0.2, "0.30000000000000004" },
  { 2 ^ 53, "9007199254740992" },
  { math.maxinteger, "9223372036854775807" },
  { math.mininteger, "-9223372036854775808" },
  { { b = 1, a = 2, C = 3 }, '{"C":3,"a":2,"b":1}' },
  { { 1, 2, x = 3 }, '{"1":1,"2":2,"x":3}' },
  { { [1] = "a", [3] = "c" }, '{"1":"a","3":"c"}' },
  { { [1.5] = true, [math.huge] = true }, '{"1.5":true,"inf":true}' },
  { { "number", ["1"] = "string" }, '{"1":"string"}' },
  { json.array({ x = 1 }), '{"x":1}' },
  { 'a/b\\/"\n', '"a/b\\\\/\\"\\n"' },
  { "a\xFFb", '"a\u{FFFD}b"' },
  { { ["k\xFF"] = 1 }, '{"k\u{FFFD}":1}' },
}

local function itself()
  local t = {}
  t.t = t
  return t
end

-- value, a pattern of the message
local IMPOSSIBLE = {
  { 0 / 0, "a number that is not finite$" },
  { { a = { 1, math.huge } }, "not finite, found at a%[2%]$" },
  { { data = { run = print } }, "a function, found at data%.run$" },
  { { { io.stdout } }, "a userdata, found at %[1%]%[1%]$" },
  { coroutine.create(print), "a thread$" },
  { { x = { [true] = 1 } }, "a key that is a boolean, found at x$" },
  { itself(), "nested deeper than 64 levels, or inside itself, found at t%.t%." },
  { nested(65), "nested deeper than 64 levels" },
  { { [("k"):rep(10000)] = print }, "a function, found at k+$" },
}

describe("json.encode", function()
  for _, case in pairs(TEXTS) do
    it("writes " .. case[2], function()
      assert.are.equal(case[2], json.encode(case[1]))
    end)
  end

  for _, case in ipairs(IMPOSSIBLE) do
    it("refuses " .. case[2], function()
      local text, message = json.encode(case[1])
      assert.is_nil(text)
      assert.matches(case[2], message)
      assert.is_true(#message < 400)
    end)
  end

  it("writes tables nested 64 deep", function()
    assert.are.equal(("["):rep(63) .. "{}" .. ("]"):rep(63), json.encode(nested(64)))
  end)

  it("writes every float so that it reads back the same", function()
    math.randomseed(13)
    for _ = 1, 5000 do
      local number = (math.random() - 0.5) * 10.0 ^ math.random(-300, 300)
      assert.are.equal(number, json.decode(json.encode(number)))
    end
  end)

  it("does not ask metamethods", function()
    local trap = function()
      error("asked")
    end
    local value = setmetatable({ 1 }, { __index = trap, __len = trap, __pairs = trap })
    assert.are.equal("[1]", json.encode(value))
  end)
end)

describe("json.bound", function()
  local function check(value)
    assert.is_true(json.bound(value) >= #json.encode(value))
  end

  it("is no less than what is written", function()
    for _, case in pairs(TEXTS) do
      check(case[1])
    end
    for _, text in ipairs(FAITHFUL) do
      check(json.decode(text))
    end
    check(("\1"):rep(1000))
    check({ [("\255"):rep(50)] = -1.2345678901234567e-300, [math.mininteger] = { [-1.25e-300] = true } })
  end)

  for _, case in ipairs(IMPOSSIBLE) do
    it("does not tell of " .. case[2], function()
      assert.is_nil(json.bound(case[1]))
    end)
  end

  it("gives up early", function()
    local value = { 1 }
    for _ = 1, 60 do
      value = { value, value }
    end
    assert.is_nil(json.bound(value))
  end)
end)
