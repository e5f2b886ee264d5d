local syntax = require("dockhost.cli.syntax")

describe("the command line", function()
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
    { { "console" }, { verb = "console", positional = {} } },
    { { "test" }, { verb = "test", positional = {} } },
    { { "repl", "d" }, { verb = "repl", positional = { "d" } } },
    { { "ps", "--json" }, { verb = "ps", positional = {}, json = true } },
    { { "check", "--json", "d", "--pull" }, { verb = "check", positional = { "d" }, json = true, pull = true } },
    { { "check", "--migrate" }, { verb = "check", positional = {}, migrate = true } },
    { { "logs", "ada", "--tail", "5", "-f" }, { verb = "logs", positional = { "ada" }, tail = "5", follow = true } },
    { { "logs", "--tail=5", "--", "-f" }, { verb = "logs", positional = { "-f" }, tail = "5" } },
    { { "stats", "--follow" }, { verb = "stats", positional = {}, follow = true } },
    { { "--help" }, { verb = "help" } },
    { { "-h" }, { verb = "help" } },
    { { "help" }, { verb = "help" } },
    { { "run", "--help" }, { verb = "help" } },
    { { "--version" }, { verb = "version" } },
    { { "-V" }, { verb = "version" } },
  }) do
    it("reads: " .. table.concat(case[1], " "), function()
      assert.same(case[2], (syntax.parse(case[1])))
    end)
  end

  for _, case in ipairs({
    { {}, "one of run, check, call, ps, logs, stats, events, console, scripts, new, test, repl" },
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
    { { "logs" }, "logs needs a USER" },
    { { "logs", "ada", "--tail" }, "--tail needs a value" },
    { { "ps", "--follow" }, "unknown option --follow of ps" },
    { { "run", "--fast" }, "unknown option --fast of run" },
    { { "run", "-f" }, "unknown option -f of run" },
    { { "run", "--scripts", "x" }, "unknown option --scripts of run" },
    { { "run", "--env-file" }, "--env-file needs a value" },
    { { "run", "--env-file=" }, "--env-file needs a value" },
    { { "run", "--env-filex=y" }, "unknown option --env-filex=y" },
  }) do
    it("refuses: " .. table.concat(case[1], " "), function()
      local parsed, message = syntax.parse(case[1])
      assert.is_nil(parsed)
      assert.matches(case[2], message, 1, true)
    end)
  end
end)
