-- Whether a user's container runs. While Docker is away longer than it is waited for, the last state known answers.
local HOLD_SECONDS = 20

return {
  params = { username = "username" },
  fallback = function(params, ctx)
    return { running = ctx ~= nil and ctx.containers:last_state(params.username) == "running" }
  end,
  run = function(params, ctx)
    local instance, message, status = ctx.hold(HOLD_SECONDS, function()
      return ctx.containers:of_user(params.username)
    end)
    if not instance and status ~= 404 then
      return nil, message, status
    end
    return { running = instance ~= nil and instance.state == "running" }
  end,
}
