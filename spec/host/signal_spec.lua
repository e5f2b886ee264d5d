-- host.signal: real signals, sent by kill(1).
local loop = require("host.loop")
local process = require("host.process")
local signal = require("host.signal")
local timer = require("host.timer")
local within = require("within")

local PID = process.identity():match(":(%d+):")

-- os.execute would have this process ignore INT meanwhile.
local function kill(name)
  assert(io.popen(("kill -%s %s"):format(name, PID)):close())
end

describe("host.signal", function()
  it("calls on the loop, each time", function()
    local calls, inside = 0, false
    within(2, function(done)
      local handle
      handle = signal.on("HUP", function()
        inside = true
        calls = calls + 1
        if calls == 2 then
          handle:close()
          return done()
        end
        timer.start(0, function()
          kill("HUP")
        end)
      end)
      kill("HUP")
      assert.is_false(inside)
    end)
    assert.equal(2, calls)
  end)

  it("knows every signal that it names", function()
    for _, name in ipairs({ "TERM", "INT", "HUP", "USR1", "USR2" }) do
      within(2, function(done)
        local handle
        handle = signal.on(name, function()
          handle:close()
          done()
        end)
        kill(name)
      end)
    end
  end)

  it("calls all that listen, unless another closed them", function()
    local calls = {}
    within(2, function(done)
      local first, second, third
      first = signal.on("USR1", function()
        calls[#calls + 1] = "first"
      end)
      second = signal.on("USR1", function()
        calls[#calls + 1] = "second"
        first:close()
        second:close()
      end)
      third = signal.on("USR1", function()
        calls[#calls + 1] = "third"
      end)
      kill("USR1")
      timer.start(0.1, function()
        third:close()
        done()
      end)
    end)
    assert.same({ "third", "second" }, calls)
  end)

  it("leaves to the next run of the loop what a stop found undelivered", function()
    local calls, handles = 0, {}
    for i = 1, 3 do
      handles[i] = signal.on("USR1", function()
        calls = calls + 1
        loop.stop()
      end)
    end
    kill("USR1")
    for run = 1, 3 do
      loop.run()
      assert.equal(run, calls)
    end
    for _, handle in ipairs(handles) do
      handle:close()
    end
  end)

  it("gives the signal back when the last one closes", function()
    local exe = io.popen("readlink /proc/$PPID/exe"):read("l")
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write([[
      local handle = require("host.signal").on("USR2", print)
      handle:close()
      os.execute("kill -USR2 " .. require("host.process").identity():match(":(%d+):"))
      print("alive")]])
    file:close()
    local ok, how, number = os.execute(("'%s' %s > /dev/null 2>&1"):format(exe, script))
    os.remove(script)
    assert.is_nil(ok)
    assert.same({ "exit", 128 + 12 }, { how, number })
  end)

  it("refuses signals that it does not know", function()
    assert.error_matches(function()
      signal.on("KILL", print)
    end, "invalid option 'KILL'")
  end)

  it("does not disturb a loop that sleeps", function()
    local started = loop.now()
    within(2, function(done)
      local handle = signal.on("USR1", function() end)
      timer.start(0.02, function()
        kill("USR1")
      end)
      timer.start(0.15, function()
        handle:close()
        done()
      end)
    end)
    assert.is_true(loop.now() - started >= 0.15)
  end)
end)
