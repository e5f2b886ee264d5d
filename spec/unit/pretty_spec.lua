local json = require("dockhost.json")
local pretty = require("dockhost.pretty")

describe("pretty.text", function()
  it("is one field a line, in order, indented", function()
    local text = pretty.text({ b = { 1, "two" }, a = { c = true } })
    assert.equal('{\n  "a": {\n    "c": true\n  },\n  "b": [\n    1,\n    "two"\n  ]\n}', text)
  end)

  it("is JSON that means the same", function()
    local value = { list = { { x = 1.5 }, json.array({}), {} }, text = 'a "b"\n', none = json.null }
    assert.equal(json.encode(value), json.encode(json.decode(pretty.text(value))))
  end)

  for value, text in pairs({ ["{}"] = "{}", ["[]"] = "[]", ["7"] = "7", ['"x"'] = '"x"' }) do
    it("of " .. value, function()
      assert.equal(text, pretty.text(json.decode(value)))
    end)
  end
end)
