local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local fake_log = require("fake_log")
local hooks = require("dockhost.hooks")
local sandbox = require("dockhost.sandbox")
local scratch = require("scratch")

local directory, host
before_each(function()
  directory, host = scratch.new(), fake_host.new()
  host.file.mkdir = scratch.mkdir
end)
after_each(function()
  scratch.remove(directory)
end)

local function new(...)
  local code, printed = captured.run(cli.main, host, "/share", { "new", ... })
  return code, printed.stdout, printed.stderr
end

local function contents(path)
  return assert(scratch.read(directory .. "/" .. path), path)
end

for kind, case in pairs({
  command = { "greet", "commands", "dockhost call greet '{\"username\":\"ada\"}' --scripts " },
  job = { "nightly", "jobs", "dockhost run " },
  hook = { "connected", "hooks", "dockhost run " },
}) do
  local name, folder, try = table.unpack(case)

  describe("a new " .. kind, function()
    it("is a script with its spec, and what to do next", function()
      local code, out = new(kind, name, directory)
      assert.equal(0, code)
      local script, spec = folder .. "/" .. name .. ".lua", "spec/" .. name .. "_spec.lua"
      assert.equal(("wrote %s/%s\nwrote %s/%s\nEdit both, then:\n  dockhost test %s\n  %s%s\n"):format(
        directory, script, directory, spec, directory, try, directory), out)
      assert(load(contents(script), "=script", "t", sandbox.new(fake_log.new())))()
      assert(load(contents(spec), "=spec", "t"))
      for _, path in ipairs({ script, spec }) do
        assert.is_nil(contents(path):find("NAME") or contents(path):find("WHAT"))
        for line in contents(path):gmatch("[^\n]+") do
          assert.is_true(#line <= 120)
        end
      end
    end)

    it("never overwrites: neither is written where one exists", function()
      scratch.write(directory .. "/spec/" .. name .. "_spec.lua", "mine")
      local code, out, err = new(kind, name, directory)
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches("_spec.lua exists: it was left as it is, and nothing was written", err)
      assert.equal("mine", contents("spec/" .. name .. "_spec.lua"))
      assert.is_nil(scratch.read(directory .. "/" .. folder .. "/" .. name .. ".lua"))
    end)
  end)
end

it("every hook can be had", function()
  for name in pairs(hooks.EVENTS) do
    assert.equal(0, (new("hook", name, directory)))
  end
end)

it("a directory is made where there is none, and may end in a slash", function()
  local code, out = new("command", "greet", directory .. "/deep/er/")
  assert.equal(0, code)
  assert.matches("/deep/er/commands/greet.lua", out)
  contents("deep/er/commands/greet.lua")
end)

it("a name of every kind that can be an event is taken", function()
  for _, name in ipairs({ "a", "check_it.v2", "container-uptime", ("x"):rep(64), "_x", "9" }) do
    assert.equal(0, (new("command", name, directory)), name)
  end
end)

for _, case in ipairs({
  { { "comand", "greet" }, "new makes a command, a job or a hook, not a 'comand': did you mean 'command'?" },
  { { "fill", "greet" }, "not a 'fill'" },
  { { "command", "" }, "a name is of letters" },
  { { "command", "a/b" }, "a name is of letters" },
  { { "command", "../x" }, "a name is of letters" },
  { { "command", "-x" }, "unknown option -x of new" },
  { { "command", "a b" }, "a name is of letters" },
  { { "command", ("x"):rep(65) }, "a name is of letters" },
  { { "command", "greet.lua" }, "does not end in _spec or .lua" },
  { { "command", "greet_spec" }, "does not end in _spec or .lua" },
  { { "command", "disconnect" }, "an event of socket.io's own" },
  { { "hook", "conected" }, "there is no hook 'conected': they are connected, " },
  { { "command" }, "new needs a kind and a NAME" },
  { { "command", "a", "b", "c" }, "too many arguments for new" },
}) do
  it("refuses: " .. table.concat(case[1], " "), function()
    local code, out, err = new(table.unpack(case[1]))
    assert.equal(64, code)
    assert.equal("", out)
    assert.matches(case[2], err, 1, true)
  end)
end

it("fails with the reason where nothing can be written", function()
  scratch.write(directory .. "/commands", "a file")
  local code, _, err = new("command", "greet", directory)
  assert.equal(1, code)
  assert.matches("dockhost: ", err)
  host.file.mkdir = function()
    return nil, "can't make the directory: Permission denied", "EACCES"
  end
  code, _, err = new("command", "wave", directory)
  assert.equal(1, code)
  assert.matches("Permission denied", err)
end)
