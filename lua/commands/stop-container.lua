-- Stops a user's container and keeps its data: SIGTERM, then SIGKILL after 5 s. One that is stopped is success.
local lost_answer = require("dockhost.lost_answer")

local GRACE_SECONDS = 5

local function has_stopped(inspected)
  return inspected and (inspected.State.Status == "exited" or inspected.State.Status == "dead")
end

return {
  params = { username = "username?", containerId = "container-id?" },
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status
    end
    local ok, how, code = ctx.docker:container_stop(instance.id, { t = GRACE_SECONDS })
    if not ok and not (code == 503 and lost_answer.settled(ctx, instance.id, has_stopped)) then
      return nil, how, code
    end
    ctx.containers:note(instance.username, "exited")
    return { containerId = instance.id, ports = instance.ports },
      how == "already" and "Instance is already stopped" or "Instance stopped successfully"
  end,
}
