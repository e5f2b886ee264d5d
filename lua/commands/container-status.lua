-- One container's entry, with what it uses when it runs.
local containers = require("dockhost.containers")
local stats = require("dockhost.stats")

-- CPU use is what was used between two samples this far apart.
local SAMPLE_SECONDS = 0.25

local function usage(instance, ctx)
  local first, message, status = ctx.docker:container_stats(instance.id)
  if not first then
    return nil, message, status
  end
  ctx.sleep(SAMPLE_SECONDS)
  local second, why, code = ctx.docker:container_stats(instance.id)
  if not second then
    return nil, why, code
  end
  return stats.usage(first, second)
end

return {
  params = { username = "username?", containerId = "container-id?" },
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status
    end
    local entry = containers.entry(instance)
    if instance.state == "running" then
      local used, why, code = usage(instance, ctx)
      if not used then
        return nil, why, code
      end
      for name, value in pairs(used) do
        entry[name] = value
      end
      entry.uptimeSeconds = instance.started and math.max(0, math.floor(ctx.time() - instance.started)) or 0
    end
    return entry, "the container is " .. instance.state
  end,
}
