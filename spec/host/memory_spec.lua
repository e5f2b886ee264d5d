-- What the loop has to tell while a script keeps all the memory that it may have.
local guard = require("host.guard")
local within = require("within")

local hoard

-- Fills the heap to its limit from a coroutine, as a script would, and keeps it.
local function fill()
  collectgarbage()
  guard.limit_memory(math.floor(collectgarbage("count") * 1024) + (16 << 20))
  hoard = {}
  local size = 1 << 20
  repeat
    local ok = guard.resume(coroutine.create(function()
      while true do
        hoard = { ("x"):rep(size), hoard }
      end
    end), 60)
    assert.is_false(ok)
    size = size // 4
  until size < 16
end

describe("a script that keeps the whole heap", function()
  after_each(function()
    hoard = nil
    guard.limit_memory(0)
    collectgarbage()
  end)

  -- What `start(done)` tells, once the heap is full; the callback itself needs memory too.
  local function told(start)
    local results
    within(10, function(done)
      local function tell(...)
        results = table.pack(...)
        done()
      end
      fill()
      start(tell)
    end)
    return table.unpack(results, 1, results.n)
  end

  it("gets no more, but what is no script does", function()
    fill()
    local ok, message = guard.resume(coroutine.create(function()
      return ("x"):rep(10000)
    end), 1)
    assert.same({ false, "not enough memory" }, { ok, message })
    assert.equal(1 << 20, #("x"):rep(1 << 20))
    assert.is_false((pcall(string.rep, "x", 9 << 20)))
  end)

  it("does not keep a file or a name from being told", function()
    assert.matches("^root:", (told(function(tell)
      require("host.file").read("/etc/passwd", 1 << 20, tell)
    end)))
    assert.same({ "127.0.0.1" }, (told(function(tell)
      require("host.resolver").lookup("127.0.0.1", tell)
    end)))
  end)

  it("has a result that is too large told as a failure", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write(("x"):rep(12 << 20))
    file:close()
    local reports = {}
    local text, message, code = told(function(tell)
      require("host.loop").on_error(function(report)
        reports[#reports + 1] = report
      end)
      require("host.file").read(path, 1 << 30, tell)
    end)
    os.remove(path)
    assert.is_nil(text)
    assert.same({ "not enough memory for the result", "ENOMEM" }, { message, code })
    assert.same({ "not enough memory" }, reports)
  end)

  it("does not keep the end of a request or of a connection from being told", function()
    local _, _, code = told(function(tell)
      require("host.http").request({ url = "http://127.0.0.1:1/", on_done = tell })
    end)
    assert.equal("connect", code)
    local _, kind = told(function(tell)
      local function never() end
      require("host.websocket").connect({ host = "a", address = "127.0.0.1", port = 1, path = "/", timeout = 5,
        limit = 1, on_open = never, on_message = never, on_close = tell })
    end)
    assert.equal("connect", kind)
  end)

  it("does not stop timers", function()
    told(function(tell)
      require("host.timer").start(0, tell)
    end)
  end)
end)
