-- What a step of `dockhost check` found: { level = "ok" | "warning" | "failure", message =, advice = what to do? }
local finding = {}

local function of(level)
  return function(message, advice)
    return { level = level, message = message, advice = advice }
  end
end

finding.ok, finding.warning, finding.failure = of("ok"), of("warning"), of("failure")

return finding
