-- What a command that did not return answers, and what the log says of it instead.
local outcome = require("dockhost.outcome")
local task = require("dockhost.task")

local failure = {}

local CANCELLED = {
  deadline = { "the command did not finish in time and was undone", 504 },
  overtaken = { "cancelled by a later command", 409 },
  shutdown = { "this node is shutting down", 503 },
}

-- Tostring is asked about our own errors alone: a script's may answer by raising.
function failure.reason(err)
  if type(err) == "string" or task.is_cancelled(err) then
    return tostring(err)
  end
  return "an error value that is not a string"
end

-- The log has what the reply may not say.
function failure.internal(job, text, traceback)
  job.log:trace("command " .. job.id .. " (" .. job.name .. ") failed: " .. text, traceback or "")
  return outcome.failure("internal error; this node's log has the details under command " .. job.id, 500)
end

-- The outcome of a job whose task ended with an error.
function failure.of(job, err, traceback)
  if task.is_cancelled(err) then
    local known = CANCELLED[err.reason] or { "cancelled", 503 }
    return outcome.failure(known[1], known[2])
  end
  return failure.internal(job, failure.reason(err), traceback)
end

return failure
