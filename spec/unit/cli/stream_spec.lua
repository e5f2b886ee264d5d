local fake_host = require("fake_host")
local fake_log = require("fake_log")
local stream = require("dockhost.cli.stream")
local task = require("dockhost.task")

local app, host, writes, finish_write, code
before_each(function()
  host = fake_host.new()
  writes, code = {}, nil
  host.output.write = function(text, fn)
    table.insert(writes, text)
    finish_write = fn
    return { close = function() end }
  end
  app = { host = host, log = fake_log.new(), tasks = task.new({}) }
end)

local function run(fn)
  app.tasks:spawn(function()
    code = stream.run(app, fn)
  end)
end

describe("what goes on", function()
  it("is written as it comes; what comes during a write is the next one", function()
    run(function(put)
      put("a")
      put("")
      put("b")
      put("c")
      return 0
    end)
    assert.same({ "a" }, writes)
    finish_write(true)
    assert.same({ "a", "bc" }, writes)
    assert.is_nil(code)
    finish_write(true)
    assert.equal(0, code)
  end)

  it("waits where the reader is far behind", function()
    local put_all = false
    run(function(put)
      for _ = 1, 6 do
        put(("x"):rep(64 * 1024))
      end
      put_all = true
      return 0
    end)
    assert.is_false(put_all)
    finish_write(true)
    assert.is_true(put_all)
    finish_write(true)
    assert.equal(0, code)
    assert.equal(6 * 64 * 1024, #table.concat(writes))
  end)

  it("ends with 0 and without a word where nobody reads, and says any other failure", function()
    local function forever(put)
      put("a")
      task.wait(function() end)
    end
    run(forever)
    finish_write(nil, "Broken pipe", "EPIPE")
    assert.equal(0, code)
    assert.same({}, app.log.records)
    run(forever)
    finish_write(nil, "No space left on device", "ENOSPC")
    assert.equal(1, #app.log:find("error", "No space left"))
  end)

  it("ends with a signal, while nobody reads too", function()
    for _, name in ipairs({ "INT", "TERM" }) do
      code = nil
      run(function(put)
        put("a")
        task.wait(function() end)
      end)
      host:raise(name)
      assert.equal(0, code)
    end
  end)

  it("ends with 70 and the fault where it fails", function()
    run(function()
      error("oops")
    end)
    assert.equal(70, code)
    assert.equal(1, #app.log:find("error", "oops"))
  end)
end)
