-- The value that is sent for an outcome: shaped by the dialect or as documented, and no larger than the server takes.
-- What belongs to scripts runs through `tasks:call`, which bounds it.
local failure = require("dockhost.failure")
local json = require("dockhost.json")
local outcome = require("dockhost.outcome")

local reply = {}

-- Each halves what is left, at least where it is the shipped one.
local MOST_TRIMS = 64

local function shape(job, result, tasks)
  if job.route.reply then
    local ok, value = tasks:call(job.route.reply, result, job.params or {})
    if ok then
      return value
    end
    local reason = failure.reason(value)
    job.log:error("the dialect can't shape a reply", { event = job.request.event, reason = reason })
  end
  return outcome.reply(result)
end

-- What is left of a reply that is too large, where the command knows how to trim it.
local function trimmed(job, result, tasks)
  local trim = result.success and job.command.trim
  if not trim then
    return nil
  end
  local ok, data = tasks:call(trim, result.data)
  return ok and type(data) == "table" and data or nil
end

-- Most values are seen to fit without being written. The rest is guarded: a small table that holds itself over and over
-- takes for ever to write.
local function fits(job, value, tasks)
  local room = job.request.room
  local bound = room and json.bound(value)
  if bound and bound <= room then
    return true
  end
  local ok, fitting, problem = tasks:call(job.request.fits, value, job.user)
  if not ok then
    return false, failure.reason(fitting)
  end
  return fitting, problem
end

-- (job, outcome, tasks) -> the value, and the outcome that it tells: another one where the first can't be sent.
function reply.compose(job, result, tasks)
  for _ = 1, MOST_TRIMS do
    local value = shape(job, result, tasks)
    local fitting, problem = fits(job, value, tasks)
    if fitting then
      return value, result
    elseif problem then
      local broken = failure.internal(job, "its reply can't be sent: " .. problem)
      return shape(job, broken, tasks), broken
    end
    local data = trimmed(job, result, tasks)
    if not data then
      break
    end
    result.data = data
  end
  local large = outcome.failure("the reply is larger than the main server accepts", 500)
  return shape(job, large, tasks), large
end

return reply
