local finding = require("dockhost.cli.check.finding")
local json = require("dockhost.json")
local report = require("dockhost.cli.check.report")

local written
before_each(function()
  written = ""
end)

local function new(options)
  options.write = function(text)
    written = written .. text
  end
  return report.new(options)
end

local function fill(shown)
  shown:wait("Docker", "asking")
  shown:add("Docker", finding.ok("it answers"))
  shown:add("key", finding.warning("old", "get a new one"))
  shown:add("main server", finding.failure("refused: \27[2J", "start it"))
  return shown:finish()
end

describe("a report", function()
  it("is one plain line each where nobody looks on", function()
    assert.is_false(fill(new({})))
    assert.equal("ok   Docker       it answers\nwarn key          old — get a new one\n"
      .. "FAIL main server  refused: \\x1B[2J — start it\n", written)
  end)

  it("has marks, advice on a line of its own and what is waited for on a terminal", function()
    fill(new({ terminal = true }))
    assert.equal("\27[2m… Docker      asking\27[0m\r\27[K\27[32m✔\27[0m Docker      it answers\n"
      .. "\27[33m!\27[0m key         old\n              → get a new one\n"
      .. "\27[31m✘\27[0m main server refused: \\x1B[2J\n              → start it\n", written)
  end)

  it("is one JSON object where that is asked for, on a terminal too", function()
    fill(new({ json = true, terminal = true }))
    assert.same({
      ok = false,
      checks = {
        { name = "Docker", ok = true, level = "ok", message = "it answers" },
        { name = "key", ok = true, level = "warning", message = "old", advice = "get a new one" },
        { name = "main server", ok = false, level = "failure", message = "refused: \27[2J", advice = "start it" },
      },
    }, json.decode(written))
  end)

  it("fails by failures alone", function()
    local shown = new({})
    shown:add("key", finding.warning("old"))
    assert.is_true(shown:finish())
  end)
end)
