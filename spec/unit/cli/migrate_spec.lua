local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")

local PORTS = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 }

local host, environ
before_each(function()
  environ = { HOME = "/root" }
  host = fake_host.new({ environ = environ })
  host.docker:add({ name = "ada", image = fake_host.IMAGE, ports = PORTS })
  host.docker:add({ name = "bob", image = fake_host.IMAGE, ports = { ["22/tcp"] = 3200 }, state = "exited" })
  host.docker:add({ name = "carol", image = fake_host.IMAGE, labels = { ["dockhost.managed"] = "true" } })
  host.docker:add({ name = "postgres", image = "postgres:16" })
  host.docker:add({ name = "connect", image = fake_host.IMAGE })
end)

local function migrate(...)
  local code, printed = captured.run(cli.main, host, "/share", { "check", "--migrate", ... })
  return code, printed.stdout
end

describe("check --migrate", function()
  it("lists what would be taken over, what not and why, and what changes", function()
    local code, stdout = migrate()
    assert.equal(1, code)
    for _, text in ipairs({
      "This node would take over 2:",
      "ada   running  3100 3101 3102",
      "bob   exited   3200 - -",
      "1 are this node's already",
      "- postgres: it runs the image postgres:16, and not sohampirale/instance",
      "- connect: its name can't be a user's: the user name is reserved by Socket.IO",
      "bob does not publish all of the ports 22, 80 and 443",
      "new ones get 512 MiB of memory, 0.5 processors, 512 processes",
      "stop the Node backend first",
    }) do
      assert.truthy(stdout:find(text, 1, true), text .. " in\n" .. stdout)
    end
    assert.same({}, host.docker:asked("POST", ""))
  end)

  it("is an object with --json", function()
    host.docker:find("bob").name = "postgres2"
    local code, stdout = migrate("--json")
    local result = json.decode(stdout)
    assert.equal(1, code)
    assert.same({ "ada", { ssh = 3100, http = 3101, https = 3102 } },
      { result.adopted[1].username, result.adopted[1].ports })
    assert.equal(1, result.managed)
    assert.equal("connect", result.others[1].name)
  end)

  it("is content where nothing stands against it", function()
    host.docker.containers = {}
    local code, stdout = migrate()
    assert.equal(0, code)
    assert.matches("There is none to take over", stdout)
  end)

  it("says what is more than this node takes", function()
    environ.DOCKHOST_MAX_CONTAINERS = "2"
    assert.matches("3 containers are more than DOCKHOST_MAX_CONTAINERS=2", (select(2, migrate())))
  end)

  it("says what to try where Docker is away", function()
    host.docker:down()
    assert.equal(1, (migrate()))
    assert.matches("docker info", host:logged())
  end)
end)
