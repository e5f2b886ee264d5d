local captured = require("captured")
local progress = require("dockhost.cli.progress")

describe("a bar", function()
  for line, case in pairs({
    ["x [████████████░░░░░░░░░░░░] 50 %  1.0 MB of 2.0 MB"] = { 1e6, 2e6 },
    ["x [████████████████████████] 100 %  3.0 MB of 2.0 MB"] = { 3e6, 2e6 },
    ["x [░░░░░░░░░░░░░░░░░░░░░░░░] 0 %  0 B of 2.0 MB"] = { 0, 2e6 },
    ["x …"] = {},
    ["x … 1.0 MB"] = { 1e6, 0 },
  }) do
    it("shows " .. tostring(case[1]) .. " of " .. tostring(case[2]), function()
      local shown = progress.line("x", case[1] and math.tointeger(case[1]), case[2] and math.tointeger(case[2]))
      assert.equal(line, shown)
    end)
  end

  it("can't steer the terminal", function()
    assert.is_nil(progress.line("\27[2J", 1, 2):find("\27", 1, true))
  end)
end)

describe("a pull", function()
  local app, now
  before_each(function()
    now = 0
    app = { host = {
      process = { isatty = function()
        return true
      end },
      loop = { now = function()
        return now
      end },
    } }
  end)

  local function shown(fn)
    local _, printed = captured.run(fn)
    return printed.stderr
  end

  it("is one line that is written over, not too often, and goes at the end", function()
    local half = "pulling x [████████████░░░░░░░░░░░░] 50 %  1 B of 2 B"
    assert.equal("\r\27[Kpulling x …\r\27[K" .. half .. "\r\27[K", shown(function()
      local show = progress.of_pulls(app)
      show({ image = "x" })
      show({ image = "x", current = 0, total = 2 })
      now = 1
      show({ image = "x", current = 1, total = 2 })
      show({ image = "x", ended = true })
    end))
    assert.is_nil(app.bar)
  end)

  it("has the log's lines above it", function()
    assert.equal("\r\27[Ka line\npulling", shown(function()
      local write = progress.above(app, function(line)
        io.stderr:write(line, "\n")
      end)
      app.bar = "pulling"
      write("a line")
    end))
  end)

  it("is left to the log where there is no terminal", function()
    app.host.process.isatty = function()
      return false
    end
    assert.equal("", shown(function()
      progress.of_pulls(app)({ image = "x", current = 1, total = 2 })
    end))
  end)
end)
