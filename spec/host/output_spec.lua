-- host.output: in another process, whose stdout is a pipe of ours.
local exe = io.popen("readlink /proc/$PPID/exe"):read("l")

-- Runs a script that has `output` and `loop` at hand with its output to `sink`; returns what the shell prints.
local function run(script, sink)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local output, loop = require("host.output"), require("host.loop")\n',
    'local timer = require("host.timer")\n', script)
  file:close()
  local command = ("{ timeout 20 '%s' %s | %s; } 2>&1"):format(exe, path, sink)
  local pipe = io.popen(command)
  local text = pipe:read("a")
  pipe:close()
  os.remove(path)
  return text
end

describe("host.output", function()
  it("writes all, and says so", function()
    local script = [[
      output.write(("x"):rep(1000000), function(...)
        io.stderr:write("told ", table.concat({ tostring((...)) }, " "), "\n")
        loop.stop()
      end)
      loop.run()]]
    local text = run(script, "wc -c")
    assert.matches("told true", text)
    assert.matches("1000000", text)
  end)

  it("leaves the loop free while nobody reads", function()
    local script = [[
      output.write(("x"):rep(1000000), function() io.stderr:write("written\n") end)
      timer.start(0.1, function()
        io.stderr:write("free\n")
        loop.stop()
      end)
      loop.run()]]
    local text = run(script, "sleep 1")
    assert.matches("free", text)
    assert.is_nil(text:find("written", 1, true))
  end)

  it("says when nobody reads any more", function()
    local script = [[
      local function again()
        output.write(("x"):rep(100000), function(ok, message, code)
          if ok then return again() end
          io.stderr:write(code, ": ", message, "\n")
          loop.stop()
        end)
      end
      again()
      loop.run()]]
    assert.matches("EPIPE: can't write the output", run(script, "head -c 10 >/dev/null"))
  end)
end)
