local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")

local MANAGED = { ["dockhost.managed"] = "true" }

local host
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
  host.docker:add({ name = "ada", image = fake_host.IMAGE, labels = MANAGED })
  host.docker:add({ name = "bob", image = fake_host.IMAGE, labels = MANAGED, state = "exited" })
  host.docker:add({ name = "postgres" })
end)

local function stats(...)
  local code, printed = captured.run(cli.main, host, "/share", { "stats", ... })
  return code, printed.stdout
end

describe("stats", function()
  it("are a table of the running containers", function()
    local code, stdout = stats()
    assert.equal(0, code)
    local header, row, more = stdout:match("^([^\n]*)\n([^\n]*)\n(.*)$")
    assert.matches("^USER +CPU +MEMORY", header)
    assert.matches("^ada +%d", row)
    assert.equal("", more)
  end)

  it("are an object with --json", function()
    local result = json.decode((select(2, stats("--json"))))
    assert.equal(1, #result.containers)
    local entry = result.containers[1]
    assert.equal("ada", entry.username)
    for _, name in ipairs({ "cpuPercent", "memoryBytes", "memoryLimit", "pids", "rxBytes", "txBytes" }) do
      assert.is_number(entry[name])
    end
  end)

  it("of one who has none, or whose container does not run, say so", function()
    assert.equal(1, (stats("bobb")))
    assert.matches("did you mean bob?", host:logged(), 1, true)
    assert.equal(1, (stats("bob")))
    assert.matches("the container of bob is exited", host:logged(), 1, true)
  end)

  it("have their heading alone where none runs", function()
    host.docker:find("ada").state = "exited"
    local code, stdout = stats()
    assert.equal(0, code)
    assert.matches("^USER[^\n]*\n$", stdout)
  end)

  it("go on with --follow until a signal", function()
    local function wait(seconds)
      return function()
        host.clock:advance(seconds)
      end
    end
    host:play({ wait(1), wait(2), wait(2), function()
      host:raise("INT")
    end })
    local code, stdout = stats("--follow", "--json")
    assert.equal(0, code)
    local _, lines = stdout:gsub("\n", "")
    assert.is_true(lines >= 3)
  end)

  it("draw over themselves on a terminal", function()
    host.process.isatty = function(descriptor)
      return descriptor == 1
    end
    host:play({ function()
      host.clock:advance(1)
    end, function()
      host:raise("TERM")
    end })
    local _, stdout = stats("-f")
    assert.matches("^\27%[2J\27%[HUSER[^\n]*\27%[K\n", stdout)
  end)

  it("say what to try where Docker is away", function()
    host.docker:down()
    assert.equal(1, (stats()))
    assert.matches("docker info", host:logged())
  end)
end)
