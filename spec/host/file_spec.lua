-- host.file: real files in a temporary directory.
local file = require("host.file")
local loop = require("host.loop")
local timer = require("host.timer")
local within = require("within")

local function shell(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a"):gsub("\n$", "")
  pipe:close()
  return output
end

-- The jobs' threads end on their own; what they found waits for the loop.
local function wait_for_threads()
  repeat
    local status = assert(io.open("/proc/self/status"))
    local threads = status:read("a"):match("Threads:%s*(%d+)")
    status:close()
  until threads == "1"
end

describe("host.file", function()
  local directory

  before_each(function()
    directory = shell("mktemp -d")
  end)

  after_each(function()
    shell("rm -rf " .. directory)
  end)

  local function path(name)
    return directory .. "/" .. name
  end

  local function write(name, text)
    local out = assert(io.open(path(name), "wb"))
    out:write(text)
    out:close()
  end

  local function read(name, limit)
    return within(5, function(done)
      assert(file.read(path(name), limit, done))
    end)
  end

  it("reads a whole file, whatever its bytes", function()
    local text = string.char(0, 255, 10, 13):rep(50000)
    write("bytes", text)
    assert.is_true(read("bytes", 1 << 20) == text)
    write("empty", "")
    assert.equal("", read("empty", 0))
  end)

  it("reads a file that tells no size", function()
    local text = within(5, function(done)
      file.read("/proc/self/status", 1 << 20, done)
    end)
    assert.matches("Name:\thost%-lua", text)
  end)

  it("refuses a file over the limit", function()
    write("ten", "0123456789")
    assert.equal("0123456789", read("ten", 10))
    local text, message, code = read("ten", 9)
    assert.is_nil(text)
    assert.equal("too-large", code)
    assert.equal(path("ten") .. " is larger than 9 bytes", message)
  end)

  it("says why a file can't be read", function()
    local text, message, code = read("none", 10)
    assert.is_nil(text)
    assert.equal("ENOENT", code)
    assert.equal(("can't read %s: No such file or directory"):format(path("none")), message)
    assert.equal("EISDIR", select(3, read(".", 10)))
  end)

  it("does not hang on a FIFO without a writer", function()
    shell("mkfifo " .. path("fifo"))
    assert.equal("", read("fifo", 10))
  end)

  it("lists names, sorted", function()
    for _, name in ipairs({ "b", "a", "C", ".hidden" }) do
      write(name, "")
    end
    local names = within(5, function(done)
      file.list(directory, done)
    end)
    assert.same({ ".hidden", "C", "a", "b" }, names)
  end)

  it("lists an empty directory, and says why another can't be listed", function()
    assert.same({}, (within(5, function(done)
      file.list(directory, done)
    end)))
    local names, message, code = within(5, function(done)
      file.list(path("none"), done)
    end)
    assert.is_nil(names)
    assert.equal("ENOENT", code)
    assert.matches("No such file", message)
  end)

  it("leaves to the next run of the loop what a stop found undelivered", function()
    write("a", "a")
    local calls = 0
    for _ = 1, 3 do
      file.read(path("a"), 10, function()
        calls = calls + 1
        loop.stop()
      end)
    end
    wait_for_threads()
    for run = 1, 3 do
      loop.run()
      assert.equal(run, calls)
    end
  end)

  it("calls nothing once it is closed", function()
    write("a", "a")
    local called = false
    within(5, function(done)
      local job = file.read(path("a"), 10, function()
        called = true
      end)
      job:close()
      job:close()
      timer.start(0.1, done)
    end)
    assert.is_false(called)
  end)

  it("locks a file against other processes until it is closed", function()
    local try = ("flock -n %s -c true && echo free || echo held"):format(path("lock"))
    local lock = assert(file.lock(path("lock")))
    assert.equal("600", shell("stat -c %a " .. path("lock")))
    assert.equal("held", shell(try))
    lock:close()
    lock:close()
    assert.equal("free", shell(try))
  end)

  it("keeps a locked file to its user, also one that was open to others", function()
    shell("touch " .. path("lock") .. " && chmod 666 " .. path("lock"))
    assert(file.lock(path("lock"))):close()
    assert.equal("600", shell("stat -c %a " .. path("lock")))
  end)

  it("says that another holds the lock", function()
    local first = assert(file.lock(path("lock")))
    local second, message, code = file.lock(path("lock"))
    assert.is_nil(second)
    assert.equal("busy", code)
    assert.equal(path("lock") .. " is locked by another process", message)
    first:close()
    assert(file.lock(path("lock"))):close()
  end)

  it("holds a lock that nobody refers to", function()
    assert(file.lock(path("lock")))
    collectgarbage()
    collectgarbage()
    assert.equal("busy", select(3, file.lock(path("lock"))))
  end)

  it("gives a locked file a random name that stays", function()
    local lock, other = assert(file.lock(path("lock"))), assert(file.lock(path("other")))
    local id = assert(lock:id())
    assert.matches("^" .. ("%x"):rep(32) .. "$", id)
    assert.equal(id, lock:id())
    assert.is_not.equal(id, other:id())
    lock:close()
    assert.has_error(function()
      lock:id()
    end)
    assert.equal(id, assert(file.lock(path("lock"))):id())
  end)

  it("makes that name anew where it was cut short", function()
    for _, broken in ipairs({ "0123", ("\0"):rep(32) }) do
      write("lock", broken)
      local lock = assert(file.lock(path("lock")))
      local id = lock:id()
      assert.matches("^" .. ("%x"):rep(32) .. "$", id)
      assert.equal(id, shell("cat " .. path("lock")))
      lock:close()
    end
  end)

  it("follows no symbolic link to lock", function()
    shell(("ln -s %s %s"):format(path("elsewhere"), path("link")))
    assert.equal("ELOOP", select(3, file.lock(path("link"))))
  end)

  it("makes directories with their parents and mode", function()
    assert.is_true(file.mkdir(path("a/b/c"), tonumber("700", 8)))
    assert.equal("700 700 700", (shell(("stat -c %%a %s %s %s"):format(path("a"), path("a/b"), path("a/b/c")))
      :gsub("\n", " ")))
    assert.is_true(file.mkdir(path("a/b/c"), tonumber("700", 8)))
    assert.is_true(file.mkdir(path("a/b/c/"), tonumber("700", 8)))
  end)

  it("says why a directory can't be made", function()
    write("plain", "")
    local ok, message, code = file.mkdir(path("plain/sub"), 448)
    assert.is_nil(ok)
    assert.equal("ENOTDIR", code)
    assert.matches("can't make the directory " .. path("plain/sub"), message, 1, true)
    assert.equal("ENOTDIR", select(3, file.mkdir(path("plain"), 448)))
  end)
end)

describe("file.writable", function()
  it("tells whether this process may make files in a directory", function()
    assert.is_true(file.writable("/tmp"))
    local ok, message, code = file.writable("/nonexistent")
    assert.same({ nil, "ENOENT" }, { ok, code })
    assert.matches("^can't write to /nonexistent: No such file", message)
  end)
end)
