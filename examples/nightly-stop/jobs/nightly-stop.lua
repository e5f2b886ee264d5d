-- Stops, at night, the containers that have done next to nothing since the last look, three hours before. Their data is
-- kept, and their users can resume them.
--
-- To adapt: change the hours (the node's local time), and how much is next to nothing: an idle sshd is far below it.
local stats = require("dockhost.stats")

local NIGHT_BEGINS, NIGHT_ENDS = 1, 6
local CPU_SECONDS, SENT_BYTES = 60, 1000000

local function use_of(instance, ctx)
  local sample = ctx.docker:container_stats(instance.id)
  return sample and {
    started = instance.started,
    cpu = sample.cpu_stats.cpu_usage.total_usage / 1e9,
    sent = stats.usage(sample, sample).txBytes,
  }
end

local function was_idle(before, now)
  return before ~= nil and before.started == now.started
    and now.cpu - before.cpu < CPU_SECONDS and now.sent - before.sent < SENT_BYTES
end

return {
  every = 3 * 3600,
  run = function(ctx)
    local hour = os.date("*t", math.floor(ctx.time())).hour
    local before, now = ctx.store:get("nightly-stop") or {}, {}
    for _, listed in ipairs(ctx.containers:list() or {}) do
      local instance = listed.state == "running" and ctx.containers:of_user(listed.username)
      local use = instance and use_of(instance, ctx)
      if use then
        now[instance.id] = use
        if hour >= NIGHT_BEGINS and hour < NIGHT_ENDS and was_idle(before[instance.id], use) then
          local ok, message = ctx.docker:container_stop(instance.id, { t = 5 })
          ctx.log.info(ok and "stopped: it was idle" or "not stopped: " .. message, { user = instance.username })
        end
      end
    end
    ctx.store:set("nightly-stop", now)
  end,
}
