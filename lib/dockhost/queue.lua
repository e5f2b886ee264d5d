-- Turns: the jobs of one key (a user) run one after the other, in order of arrival; keys do not wait for each other.
local queue = {}

local Queue = {}
Queue.__index = Queue

-- queue.new{ limit = 16 }: how many jobs of one key may wait behind the one that runs.
function queue.new(options)
  return setmetatable({ limit = options.limit, lines = {} }, Queue)
end

-- Puts `job` at the end of its key's line and calls `start(job)` when its turn comes, at once when the line is empty.
-- Returns true, or nil when the line is full.
function Queue:join(key, job, start)
  local line = self.lines[key]
  if not line then
    line = {}
    self.lines[key] = line
  elseif #line > self.limit then
    return nil, "too many commands are waiting for this user", 429
  end
  table.insert(line, { job = job, start = start })
  if #line == 1 then
    start(job)
  end
  return true
end

-- Takes `job` out, wherever it stands; the next one starts when it stood first.
function Queue:leave(key, job)
  local line = self.lines[key] or {}
  for i, entry in ipairs(line) do
    if entry.job == job then
      table.remove(line, i)
      if #line == 0 then
        self.lines[key] = nil
      elseif i == 1 then
        line[1].start(line[1].job)
      end
      return
    end
  end
end

-- The jobs of a key, the running one first.
function Queue:jobs(key)
  local jobs = {}
  for i, entry in ipairs(self.lines[key] or {}) do
    jobs[i] = entry.job
  end
  return jobs
end

-- How many jobs wait behind another, over all keys.
function Queue:waiting()
  local n = 0
  for _, line in pairs(self.lines) do
    n = n + #line - 1
  end
  return n
end

-- How many jobs run or wait, over all keys.
function Queue:count()
  local n = 0
  for _, line in pairs(self.lines) do
    n = n + #line
  end
  return n
end

return queue
