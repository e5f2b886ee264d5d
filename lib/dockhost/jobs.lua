-- Jobs: scripts that run every so many seconds. One that still runs when its time comes is not started again.
local jobs = {}

local Jobs = {}
Jobs.__index = Jobs

-- jobs.new{ timer =, background = background.new(…), log = } -> jobs
function jobs.new(options)
  return setmetatable({
    timer = options.timer,
    background = options.background,
    log = options.log,
    active = {},
    running = {},
  }, Jobs)
end

-- By name: the run may be of code that has been replaced since.
local function run(self, entry)
  local name = entry.name
  if self.running[name] then
    self.log:warn("it still runs: this turn is left out", { job = name })
    return
  end
  self.running[name] = true
  self.background:run({
    name = "jobs/" .. name,
    set = entry.set,
    fn = entry.job.run,
    on_end = function()
      self.running[name] = nil
    end,
  })
end

local function schedule(self, entry)
  entry.timer = self.timer.start(entry.job.every, function()
    schedule(self, entry)
    run(self, entry)
  end)
end

local function same(entry, set, name)
  return entry ~= nil and entry.text == set.files["jobs/" .. name .. ".lua"].text
end

-- Takes the jobs of a set of scripts. One that has not changed keeps its turn.
function Jobs:use(set)
  if self.stopped then
    return
  end
  local before = self.active
  self.active = {}
  for name, job in pairs(set.jobs) do
    local entry = before[name]
    if same(entry, set, name) then
      before[name] = nil
      entry.set = set
    else
      entry = { name = name, job = job, set = set, text = set.files["jobs/" .. name .. ".lua"].text }
      schedule(self, entry)
    end
    self.active[name] = entry
  end
  for _, entry in pairs(before) do
    entry.timer:close()
  end
end

-- For good: a reload does not start them again.
function Jobs:stop()
  self.stopped = true
  for _, entry in pairs(self.active) do
    entry.timer:close()
  end
  self.active = {}
end

return jobs
