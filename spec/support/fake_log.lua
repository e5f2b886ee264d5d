-- A logger for specs, with the methods of dockhost.log: it keeps the records instead of writing lines.
--
--   local log = fake_log.new()
--   log.records                     -- { level =, name =, message =, fields =, traceback = } in order, children's too
--   log:find("warn", "too many")    -- the records of a level whose message has that text (plain)
local fake_log = {}

local Log = {}
Log.__index = Log

local function logger(records, name)
  return setmetatable({ records = records, name = name }, Log)
end

function fake_log.new()
  return logger({})
end

function Log:child(name)
  return logger(self.records, name)
end

for _, level in ipairs({ "debug", "info", "warn", "error" }) do
  Log[level] = function(self, message, fields)
    assert(type(message) == "string", "a log line needs a message")
    table.insert(self.records, { level = level, name = self.name, message = message, fields = fields or {} })
  end
end

function Log:trace(message, traceback)
  local record = { level = "error", name = self.name, message = message, traceback = traceback, fields = {} }
  table.insert(self.records, record)
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
