local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")

local MANAGED = { ["dockhost.managed"] = "true" }

local host
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
end)

local function ps()
  return captured.run(cli.main, host, "/share", { "ps" })
end

describe("ps", function()
  it("is a table of the managed containers", function()
    host.docker:add({
      name = "ada",
      image = fake_host.IMAGE,
      labels = MANAGED,
      ports = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 },
    })
    host.docker:add({ name = "dockhost-x4a2e20446f65", image = "old/image", labels = MANAGED, state = "exited" })
    host.docker:add({ name = "postgres" })
    host.clock:advance(3600)
    local code, printed = ps()
    assert.equal(0, code)
    assert.equal(table.concat({
      "USER    STATE    PORTS (SSH HTTP HTTPS)  AGE  IMAGE",
      "J. Doe  exited   -                       1 h  old/image",
      "ada     running  3100 3101 3102          1 h  sohampirale/instance",
      "",
    }, "\n"), printed.stdout)
  end)

  it("has its heading alone where there are none", function()
    local code, printed = ps()
    assert.equal(0, code)
    assert.equal("USER  STATE  PORTS (SSH HTTP HTTPS)  AGE  IMAGE\n", printed.stdout)
  end)

  it("says what to try where Docker is away, and exits 1", function()
    host.docker:down()
    local code, printed = ps()
    assert.equal(1, code)
    assert.equal("", printed.stdout)
    assert.matches("is it running", host:logged())
  end)

  it("exits 1 where Docker goes in between", function()
    host.docker:add({ name = "ada", image = fake_host.IMAGE, labels = MANAGED })
    host.docker:fail("GET", "^/containers/%x+/json$", 500, "broken")
    local code, printed = ps()
    assert.equal(1, code)
    assert.equal("", printed.stdout)
    assert.matches("broken", host:logged())
  end)
end)
