local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local script_files = require("script_files")

describe("cli.parse", function()
  for _, case in ipairs({
    { { "run" }, { verb = "run", positional = {} } },
    { { "run", "my/scripts" }, { verb = "run", positional = { "my/scripts" } } },
    { { "check", "--env-file", "x.env" }, { verb = "check", positional = {}, env_file = "x.env" } },
    { { "ps", "--env-file=x.env" }, { verb = "ps", positional = {}, env_file = "x.env" } },
    { { "call", "list-containers" }, { verb = "call", positional = { "list-containers" } } },
    { { "call", "e", "{}", "--scripts", "d" }, { verb = "call", positional = { "e", "{}" }, scripts = "d" } },
    { { "call", "--scripts=a=b", "e" }, { verb = "call", positional = { "e" }, scripts = "a=b" } },
    { { "call", "e", '{"a":"--x=1"}' }, { verb = "call", positional = { "e", '{"a":"--x=1"}' } } },
    { { "call", "e", "-" }, { verb = "call", positional = { "e", "-" } } },
    { { "scripts", "d" }, { verb = "scripts", positional = { "d" } } },
    { { "new", "job", "n", "d" }, { verb = "new", positional = { "job", "n", "d" } } },
    { { "test" }, { verb = "test", positional = {} } },
    { { "repl", "d" }, { verb = "repl", positional = { "d" } } },
    { { "--help" }, { verb = "help" } },
    { { "-h" }, { verb = "help" } },
    { { "help" }, { verb = "help" } },
    { { "run", "--help" }, { verb = "help" } },
    { { "--version" }, { verb = "version" } },
    { { "-V" }, { verb = "version" } },
  }) do
    it("reads: " .. table.concat(case[1], " "), function()
      assert.same(case[2], (cli.parse(case[1])))
    end)
  end

  for _, case in ipairs({
    { {}, "one of run, check, call, ps, scripts, new, test, repl" },
    { { "tset" }, "did you mean 'test'?" },
    { { "script" }, "did you mean 'scripts'?" },
    { { "rpl" }, "did you mean 'repl'?" },
    { { "test", "a", "b" }, "too many arguments for test" },
    { { "new", "command" }, "new needs a kind and a NAME" },
    { { "rnu" }, "did you mean 'run'?" },
    { { "" }, "unknown command ''" },
    { { "dance" }, "unknown command 'dance'" },
    { { "run", "a", "b" }, "too many arguments for run" },
    { { "ps", "a" }, "too many arguments for ps" },
    { { "call", "a", "b", "c" }, "too many arguments for call" },
    { { "call" }, "call needs an EVENT" },
    { { "run", "--fast" }, "unknown option --fast of run" },
    { { "run", "-f" }, "unknown option -f of run" },
    { { "run", "--scripts", "x" }, "unknown option --scripts of run" },
    { { "run", "--env-file" }, "--env-file needs a value" },
    { { "run", "--env-file=" }, "--env-file needs a value" },
    { { "run", "--env-filex=y" }, "unknown option --env-filex=y" },
  }) do
    it("refuses: " .. table.concat(case[1], " "), function()
      local parsed, message = cli.parse(case[1])
      assert.is_nil(parsed)
      assert.matches(case[2], message, 1, true)
    end)
  end
end)

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
    assert.equal(cli.HELP, printed.stdout)
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

it("a line of `check` can't steer the terminal", function()
  assert.equal("FAIL main server  refused: \\x1B[2J\n", cli.check_line(false, "main server", "refused: \27[2J"))
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
