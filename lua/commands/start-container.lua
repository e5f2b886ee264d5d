-- Starts a user's container; one that runs already is success.
local bindings = require("dockhost.bindings")

return {
  params = { username = "username?", containerId = "container-id?" },
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status
    end
    local ok, how, code = ctx.docker:container_start(instance.id)
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
