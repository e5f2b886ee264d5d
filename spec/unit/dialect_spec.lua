local script_files = require("script_files")

local dialect = dofile(script_files.shipped .. "/dialect.lua")

local FAILURE = { success = false, status = 409, message = "why not", data = { a = 1 } }

local function success(data)
  return { success = true, status = 200, message = "what the command said", data = data }
end

describe("the deployed dialect", function()
  it("has exactly the events that the deployed server emits", function()
    local commands = {}
    for event, route in pairs(dialect) do
      commands[event] = route.command or event
    end
    assert.same({
      check_if_container_exists = "check_if_container_exists",
      check_if_container_running = "check_if_container_running",
      start_container = "create-container",
      stop_container = "stop-container",
      resume_container = "start-container",
      delete_container = "delete-container",
    }, commands)
  end)

  for event, field in pairs({ check_if_container_exists = "exists", check_if_container_running = "running" }) do
    it("answers " .. event .. " with a bare boolean, whatever happened", function()
      assert.is_true(dialect[event].reply(success({ [field] = true })))
      assert.is_false(dialect[event].reply(success({ [field] = false })))
      assert.is_false(dialect[event].reply(FAILURE))
    end)
  end

  it("answers a create with 201 and the first port", function()
    local data = { containerId = "1", ports = { ssh = 3100, http = 3101, https = 3102 } }
    assert.same({
      status = 201,
      success = true,
      message = "Instance spawned successfully",
      PORT_NO = 3100,
      data = data,
    }, dialect.start_container.reply(success(data)))
  end)

  for event, message in pairs({
    stop_container = "Instance stopped successfully",
    resume_container = "Instance resumed successfully",
    delete_container = "Instance deleted successfully",
  }) do
    it("answers " .. event .. " with 200 and what that server expects to read", function()
      assert.same({ status = 200, success = true, message = message, data = {} }, dialect[event].reply(success({})))
    end)
  end

  for _, event in ipairs({ "start_container", "stop_container", "resume_container", "delete_container" }) do
    it("answers a failed " .. event .. " with its own status and message", function()
      assert.same(FAILURE, dialect[event].reply(FAILURE))
    end)
  end
end)
