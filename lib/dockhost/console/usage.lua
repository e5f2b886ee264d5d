-- What the running containers use, sampled again and again while somebody watches.
local stats = require("dockhost.stats")
local task = require("dockhost.task")

local usage = {}

-- CPU use needs two samples: the second comes sooner.
local FIRST_SECONDS, SECONDS = 1, 3
local AT_ONCE = 4

local Usage = {}
Usage.__index = Usage

-- usage.new{ docker =, tasks =, sleep =, list = function() -> instances?, when = function() -> whether Docker can be
-- asked, on_sample = function() } -> usage. `known` is { [user] = { cpuPercent?, memoryBytes, memoryLimit } }.
function usage.new(options)
  return setmetatable({
    docker = options.docker,
    tasks = options.tasks,
    sleep = options.sleep,
    list = options.list,
    when = options.when,
    on_sample = options.on_sample,
    known = {},
    samples = {},
    seen = {},
  }, Usage)
end

-- The running containers, and whether one of them was not looked at yet.
local function running(self)
  local found, is_new = {}, false
  for _, instance in ipairs(self.list() or {}) do
    if instance.state == "running" then
      table.insert(found, instance)
      is_new = is_new or not self.seen[instance.id]
    end
  end
  return found, is_new
end

function Usage:start()
  if self.task then
    return
  end
  self.task = self.tasks:spawn(function()
    while true do
      local instances, is_new = running(self)
      if self.when() then
        self.sampling = true
        self:sample(instances)
        self.sampling = false
        self.on_sample()
      end
      self.sleep(is_new and FIRST_SECONDS or SECONDS)
    end
  end)
end

-- The list may have changed: a container that is new in it is looked at without delay.
function Usage:look()
  if self.task and not self.sampling and select(2, running(self)) then
    self.task:cancel("sooner")
    self.task = nil
    self:start()
  end
end

-- What was known is old when somebody watches again.
function Usage:stop()
  if self.task then
    self.task:cancel("nobody watches")
  end
  self.task, self.sampling, self.known, self.samples, self.seen = nil, false, {}, {}, {}
end

-- What the next sample is compared with; the rest of a sample is large.
local function kept(sample)
  local cpu = type(sample.cpu_stats) == "table" and sample.cpu_stats or {}
  return { cpu_stats = { cpu_usage = cpu.cpu_usage, system_cpu_usage = cpu.system_cpu_usage } }
end

local function figures(before, sample)
  local used = stats.usage(before or sample, sample)
  return {
    cpuPercent = before and used.cpuPercent or nil,
    memoryBytes = used.memoryBytes,
    memoryLimit = used.memoryLimit,
  }
end

function Usage:sample(instances)
  local known, samples = {}, {}
  self.seen = {}
  for _, instance in ipairs(instances) do
    self.seen[instance.id] = true
  end
  local results = task.each(self.tasks, instances, AT_ONCE, function(instance)
    return self.docker:container_stats(instance.id)
  end)
  for instance, result in pairs(results) do
    local sample = result[1] and result[2]
    if type(sample) == "table" then
      known[instance.username] = figures(self.samples[instance.id], sample)
      samples[instance.id] = kept(sample)
    end
  end
  self.known, self.samples = known, samples
end

return usage
