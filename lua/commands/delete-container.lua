-- Removes a user's container with its anonymous volumes. A create of the same user that still runs is cancelled.
local lost_answer = require("dockhost.lost_answer")

local function is_gone(inspected)
  return not inspected
end

return {
  params = { username = "username?", containerId = "container-id?" },
  cancels = "create-container",
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      if status == 404 and ctx.cancelled then
        return { containerId = ctx.cancelled.containerId or "" }, "Instance deleted successfully"
      end
      return nil, message, status
    end
    local ok, why, code = ctx.docker:container_remove(instance.id)
    -- 404: it went by another hand. 409: it is going by one, and has its name and ports till then.
    local gone = ok or code == 404
    if not gone and not ((code == 409 or code == 503) and lost_answer.settled(ctx, instance.id, is_gone)) then
      ctx.instances:doubt()
      return nil, why, code
    end
    ctx.containers:note(instance.username, nil)
    return { containerId = instance.id }, "Instance deleted successfully"
  end,
}
