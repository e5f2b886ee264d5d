local captured = require("captured")
local fake_host = require("fake_host")
local test = require("dockhost.cli.test")

-- Runs the verb with something in busted's place.
local function run(directory, runner)
  local code, printed = captured.run(test.start, fake_host.new(), "/share", { positional = { directory } }, runner)
  return code, printed.stderr
end

it("runs busted on the directory, with the fakes on the path", function()
  local seen, path
  local before = package.path
  local code = run("spec/unit", function(options)
    seen, path = { table.unpack(_G.arg) }, package.path
    assert.is_false(options.standalone)
    os.exit(0, true)
  end)
  assert.equal(0, code)
  assert.equal("spec/unit", seen[#seen])
  assert.same({ "--ignore-lua", "--pattern=_spec", "--recursive" }, { table.unpack(seen, 1, #seen - 1) })
  assert.equal("/share/spec/support/?.lua;" .. before, path)
  assert.equal(before, package.path)
end)

it("takes the current directory where none is named", function()
  run(nil, function()
    assert.equal(".", _G.arg[#_G.arg])
  end)
end)

it("exits 1 where specs fail", function()
  assert.equal(1, (run("spec", function()
    os.exit(3, true)
  end)))
end)

it("exits 1 with the reason where busted fails itself", function()
  local code, err = run("spec", function()
    error("no terminal")
  end)
  assert.equal(1, code)
  assert.matches("no terminal.*traceback", err)
end)

it("says that there is no such directory, in words of its own", function()
  local code, err = run("nosuch", error)
  assert.equal(1, code)
  assert.equal("dockhost: there is no nosuch: name a directory of scripts, or a spec\n", err)
end)
