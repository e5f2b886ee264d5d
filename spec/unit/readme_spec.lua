-- README against the code: its settings and its command line.
local config = require("dockhost.config")
local help = require("dockhost.cli.help")

local file = assert(io.open("README.md"))
local readme = file:read("a")
file:close()

local function section(title)
  return assert(readme:match("\n## " .. title .. "\n(.-)\n## "), "README has a section " .. title)
end

describe("README", function()
  it("lists every setting, in order, with its default", function()
    local rows = {}
    for name, default in section("Settings"):gmatch("\n| `([%w_]+)` | ([^|]-) |") do
      table.insert(rows, { name = name, default = default })
    end
    assert.equal(#config.options, #rows)
    for i, option in ipairs(config.options) do
      assert.equal(option.name, rows[i].name)
      if option.default then
        assert.equal("`" .. option.default .. "`", rows[i].default, option.name)
      end
    end
  end)

  it("shows the command line as --help does", function()
    for usage in section("The command line"):match("```\n(.-)```"):gmatch("dockhost %S+") do
      assert.truthy(help:find(usage, 1, true), usage)
    end
  end)
end)
