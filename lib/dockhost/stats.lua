-- What a running container uses, from two samples of the Engine's stats (the arithmetic is that of the Docker CLI).
local stats = {}

local function number(value, ...)
  for _, key in ipairs({ ... }) do
    if type(value) ~= "table" then
      return 0
    end
    value = value[key]
  end
  return type(value) == "number" and value or 0
end

-- One core in full use is 100.
local function cpu_percent(first, second)
  local function grown(...)
    return number(second, "cpu_stats", ...) - number(first, "cpu_stats", ...)
  end
  local used, system = grown("cpu_usage", "total_usage"), grown("system_cpu_usage")
  local cores = number(second, "cpu_stats", "online_cpus")
  if used <= 0 or system <= 0 then
    return 0
  end
  return math.floor(used / system * math.max(cores, 1) * 10000 + 0.5) / 100
end

-- Without the page cache that the kernel would give back: total_inactive_file on cgroup v1, inactive_file on v2.
local function memory_bytes(sample)
  local usage = number(sample, "memory_stats", "usage")
  local cache = number(sample, "memory_stats", "stats", "total_inactive_file")
  if cache == 0 then
    cache = number(sample, "memory_stats", "stats", "inactive_file")
  end
  return cache < usage and usage - cache or usage
end

local function transferred(sample, key)
  local sum = 0
  for _, interface in pairs(type(sample.networks) == "table" and sample.networks or {}) do
    sum = sum + number(interface, key)
  end
  return sum
end

-- stats.usage(first, second) -> { cpuPercent, memoryBytes, memoryLimit, pids, rxBytes, txBytes }
function stats.usage(first, second)
  return {
    cpuPercent = cpu_percent(first, second),
    memoryBytes = memory_bytes(second),
    memoryLimit = number(second, "memory_stats", "limit"),
    pids = number(second, "pids_stats", "current"),
    rxBytes = transferred(second, "rx_bytes"),
    txBytes = transferred(second, "tx_bytes"),
  }
end

return stats
