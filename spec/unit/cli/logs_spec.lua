local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")

local host, container
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
  container = host.docker:add({ name = "ada", image = fake_host.IMAGE, labels = { ["dockhost.managed"] = "true" } })
  container.log = { { "stdout", "one" }, { "stderr", "two\27[2J" }, { "stdout", "three" } }
end)

local function logs(...)
  local code, printed = captured.run(cli.main, host, "/share", { "logs", ... })
  return code, printed.stdout, printed.stderr
end

describe("logs", function()
  it("are the lines that the container wrote", function()
    local code, stdout = logs("ada")
    assert.equal(0, code)
    assert.equal("one\ntwo\27[2J\nthree\n", stdout)
  end)

  it("can't steer a terminal", function()
    host.process.isatty = function()
      return true
    end
    assert.equal("one\ntwo\\x1B[2J\nthree\n", (select(2, logs("ada"))))
  end)

  it("are as many as is asked for", function()
    logs("ada", "--tail", "7")
    assert.equal("7", host.docker:asked("GET", "/logs$")[1].query.tail)
    for _, tail in ipairs({ "-1", "many", "1.5", "10000000" }) do
      local code, _, stderr = logs("ada", "--tail", tail)
      assert.equal(64, code)
      assert.matches("needs a number of lines", stderr)
    end
  end)

  it("are objects with --json", function()
    container.log = { { "stdout", "one" }, { "stderr", "t\xFFo" } }
    local _, stdout = logs("ada", "--json")
    local lines = {}
    for line in stdout:gmatch("[^\n]+") do
      table.insert(lines, json.decode(line))
    end
    assert.same({ { stream = "stdout", line = "one" }, { stream = "stderr", line = "t\u{FFFD}o" } }, lines)
  end)

  it("go on with --follow until a signal", function()
    host:play({ function()
      host.docker:say("ada", { "stdout", "four" })
    end, function()
      host:raise("INT")
    end })
    local code, stdout = logs("ada", "-f")
    assert.equal(0, code)
    assert.matches("four\n$", stdout)
  end)

  it("end without a word when nobody reads any more", function()
    host.unread = true
    local code, _, stderr = logs("ada", "-f")
    assert.equal(0, code)
    assert.equal("", stderr .. host:logged())
  end)

  it("of nobody say who was meant, or where to look", function()
    assert.equal(1, (logs("adda")))
    assert.matches("adda: this user has no container: did you mean ada?", host:logged(), 1, true)
    assert.equal(1, (logs("zebedee")))
    assert.matches("`dockhost ps` lists", host:logged(), 1, true)
  end)

  it("say what to try where Docker is away", function()
    host.docker:down()
    assert.equal(1, (logs("ada")))
    assert.matches("docker info", host:logged())
  end)
end)
