-- Starts a user's container; one that runs already is success.
local bindings = require("dockhost.bindings")
local containers = require("dockhost.containers")
local lost_answer = require("dockhost.lost_answer")

-- Docker may hold a port for a moment longer than the container that had it.
local PORT_WAITS = { 0.5, 1, 2 }

local function is_running(inspected)
  return inspected and inspected.State.Status == "running"
end

local function taken_port(message)
  return message:match(":(%d+): bind: address already in use")
    or message:match(":(%d+) failed: port is already allocated")
end

local function start(id, ctx)
  local ok, how, code = ctx.docker:container_start(id)
  for _, seconds in ipairs(PORT_WAITS) do
    if ok or not taken_port(how) then
      break
    end
    ctx.sleep(seconds)
    ok, how, code = ctx.docker:container_start(id)
  end
  if ok or code == 503 and lost_answer.settled(ctx, id, is_running) then
    return true, how
  end
  local port = taken_port(how)
  if port then
    local advice = " of this container is in use by another program on this node: end that one, then start this again"
    return nil, "port " .. port .. advice, 503
  end
  return nil, how, code
end

-- It may have no keys yet, and what has been started is never taken for half made again.
local function is_half_made(instance)
  local labels = instance.inspected.Config.Labels or {}
  return instance.state == "created" and labels[containers.MAKER] ~= nil
end

return {
  params = { username = "username?", containerId = "container-id?" },
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status
    end
    if is_half_made(instance) then
      return nil, "this container is still being made: try again in a moment", 409
    end
    local ok, how, code = start(instance.id, ctx)
    if not ok then
      return nil, how, code
    end
    local inspected, why, failed = ctx.docker:container_inspect(instance.id)
    if not inspected then
      return nil, why, failed
    end
    -- What restarts over and over counts as running for Docker, without ports.
    if inspected.State.Status ~= "running" then
      return nil, "the container ended at once, exit code " .. inspected.State.ExitCode .. ": see its logs", 500
    elseif not bindings.published(inspected) then
      return nil, "the container runs, but Docker did not publish its ports", 500
    end
    ctx.containers:own(inspected)
    return { containerId = instance.id, ports = instance.ports },
      how == "already" and "Instance is already running" or "Instance resumed successfully"
  end,
}
