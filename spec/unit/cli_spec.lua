local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local script_files = require("script_files")

-- Runs the program with the arguments; returns its exit code and what it printed.
local function main(host, ...)
  script_files.add(host.files, script_files.shipped, "/share/lua")
  return captured.run(cli.main, host, "/share", { ... })
end

local HOME = { HOME = "/root" }

describe("the program", function()
  it("prints its help and its version", function()
    local code, printed = main(fake_host.new(), "--help")
    assert.equal(0, code)
    assert.equal(require("dockhost.cli.help"), printed.stdout)
    code, printed = main(fake_host.new(), "--version")
    assert.equal(0, code)
    assert.equal("dockhost 0.0.0\n", printed.stdout)
  end)

  it("says what is wrong with its arguments, and exits 64", function()
    local code, printed = main(fake_host.new(), "rnu")
    assert.equal(64, code)
    assert.matches("dockhost: unknown command 'rnu': did you mean 'run'?", printed.stderr, 1, true)
    assert.matches("Try `dockhost %-%-help`", printed.stderr)
    assert.equal("", printed.stdout)
  end)

  it("limits the heap to what section 7 of the contract says", function()
    local host = fake_host.new({ environ = HOME })
    main(host, "ps")
    assert.equal(128 * 1024 * 1024, host.memory_limit)
  end)

  it("exits 70 with the traceback where it fails itself", function()
    local host = fake_host.new({ environ = HOME })
    host.process.identity = function()
      error("oops")
    end
    assert.equal(70, (main(host, "ps")))
    assert.matches("error .*oops", host.lines[1])
    assert.matches("    stack traceback:", host:logged(), 1, true)
  end)
end)

describe("the settings", function()
  it("that do not stand exit 78, each fault on its line", function()
    local host = fake_host.new({ environ = { HOME = "/root", DOCKHOST_MAX_CONTAINERS = "many", DOCKHOST_PULL = "x" } })
    local code, printed = main(host, "run")
    assert.equal(78, code)
    assert.equal(2, #host.lines)
    assert.matches("DOCKHOST_PULL", host:logged())
    assert.matches("DOCKHOST_MAX_CONTAINERS", host:logged())
    assert.equal("", printed.stdout)
  end)

  it("come from .env, and the environment wins", function()
    local host = fake_host.new({ environ = { HOME = "/root", DOCKHOST_PULL = "x" }, files = {
      [".env"] = "DOCKHOST_PULL=never\nDOCKHOST_MAX_CONTAINERS=many\n",
    } })
    main(host, "ps")
    assert.matches("DOCKHOST_PULL", host:logged())
    assert.matches("DOCKHOST_MAX_CONTAINERS", host:logged())
  end)

  it("come from another file where one is named", function()
    local host = fake_host.new({ environ = HOME, files = {
      [".env"] = "DOCKHOST_PULL=x\n",
      ["other.env"] = "DOCKHOST_IMAGE=BAD IMAGE\n",
    } })
    local code = main(host, "ps", "--env-file", "other.env")
    assert.equal(78, code)
    assert.matches("DOCKHOST_IMAGE", host:logged())
    assert.is_nil(host:logged():find("DOCKHOST_PULL"))
  end)

  it("may have no .env, but must have the file that is named", function()
    assert.equal(0, (main(fake_host.new({ environ = HOME }), "ps")))
    local host = fake_host.new({ environ = HOME })
    assert.equal(78, (main(host, "ps", "--env-file", "gone.env")))
    assert.matches("no settings: .*gone.env: No such file", host:logged())
  end)

  it("in a file that does not parse are named by file and line", function()
    local host = fake_host.new({ environ = HOME, files = { [".env"] = "A=1\nnonsense\n" } })
    assert.equal(78, (main(host, "ps")))
    assert.matches("%.env:2: not a line like NAME=value", host:logged())
  end)

  it("leave the environment where they are secret", function()
    local environ = { HOME = "/root", DOCKHOST_API_KEY = "a-key-of-this-node" }
    assert.equal(0, (main(fake_host.new({ environ = environ }), "ps")))
    assert.same({ HOME = "/root" }, environ)
  end)

  it("that are unknown are warned about", function()
    local host = fake_host.new({ environ = { HOME = "/root", DOCKHOST_IMGAE = "x" } })
    assert.equal(0, (main(host, "ps")))
    assert.matches("DOCKHOST_IMGAE is not a setting: did you mean DOCKHOST_IMAGE", host:logged())
  end)
end)
