-- The deployed main server's dialect: which of its events is which command, and how its replies look. An event that is
-- not here is a documented one, named like its command and answered with { success, message, data }.

-- `status` becomes an HTTP status over there. `message` is what that server's own backend says on success.
local function with_status(status, message)
  return function(outcome)
    return {
      status = outcome.success and status or outcome.status,
      success = outcome.success,
      message = outcome.success and message or outcome.message,
      data = outcome.data,
    }
  end
end

local function created(outcome)
  local reply = with_status(201, "Instance spawned successfully")(outcome)
  reply.PORT_NO = outcome.success and outcome.data.ports.ssh or nil
  return reply
end

-- `field` of a check's data, as the bare boolean that the server waits for.
local function bare(field)
  return function(outcome)
    return outcome.data[field] == true
  end
end

return {
  check_if_container_exists = { reply = bare("exists") },
  check_if_container_running = { reply = bare("running") },
  start_container = { command = "create-container", reply = created },
  stop_container = { command = "stop-container", reply = with_status(200, "Instance stopped successfully") },
  resume_container = { command = "start-container", reply = with_status(200, "Instance resumed successfully") },
  delete_container = { command = "delete-container", reply = with_status(200, "Instance deleted successfully") },
}
