-- What became of a command: { success, status, message, data }, from what a handler returned or how it failed.
local outcome = {}

-- A valid HTTP status between `low` and 599: the deployed server throws on anything else.
local function status_or(value, low, default)
  local status = math.tointeger(value)
  if status and status >= low and status <= 599 then
    return status
  end
  return default
end

function outcome.failure(message, status, data)
  return {
    success = false,
    status = status_or(status, 400, 500),
    message = type(message) == "string" and message or "the command failed",
    data = type(data) == "table" and data or {},
  }
end

-- From a handler's results: `data, message` or `nil, message, status, data`. No results at all mean success.
function outcome.returned(...)
  local data, message, status, details = ...
  if data == nil and select("#", ...) > 0 then
    return outcome.failure(message, status, details)
  elseif data ~= nil and type(data) ~= "table" then
    local advice = "return a table, or nil and what went wrong"
    return outcome.failure("this command's script returned a " .. type(data) .. " as its data: " .. advice, 500)
  end
  return {
    success = true,
    status = status_or(status, 200, 200),
    message = type(message) == "string" and message or "done",
    data = data or {},
  }
end

-- The documented shape of a reply: exactly these three fields.
function outcome.reply(result)
  return { success = result.success, message = result.message, data = result.data }
end

return outcome
