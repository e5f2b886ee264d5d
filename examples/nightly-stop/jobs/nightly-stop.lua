-- Stops, at night, what has been idle for hours: used next to no CPU time, and sent next to nothing. Its data is kept,
-- and its user can resume it. After a restart of the node, idleness is counted anew.
--
-- To adapt: the hours of the night are the node's local time. "Busy" is more than that, on average between two looks.
local stats = require("dockhost.stats")

local NIGHT_BEGINS, NIGHT_ENDS = 2, 5
local IDLE_SECONDS = 6 * 3600
local BUSY_CPU_SECONDS, BUSY_BYTES = 0.01, 100 -- a second

local function look(instance, ctx)
  local sample, message = ctx.docker:container_stats(instance.id)
  if not sample then
    return nil, message
  end
  local cpu_seconds = sample.cpu_stats.cpu_usage.total_usage / 1e9
  local used = stats.usage(sample, sample)
  return { at = ctx.time(), started = instance.started, cpu = cpu_seconds, sent = used.txBytes }
end

local function is_busy(before, now)
  if not before or before.started ~= now.started then
    return true
  end
  local seconds = now.at - before.at
  return now.cpu - before.cpu > BUSY_CPU_SECONDS * seconds or now.sent - before.sent > BUSY_BYTES * seconds
end

local function idle_seconds(instance, key, ctx)
  local now, message = look(instance, ctx)
  if not now then
    ctx.log.warn("its use can't be told", { user = instance.username, reason = message })
    return 0
  end
  local before = ctx.store:get(key)
  now.active = is_busy(before, now) and now.at or before.active
  ctx.store:set(key, now)
  return now.at - now.active
end

local function stop(instance, idle, ctx)
  local ok, message = ctx.docker:container_stop(instance.id, { t = 5 })
  if ok then
    ctx.log.info("stopped what was idle", { user = instance.username, hours = idle // 3600 })
  else
    ctx.log.warn("what is idle was not stopped", { user = instance.username, reason = message })
  end
end

return {
  every = 600,
  run = function(ctx)
    local list, message = ctx.containers:list()
    if not list then
      return ctx.log.warn("nothing is stopped: " .. message)
    end
    local hour = os.date("*t", math.floor(ctx.time())).hour
    local seen = {}
    for _, listed in ipairs(list) do
      local instance = ctx.containers:of_user(listed.username)
      if instance and instance.state == "running" then
        local key = "nightly-stop/" .. instance.id
        seen[key] = true
        local idle = idle_seconds(instance, key, ctx)
        if idle >= IDLE_SECONDS and hour >= NIGHT_BEGINS and hour < NIGHT_ENDS then
          stop(instance, idle, ctx)
        end
      end
    end
    for _, key in ipairs(ctx.store:keys("nightly-stop/")) do
      if not seen[key] then
        ctx.store:set(key, nil)
      end
    end
  end,
}
