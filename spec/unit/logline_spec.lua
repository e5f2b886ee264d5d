local logline = require("dockhost.logline")

local TIME = 1795520436.123

local function text(message, fields, options)
  local record = { time = TIME, level = "info", message = message, fields = fields }
  return logline.text(record, options or {}):match("^2026%-11%-24T11:40:36%.123Z info  (.*)$")
end

local function json(message, fields)
  local record = { time = TIME, level = "info", message = message, fields = fields }
  return logline.json(record, {}):match('^{"time":"2026%-11%-24T11:40:36%.123Z","level":"info","message":(.*)}$')
end

local cyclic = {}
cyclic.self = cyclic

local hostile = setmetatable({ 1 }, {
  __index = error, __len = error, __pairs = error, __tostring = error, __name = "hostile",
})

describe("logline", function()
  for name, case in pairs {
    ["a string"] = { "x", "x", '"x"' },
    ["an empty string"] = { "", '""', '""' },
    ["spaces"] = { "a b", '"a b"', '"a b"' },
    ["an equals sign"] = { "a=b", '"a=b"', '"a=b"' },
    ["quotes"] = { 'a"b\\', '"a\\"b\\\\"', '"a\\"b\\\\"' },
    ["punctuation"] = { "/a:b-c[d]{e}~!#;<>", "/a:b-c[d]{e}~!#;<>", '"/a:b-c[d]{e}~!#;<>"' },
    ["other scripts"] = { "Jürgen", "Jürgen", '"Jürgen"' },
    ["a newline"] = { "a\nb", '"a\\nb"', '"a\\nb"' },
    ["an escape"] = { "\27[2J", '"\\x1B[2J"', '"\\u001b[2J"' },
    ["a bidi override"] = { "\u{202E}", '"\\u{202E}"', '"\\u202e"' },
    ["invalid UTF-8"] = { "\xFF", '"\\xFF"', '"\u{FFFD}"' },
    ["an integer"] = { 12, "12", "12" },
    ["an integral float"] = { 12.0, "12", "12" },
    ["a fraction"] = { 0.5, "0.5", "0.5" },
    ["infinity"] = { math.huge, "inf", '"inf"' },
    ["a boolean"] = { false, "false", "false" },
    ["JSON's null"] = { io.stdout, "null", "null" },
    ["a function"] = { print, "function", '"function"' },
    ["a list"] = { { 1, "a b" }, '[1,"a b"]', '[1,"a b"]' },
    ["a table"] = { { b = 1, a = { c = true } }, '{"a":{"c":true},"b":1}', '{"a":{"c":true},"b":1}' },
    ["an empty table"] = { {}, "{}", "{}" },
    ["a cycle"] = { cyclic, '{"self":{"self":{"self":{"self":"…"}}}}', '{"self":{"self":{"self":{"self":"…"}}}}' },
    ["a table that raises"] = { hostile, "[1]", "[1]" },
  } do
    it("shows " .. name .. " as a field", function()
      assert.equal("m k=" .. case[2], text("m", { k = case[1] }))
      assert.equal('"m","k":' .. case[3], json("m", { k = case[1] }))
    end)
  end

  it("takes any value for the message and the fields", function()
    assert.equal("nil", text(nil))
    assert.equal("12", text(12))
    assert.equal('{"a":1}', text { a = 1 })
    assert.equal("m value=x", text("m", "x"))
    assert.equal("m value=false", text("m", false))
    assert.equal('"m","value":3', json("m", 3))
  end)

  it("sorts the fields", function()
    assert.equal("m 1=x a=1 b=2", text("m", { b = 2, a = 1, "x" }))
  end)

  it("lets no message, key or name begin a line or a field of its own", function()
    assert.equal("a\\n2026-11-24T11:40:36.123Z error b", text("a\n2026-11-24T11:40:36.123Z error b"))
    assert.equal("m a_b_c=1", text("m", { ["a=b\nc"] = 1 }))
    assert.equal('"m","a\\"b\\n":1', json("m", { ['a"b\n'] = 1 }))
    local record = { time = TIME, level = "info", name = "a\nb", message = "m" }
    assert.equal("2026-11-24T11:40:36.123Z info  a\\nb: m", logline.text(record, {}))
  end)

  it("lets no field replace what a record consists of", function()
    local fields = { time = 1, level = 2, name = 3, message = 4, traceback = 5 }
    assert.equal('"m","level_":2,"message_":4,"name_":3,"time_":1,"traceback_":5', json("m", fields))
  end)

  it("is bounded", function()
    assert.equal(("x"):rep(8192) .. "…", text(("x"):rep(1e6)))
    assert.equal("m k=\"" .. ("x"):rep(2048) .. "…\"", text("m", { k = ("x"):rep(1e6) }))
    assert.equal(("\\n"):rep(4096) .. "…", text(("\n"):rep(1e6)))
    local many, long = {}, {}
    for i = 1, 1000 do many["k" .. i], long[i] = i, i end
    assert.equal(32, select(2, text("m", many):gsub("=", "")))
    assert.equal(31, select(2, text("m", { k = long }):gsub(",", "")))
    assert.is_true(#logline.json({ time = TIME, level = "info", message = "m", fields = many }, {}) < 1000)
  end)

  it("colours the level alone", function()
    local record = { time = TIME, level = "warn", message = "m" }
    assert.equal("2026-11-24T11:40:36.123Z \27[33mwarn \27[0m m", logline.text(record, { color = true }))
  end)
end)
