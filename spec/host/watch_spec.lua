-- host.watch: a directory that really changes.
local timer = require("host.timer")
local watch = require("host.watch")
local within = require("within")

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text or "")
  file:close()
end

describe("host.watch", function()
  local directory

  before_each(function()
    directory = io.popen("mktemp -d"):read("l")
  end)

  after_each(function()
    os.execute("rm -rf " .. directory)
  end)

  -- The names that are reported until `last` is.
  local function names_of(last, change)
    local names = {}
    within(2, function(done)
      local handle
      handle = assert(watch.start(directory, function(name)
        names[#names + 1] = tostring(name)
        if tostring(name) == last then
          handle:close()
          done()
        end
      end))
      change()
    end)
    return table.concat(names, " ")
  end

  it("tells of what is written, renamed and removed", function()
    assert.equal("a a", names_of("a", function()
      write(directory .. "/a", "1")
    end) .. " a") -- created; the write's end comes after the handle is closed
    assert.equal("a b c", names_of("c", function()
      os.rename(directory .. "/a", directory .. "/b")
      os.execute("mkdir " .. directory .. "/c")
    end))
    assert.equal("b", names_of("b", function()
      os.remove(directory .. "/b")
    end))
  end)

  it("tells when a file was written and closed", function()
    write(directory .. "/x")
    assert.equal("x", names_of("x", function()
      write(directory .. "/x", "more")
    end))
  end)

  it("tells nil when the directory goes", function()
    assert.equal("nil", names_of("nil", function()
      os.remove(directory)
    end))
  end)

  it("calls no more once it is closed, even in the middle of a batch", function()
    local calls = 0
    within(2, function(done)
      local handle
      handle = assert(watch.start(directory, function()
        calls = calls + 1
        handle:close()
        handle = nil
        collectgarbage()
      end))
      for i = 1, 20 do
        write(directory .. "/" .. i)
      end
      timer.start(0.05, done)
    end)
    assert.equal(1, calls)
  end)

  it("fails for what is no directory", function()
    local handle, message, code = watch.start(directory .. "/none", print)
    assert.is_nil(handle)
    assert.equal("ENOENT", code)
    assert.matches("can't watch " .. directory .. "/none: No such file", message, 1, true)
    write(directory .. "/file")
    assert.equal("ENOTDIR", select(3, watch.start(directory .. "/file", print)))
  end)

  it("holds nothing after a failure", function()
    local function descriptors()
      local pipe = io.popen("ls /proc/$PPID/fd | wc -l")
      local count = pipe:read("n")
      pipe:close()
      return count
    end
    collectgarbage()
    collectgarbage("stop")
    local before = descriptors()
    for _ = 1, 10 do
      watch.start(directory .. "/none", print)
    end
    local after = descriptors()
    collectgarbage("restart")
    -- The shell may be listing before popen has closed its own end of the pipe.
    assert.is_true(after <= before + 1, ("%d, then %d"):format(before, after))
  end)
end)
