-- README against the code: its settings, its command line, its list of what scripts get, and its worked example.
local cli = require("dockhost.cli")
local config = require("dockhost.config")
local node_support = require("node_support")

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
      assert.truthy(cli.HELP:find(usage, 1, true), usage)
    end
  end)

  it("names every parameter type", function()
    local text = section("Adding a command")
    local _, message = require("dockhost.params").validate_rules({ field = "no-such-type" })
    local known = message:match("known are (.+)$")
    for name in known:gmatch("[%w-]+") do
      assert.truthy(text:find("`" .. name .. "`", 1, true), name)
    end
  end)

  it("names only what `ctx` has", function()
    local node = node_support.new({
      commands = {
        probe = {
          run = function(_, ctx)
            local missing = {}
            for name in section("Adding a command"):gmatch("`ctx%.([%a_]+)") do
              if ctx[name] == nil then
                table.insert(missing, name)
              end
            end
            for name in section("Adding a command"):match("`ctx` also has ([^\n]+)"):gmatch("`([%a_]+)") do
              if ctx[name] == nil then
                table.insert(missing, name)
              end
            end
            return { missing = table.concat(missing, " ") }
          end,
        },
      },
    })
    assert.equal("", node:call("probe").data.missing)
    node:finish()
  end)
end)

describe("README's example", function()
  local node
  before_each(function()
    local text = assert(readme:match("<!%-%- run: example command %-%->\n```lua\n(.-)```"))
    node = node_support.new({ commands = { ["container-uptime"] = assert(load(text))() } })
  end)
  after_each(function()
    node:finish()
  end)

  local function ask(unit)
    return node:call("container-uptime", { username = "ada", unit = unit })
  end

  it("tells how long a container has been up", function()
    node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    node:advance(150)
    assert.same({ success = true, message = "up", data = { uptime = 150 } }, ask())
    assert.equal(2, ask("minutes").data.uptime)
  end)

  it("fails for a stopped one, and for a user who has none", function()
    assert.is_false(ask().success)
    node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    node:call("stop-container", { username = "ada" })
    assert.same({ success = false, message = "the container is exited", data = {} }, ask())
  end)
end)
