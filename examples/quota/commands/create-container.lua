-- The main server says by a field of its own, `plan`, how much a container may use. Without it, the first plan.
--
-- To adapt: change the plans, or the field's name. What they may set is what container.lua reads from the settings.
local MB = 1024 * 1024
local FIRST = "free"
local PLANS = {
  free = { memory = 256 * MB, cpus = 0.25, pids = 128 },
  student = { memory = 512 * MB, cpus = 0.5, pids = 256 },
  pro = { memory = 4096 * MB, cpus = 2, pids = 2048 },
}

local create = shadowed.run
shadowed.params.plan = "string?"

function shadowed.run(params, ctx)
  local plan = PLANS[params.plan or FIRST]
  if not plan then
    return nil, "plan: there is none of that name here", 400
  end
  for name, value in pairs(plan) do
    ctx.config[name] = value
  end
  return create(params, ctx)
end

return shadowed
