local json = require("dockhost.json")
local shown = require("dockhost.shown")

for text, value in pairs({
  ['"a \\"quoted\\" \\x1B[2J text"'] = 'a "quoted" \27[2J text',
  ["5"] = 5,
  ["2.5"] = 2.5,
  ["true"] = true,
  ["null"] = json.null,
  ["<function>"] = print,
  ["<thread>"] = coroutine.create(print),
  ["{}"] = {},
  ["[\n  1,\n  [\n    2\n  ]\n]"] = { 1, { 2 } },
  ['{\n  "a": 1,\n  "b": {\n    "c": {}\n  }\n}'] = { b = { c = {} }, a = 1 },
  ['{\n  1: "x",\n  3: "y",\n  <function>: 5,\n  "a": true\n}'] = { "x", [3] = "y", a = true, [print] = 5 },
}) do
  it("shows " .. text:gsub("%s+", " "), function()
    assert.equal(text, shown.text(value))
  end)
end

it("shows nil", function()
  assert.equal("nil", shown.text(nil))
end)

it("shows what holds itself, and the same table twice beside itself", function()
  local loop = {}
  loop.loop = loop
  assert.equal('{\n  "loop": <again>\n}', shown.text(loop))
  local leaf = { 1 }
  assert.is_nil(shown.text({ leaf, leaf }):find("again"))
end)

it("stops where it is deep or long", function()
  local deep = {}
  for _ = 1, 20 do
    deep = { deep }
  end
  assert.matches("{…}", shown.text(deep))
  assert.is_true(#shown.text(deep) < 200)
  local long = {}
  for i = 1, 1000 do
    long[i] = i
  end
  assert.matches("100,\n  … 900 more\n]$", shown.text(long))
end)

it("runs no metamethod", function()
  local value = setmetatable({ a = 1 }, {
    __index = error, __pairs = error, __tostring = error, __len = error, __name = "x",
  })
  assert.equal('{\n  "a": 1\n}', shown.text(value))
end)
