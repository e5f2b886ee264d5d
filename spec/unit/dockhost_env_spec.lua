-- packaging/dockhost.env, the settings that are installed, against the settings that there are.
local config = require("dockhost.config")
local env = require("dockhost.env")

local file = assert(io.open("packaging/dockhost.env"))
local text = file:read("a")
file:close()

-- What an installed node has of its own. The unit's key is elsewhere: its environment says so.
local SET = { DOCKHOST_API_KEY_FILE = "/etc/dockhost/api-key", DOCKHOST_STATE = "/var/lib/dockhost" }

-- The blocks of a comment and a setting, in order.
local function blocks()
  local found = {}
  for comment, mark, name, value in text:gmatch("\n\n(#[^=]-)\n(#?)([%u_]+)=([^\n]*)") do
    local words = comment:gsub("\n#", " "):gsub("^# ", ""):gsub("%s+", " ")
    table.insert(found, { comment = words, set = mark == "", name = name, value = value })
  end
  return found
end

describe("the installed settings", function()
  local found = blocks()

  it("are all that there are, in order, each with what it is for", function()
    assert.equal(#config.options, #found)
    for i, option in ipairs(config.options) do
      assert.equal(option.name, found[i].name)
      assert.equal(option.comment, found[i].comment, option.name)
    end
  end)

  for i, option in ipairs(config.options) do
    it("show " .. option.name .. " as it is", function()
      local block = found[i]
      assert.equal(SET[option.name] ~= nil, block.set)
      assert.equal(SET[option.name] or option.default or option.example, block.value)
    end)
  end

  it("work as they are", function()
    local values, problems = env.parse(text)
    assert.same({}, problems)
    assert.same(SET, values)
    local settings, warnings = config.load(values)
    assert.same({}, warnings)
    assert.equal("/var/lib/dockhost", settings.state)
  end)

  it("work when all are taken, but for one of the two places of the key", function()
    local values, problems = env.parse((text:gsub("\n#([%u_]+=)", "\n%1")))
    assert.same({}, problems)
    values.DOCKHOST_API_KEY = nil
    local settings, warnings = config.load(values)
    assert.is_table(settings, table.concat(warnings, "\n"))
  end)
end)
