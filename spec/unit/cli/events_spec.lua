local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")

local MANAGED = { ["dockhost.managed"] = "true" }

local host
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
  host.docker:add({ name = "ada", image = fake_host.IMAGE, labels = MANAGED })
  host.docker:add({ name = "postgres" })
end)

-- Exit code and what was printed; what happens meanwhile is the last argument.
local function events(happenings, ...)
  host:play(happenings)
  local code, printed = captured.run(cli.main, host, "/share", { "events", ... })
  return code, printed.stdout
end

local function exits()
  host.docker:exit("postgres", 1)
  host.docker:exit("ada", 137)
end

local function interrupt()
  host:raise("INT")
end

describe("events", function()
  it("are a line each, of the managed containers alone", function()
    local code, stdout = events({ exits, interrupt })
    assert.equal(0, code)
    assert.matches("^%d+%-%d+%-%d+T%S+Z  ada  stopped[^\n]*\n$", stdout)
  end)

  it("are objects with --json", function()
    local _, stdout = events({ exits, interrupt }, "--json")
    local event = json.decode(stdout)
    assert.same({ "ada", "die", fake_host.IMAGE }, { event.username, event.action, event.image })
    assert.equal(64, #event.containerId)
  end)

  it("end with 1 where Docker goes away, and say so", function()
    local code = events({ function()
      host.docker:down()
    end })
    assert.equal(1, code)
    assert.matches("docker info", host:logged())
  end)
end)
