local fake_log = require("fake_log")
local outcome = require("dockhost.outcome")
local reply = require("dockhost.reply")
local task = require("dockhost.task")

local tasks = task.new({})

-- A job whose reply may have a message of `limit` bytes, or can't be sent for a `problem`.
local function job(options)
  return {
    id = 1,
    name = "greet",
    log = fake_log.new(),
    route = { reply = options.shape },
    command = { trim = options.trim },
    request = {
      event = "greet",
      fits = function(value)
        if options.problem and value.success then
          return false, options.problem
        end
        return #tostring(value.data.text or "") <= (options.limit or 100)
      end,
    },
  }
end

local function ok(text)
  return outcome.returned({ text = text }, "done")
end

describe("a reply", function()
  it("has the documented shape where the dialect has no other", function()
    assert.same({ success = true, message = "done", data = { text = "a" } }, (reply.compose(job({}), ok("a"), tasks)))
  end)

  it("has the dialect's shape", function()
    local shaped = job({
      shape = function(result)
        return { status = result.status, success = true, data = {} }
      end,
    })
    assert.same({ status = 200, success = true, data = {} }, (reply.compose(shaped, ok("a"), tasks)))
  end)

  it("has the documented shape where the dialect's function fails, and the log says so", function()
    local broken = job({ shape = error })
    assert.is_true(reply.compose(broken, ok("a"), tasks).success)
    assert.equal(1, #broken.log:find("error", "the dialect can't shape a reply"))
  end)

  it("is not written to see whether it fits, where it surely does", function()
    local small = job({ problem = "it was asked" })
    small.request.room = 1000
    local value = reply.compose(small, ok(("x"):rep(100)), tasks)
    assert.equal(("x"):rep(100), value.data.text)
    assert.is_false(reply.compose(small, ok(("x"):rep(1000)), tasks).success)
    assert.is_false(reply.compose(small, outcome.returned({ print }), tasks).success)
  end)

  it("is trimmed until it fits", function()
    local trimming = job({
      limit = 3,
      trim = function(data)
        return { text = data.text:sub(2) }
      end,
    })
    local value, sent = reply.compose(trimming, ok("abcdef"), tasks)
    assert.equal("def", value.data.text)
    assert.is_true(sent.success)
  end)

  it("is a short failure where it can't be trimmed enough", function()
    local endless = job({
      limit = 3,
      trim = function(data)
        return data
      end,
    })
    for _, large in ipairs({ job({ limit = 3 }), endless }) do
      local value, sent = reply.compose(large, ok("abcdef"), tasks)
      assert.same({ false, "the reply is larger than the main server accepts" }, { value.success, value.message })
      assert.equal(500, sent.status)
    end
  end)

  it("is an internal error where it can't be written at all", function()
    local unwritable = job({ problem = "data.f: a function" })
    local value, sent = reply.compose(unwritable, ok("a"), tasks)
    assert.same({ false, 500 }, { value.success, sent.status })
    assert.equal(1, #unwritable.log:find("error", "its reply can't be sent: data.f: a function"))
  end)
end)
