-- A logger for specs, with the methods of dockhost.log: it keeps the records instead of writing lines.
--
--   local log = fake_log.new()
--   log.records                     -- { level =, name =, message =, fields =, traceback = } in order, children's too
--   log:find("warn", "too many")    -- the records of a level whose message has that text (plain)
local fake_log = {}

local Log = {}
Log.__index = Log

local function keep(self, record)
  table.insert(self.records, record)
  for _, fn in pairs(self.taps) do
    fn(record)
  end
end

local function logger(records, name, taps, bound)
  return setmetatable({ records = records, name = name, taps = taps, bound = bound or {} }, Log)
end

local function merged(bound, fields)
  local all = {}
  for _, source in ipairs({ fields or {}, bound }) do
    for key, value in pairs(source) do
      all[key] = value
    end
  end
  return all
end

function fake_log.new()
  return logger({}, nil, {})
end

function Log:child(name)
  return logger(self.records, name, self.taps, self.bound)
end

-- A logger whose lines have those fields too.
function Log:with(fields)
  return logger(self.records, self.name, self.taps, merged(self.bound, fields))
end

for _, level in ipairs({ "debug", "info", "warn", "error" }) do
  Log[level] = function(self, message, fields)
    assert(type(message) == "string", "a log line needs a message")
    keep(self, { level = level, name = self.name, message = message, fields = merged(self.bound, fields) })
  end
end

Log.report = Log.info

function Log:debugging() -- luacheck: no self
  return true
end

function Log:flush() -- luacheck: no self
end

function Log:trace(message, traceback)
  local record = { level = "error", name = self.name, message = message, traceback = traceback,
    fields = merged(self.bound) }
  keep(self, record)
end

-- Calls `fn` with each record from now on, until the returned function is called.
function Log:tap(fn)
  self.taps[fn] = fn
  return function()
    self.taps[fn] = nil
  end
end

function Log:redact(text) -- luacheck: no self
  return text
end

function Log:script()
  local functions = {}
  for _, level in ipairs({ "debug", "info", "warn", "error" }) do
    functions[level] = function(message, fields)
      self[level](self, message, fields)
    end
  end
  return functions
end

function Log:find(level, text)
  local found = {}
  for _, record in ipairs(self.records) do
    if record.level == level and record.message:find(text or "", 1, true) then
      table.insert(found, record)
    end
  end
  return found
end

return fake_log
