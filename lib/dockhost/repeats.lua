-- Holds back a line that comes again and again: the first of them are written, of the others one in a while that says
-- how many there were. A timer runs only while something is held back.
local repeats = {}

local WINDOW_SECONDS = 10
local MOST_LINES = 30
-- What is remembered is bounded: messages may hold anything that comes from outside.
local MOST_KEYS, LONGEST_KEY = 256, 256

local Repeats = {}
Repeats.__index = Repeats

-- repeats.new{ time = function() -> seconds, write = function(record), timer = host.timer? } -> repeats. Without a
-- timer, what was held back is told with a later line.
function repeats.new(options)
  return setmetatable({
    time = options.time,
    timer = options.timer,
    write = options.write,
    entries = {},
    count = 0,
    holding = 0,
  }, Repeats)
end

local function key_of(record, id)
  local message = record.message
  local text = type(message) == "string" and message:sub(1, LONGEST_KEY) or type(message)
  return table.concat({ record.level, record.name or "", tostring(id), text }, "\0")
end

-- Of what was held back since, the last line stands for all.
local function summary(entry, now)
  local last, times = entry.last, entry.held
  if times == 1 then
    return last
  end
  return {
    time = now,
    level = last.level,
    name = last.name,
    message = ("%s … repeated %d times"):format(type(last.message) == "string" and last.message or "the same", times),
    fields = last.fields,
    traceback = last.traceback,
  }
end

local function is_over(entry, now)
  return now - entry.since >= WINDOW_SECONDS or now < entry.since
end

-- A window that is over tells what it held back, and goes on to hold back; one that held nothing back is forgotten.
function Repeats:close_windows(now, all)
  local told = {}
  for key, entry in pairs(self.entries) do
    if entry.held > 0 and (all or is_over(entry, now)) then
      table.insert(told, summary(entry, now))
      entry.since, entry.held, entry.last = now, 0, nil
      self.holding = self.holding - 1
    elseif entry.held == 0 and is_over(entry, now) then
      self.entries[key] = nil
      self.count = self.count - 1
    end
  end
  self.due = self.holding > 0 and now + WINDOW_SECONDS or nil
  table.sort(told, function(a, b)
    return a.time < b.time
  end)
  for _, record in ipairs(told) do
    self.write(record)
  end
  self:arm()
end

function Repeats:arm()
  if self.timer and self.holding > 0 and not self.running then
    self.running = self.timer.start(WINDOW_SECONDS, function()
      self.running = nil
      self:close_windows(self.time())
    end)
  end
end

-- Tells at once what was held back.
function Repeats:flush()
  if self.holding > 0 then
    self:close_windows(self.time(), true)
  end
end

local function hold(self, entry, record)
  entry.held, entry.last = entry.held + 1, record
  if entry.held == 1 then
    self.holding = self.holding + 1
    self.due = self.due or entry.since + WINDOW_SECONDS
    self:arm()
  end
  return true
end

-- Whether this line is one too many; it is counted then. `id` tells the lines of one command from those of others.
-- Debug lines were asked for.
function Repeats:holds(record, id)
  if record.level == "debug" then
    return false
  end
  local now = record.time
  if self.due and now >= self.due then
    self:close_windows(now)
  end
  local key = key_of(record, id)
  local entry = self.entries[key]
  if entry and not (entry.held == 0 and is_over(entry, now)) then
    entry.lines = entry.lines + 1
    return entry.lines > MOST_LINES and hold(self, entry, record)
  end
  if not entry and self.count >= MOST_KEYS then
    self:close_windows(now)
    if self.count >= MOST_KEYS then
      return false
    end
  end
  self.count = self.count + (entry and 0 or 1)
  self.entries[key] = { since = now, lines = 1, held = 0 }
  return false
end

return repeats
