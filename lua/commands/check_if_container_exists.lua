-- The deployed server's first question in each of its sequences. A false makes it tell a user that their instance is
-- gone, so Docker's absence is waited out, and then the answer is true: the command that follows says what is wrong.
local HOLD_SECONDS = 20

return {
  params = { username = "username" },
  fallback = function()
    return { exists = true }
  end,
  run = function(params, ctx)
    local instance, message, status = ctx.hold(HOLD_SECONDS, function()
      return ctx.containers:of_user(params.username)
    end)
    if not instance and status ~= 404 then
      return nil, message, status
    end
    return { exists = instance ~= nil }
  end,
}
