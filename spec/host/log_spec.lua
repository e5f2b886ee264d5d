-- host.log: in another process, whose stderr is a pipe that is read late.
local exe = io.popen("readlink /proc/$PPID/exe"):read("l")

-- Starts a script that has `log` at hand; what is returned reads its stderr.
local function start(script, ...)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local log = require("host.log")\n', script)
  file:close()
  local arguments = table.concat({ path, ... }, " ")
  return assert(io.popen(("timeout 20 '%s' %s 2>&1 > /dev/null; rm %s"):format(exe, arguments, path)))
end

local function output_of(script)
  local pipe = start(script)
  local output = pipe:read("a")
  pipe:close()
  return output
end

describe("host.log", function()
  it("writes lines to stderr", function()
    assert.equal("one\n\n\0two\n", output_of([[log.write("one") log.write("") log.write("\0two")]]))
  end)

  it("writes a line longer than a pipe takes at once", function()
    assert.equal(20001, #output_of([[log.write(("x"):rep(20000))]]))
  end)

  describe("with a reader who is late", function()
    local directory

    before_each(function()
      directory = io.popen("mktemp -d"):read("l")
      assert(os.execute(("mkfifo %s/filled %s/go"):format(directory, directory)))
    end)

    after_each(function()
      os.execute("rm -r " .. directory)
    end)

    -- Has the script write `count` lines while nobody reads, then one more when some of them are read, which tells how
    -- many were dropped until then.
    local function late(count, line)
      local pipe = start(([[
        for i = 1, %d do log.write(%s) end
        io.open(arg[1] .. "/filled", "w"):close()
        io.open(arg[1] .. "/go"):close()
        log.write("after " .. log.dropped())]]):format(count, line), directory)
      io.open(directory .. "/filled"):close() -- a log that blocks never comes so far
      local head = pipe:read(40000)
      io.open(directory .. "/go", "w"):close()
      local output = head .. pipe:read("a")
      pipe:close()
      return output
    end

    it("never blocks, and tells how many lines were dropped", function()
      local output = late(2000, [[("line %d "):format(i) .. ("x"):rep(90)]])
      local complete = 0
      for number in output:gmatch("line (%d+) x+\n") do
        complete = complete + 1
        assert.equal(complete, tonumber(number))
      end
      assert.is_true(complete > 400 and complete < 2000)
      local dropped = 2000 - complete
      assert.equal(("%d lines dropped\nafter %d\n"):format(dropped, dropped), output:match("%d+ lines dropped\n.*$"))
    end)

    it("ends a line that was cut off before it goes on", function()
      local output = late(1, [[("y"):rep(200000)]])
      assert.matches("^y+\n1 line dropped\nafter 1\n$", output)
    end)
  end)
end)
