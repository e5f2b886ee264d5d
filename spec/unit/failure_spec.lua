local failure = require("dockhost.failure")
local fake_log = require("fake_log")
local task = require("dockhost.task")

local job
before_each(function()
  job = { id = 7, name = "greet", log = fake_log.new() }
end)

-- What a task that was cancelled for `reason` ends with.
local function cancelled(reason)
  local ended
  local waiting = task.new({}):spawn(function()
    task.wait(function() end)
  end, function(_, err)
    ended = err
  end)
  waiting:cancel(reason)
  return ended
end

describe("a failure", function()
  for reason, status in pairs({ deadline = 504, overtaken = 409, shutdown = 503, ["something new"] = 503 }) do
    it("for " .. reason .. " is " .. status, function()
      local result = failure.of(job, cancelled(reason))
      assert.same({ false, status }, { result.success, result.status })
      assert.same({}, job.log.records)
    end)
  end

  it("by an error is a 500 without internals; the log has them", function()
    local result = failure.of(job, "lua/commands/greet.lua:3: boom", "stack traceback: …")
    assert.equal(500, result.status)
    assert.not_matches("boom", result.message)
    assert.matches("command 7", result.message)
    local record = job.log:find("error", "command 7 (greet) failed: lua/commands/greet.lua:3: boom")[1]
    assert.equal("stack traceback: …", record.traceback)
  end)

  it("by an error value that may raise when asked is asked nothing", function()
    local hostile = setmetatable({}, { __tostring = error })
    assert.equal(500, failure.of(job, hostile).status)
    assert.equal("an error value that is not a string", failure.reason(hostile))
  end)
end)
