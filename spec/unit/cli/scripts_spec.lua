local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local script_files = require("script_files")

local host
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

local function scripts(...)
  local code, printed = captured.run(cli.main, host, "/share", { "scripts", ... })
  return code, printed.stdout
end

-- The columns of the line of a script.
local function line_of(out, name)
  local from, below = out:match("\n" .. name:gsub("%p", "%%%0") .. " +(%S+) +([^\n]+)")
  return { from, below }
end

it("lists the shipped scripts where no directory is named", function()
  local code, out = scripts()
  assert.equal(0, code)
  assert.matches("^SCRIPT +FROM +BELOW IT\n", out)
  assert.same({ "/share/lua", "-" }, line_of(out, "commands/create-container.lua"))
  assert.same({ "/share/lua", "-" }, line_of(out, "reconnect.lua"))
  assert.equal("", host:logged())
end)

it("tells what a directory adds, shadows and takes away", function()
  host.files["own/commands/greet.lua"] = "return { run = function() end }"
  host.files["own/reconnect.lua"] = "return function() return 1 end"
  host.files["own/commands/container-logs.lua"] = "return false"
  host.files["own/jobs/none.lua"] = "return false"
  local code, out = scripts("own/")
  assert.equal(0, code)
  assert.same({ "own", "-" }, line_of(out, "commands/greet.lua"))
  assert.same({ "own", "shadows /share/lua/reconnect.lua" }, line_of(out, "reconnect.lua"))
  assert.same({ "own", "takes away /share/lua/commands/container-logs.lua" },
    line_of(out, "commands/container-logs.lua"))
  assert.same({ "own", "takes away nothing" }, line_of(out, "jobs/none.lua"))
  assert.same({ "/share/lua", "-" }, line_of(out, "dialect.lua"))
end)

it("exits 1 where some do not load, with the list and each error", function()
  host.files["own/commands/greet.lua"] = "return {"
  host.files["own/hooks/conected.lua"] = "return function() end"
  local code, out = scripts("own")
  assert.equal(1, code)
  assert.same({ "own", "-" }, line_of(out, "commands/greet.lua"))
  assert.matches("own/commands/greet.lua:1: ", host:logged())
  assert.matches("own/hooks/conected.lua: there is no such hook", host:logged())
end)

it("exits 1 where the directory can't be read", function()
  local list = host.file.list
  host.file.list = function(directory, fn)
    if directory == "gone" then
      return nil, "gone: No such file or directory", "ENOENT"
    end
    return list(directory, fn)
  end
  local code, out = scripts("gone")
  assert.equal(1, code)
  assert.equal("", out)
  assert.matches("gone: No such file", host:logged())
end)
