local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local script_files = require("script_files")

local host, interactive, prompted
before_each(function()
  interactive = false
  host = fake_host.new({ environ = { HOME = "/root" } })
  host.process.isatty = function(descriptor)
    return descriptor == 0 and interactive
  end
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

-- Types the lines, and then the end of the input.
local function repl(lines, ...)
  local stdin, i = io.stdin, 0
  rawset(io, "stdin", {
    read = function(_, format)
      assert.equal("L", format)
      i = i + 1
      return lines[i] and lines[i] .. "\n"
    end,
  })
  local ok, code, printed = pcall(captured.run, cli.main, host, "/share", { "repl", ... })
  rawset(io, "stdin", stdin)
  assert(ok, code)
  prompted = i
  return printed.stdout, code, printed.stderr
end

for _, case in ipairs({
  { { "1 + 2" }, "3\n" },
  { { "=1 + 2" }, "3\n" },
  { { "return 1, nil, 'x'" }, '1\nnil\n"x"\n' },
  { { "nil" }, "nil\n" },
  { { "local x = 5" }, "" },
  { { "" }, "" },
  { { "-- nothing" }, "" },
  { { "x = 5", "x + 1" }, "6\n" },
  { { "function double(n)", "  return 2 * n", "end", "double(4)" }, "8\n" },
  { { "{ a = 1,", "b = { 2 } }" }, '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n' },
  { { "[[two", "lines]]" }, '"two\\nlines"\n' },
  { { "print('a', nil, 5)" }, "a\tnil\t5\n" },
  { { "ctx.event" }, '"repl"\n' },
  { { "ctx.sleep(100)", "1" }, "1\n" },
  { { "#ctx.containers:list()" }, "0\n" },
  { { "ctx.docker:version().ApiVersion" }, '"1.41"\n' },
  { { "ctx.store:set('a', 5)", "ctx.store:get('a')" }, "true\n5\n" },
  { { "ctx.emit('x')" }, 'nil\n"not connected to a main server"\n' },
}) do
  it("answers: " .. table.concat(case[1], " ⏎ "), function()
    local out, code, err = repl(case[1])
    assert.equal("", err)
    assert.equal(case[2], out)
    assert.equal(0, code)
    host.clock:assert_idle()
    assert.same({}, host.signals)
  end)
end

for _, case in ipairs({
  { { "x = = 5" }, "input:1: unexpected symbol near '='" },
  { { "1 +" }, "input:" },
  { { "undefined_one" }, "input:1: undefined variable 'undefined_one'" },
  { { "error('oops')" }, "input:1: oops\nstack traceback:" },
  { { "local x", "x.y = 5" }, "undefined variable 'x'" },
  { { "error({})" }, "an error value that is not a string" },
  { { "error()" }, "an error value that is not a string" },
  { { "coroutine.yield()" }, "yielded outside of a wait" },
  { { "os.exit()" }, "attempt to call a nil value" },
  { { "io.write('x')" }, "undefined variable 'io'" },
}) do
  it("goes on after an error, and exits 1 at the end of a pipe: " .. table.concat(case[1], " ⏎ "), function()
    local lines = { table.unpack(case[1]) }
    table.insert(lines, 1, "'before'")
    if case[1][1] ~= "1 +" then
      table.insert(lines, "'after'")
    end
    local out, code, err = repl(lines)
    assert.matches('"before"\n', out)
    assert.matches(case[2], err, 1, true)
    assert.equal(1, code)
    if case[1][1] ~= "1 +" then
      assert.matches('"after"\n$', out)
    end
    host.clock:assert_idle()
  end)
end

it("has a prompt at a terminal, one for a line that goes on, and exits 0 whatever failed", function()
  interactive = true
  local out, code, err = repl({ "{", "}", "error('oops')" })
  assert.matches("^dockhost 0.0.0: Lua with `ctx`[^\n]+\n> >> {}\n> > $", out)
  assert.matches("oops", err)
  assert.equal(0, code)
  assert.equal(4, prompted)
end)

it("undoes what a failed line began, and gives back what it held", function()
  local out = repl({
    "held = ctx.ports:reserve(3000); ctx.on_undo(function() print('undone') end); error('oops')",
    "ctx.ports:reserve(3000).ssh == held.ssh",
  })
  assert.equal("undone\ntrue\n", out)
end)

it("ends what a line waits for on ctrl-C", function()
  host.docker:hang("GET", "/version$")
  host:play({ function()
    host:raise("INT")
  end })
  local out, _, err = repl({ "ctx.docker:version()", "'after'" })
  assert.matches("cancelled: interrupted", err)
  assert.equal('"after"\n', out)
  assert.same({}, host.signals)
end)

it("uses the scripts of the directory that is named, for what `ctx` does with them", function()
  host.files["own/container.lua"] = "return function() return { Image = 'mine' } end"
  assert.equal('"mine"\n', (repl({ "ctx.describe().Image" }, "own")))
end)

it("exits 78 for scripts that do not load, or settings that do not stand", function()
  host.files["/share/lua/container.lua"] = "return 5"
  local out, code = repl({ "1" })
  assert.equal("", out)
  assert.equal(78, code)
  assert.matches("container.lua: must return a function", host:logged())
  host = fake_host.new({ environ = { DOCKHOST_PULL = "x" } })
  out, code = repl({ "1" })
  assert.equal("", out)
  assert.equal(78, code)
end)
