-- The log: levels, names of the parts that speak, and the secrets that no line may hold.
local logline = require("dockhost.logline")
local redaction = require("dockhost.redaction")

local log = {}

local LONGEST_TRACEBACK = 64
local ROOT = "dockhost"

local Logger = {}
Logger.__index = Logger

local function logger_of(sink, name)
  return setmetatable({ sink = sink, name = name, full_name = name and ROOT .. ":" .. name or ROOT }, Logger)
end

local function nothing() return false end

-- log.new{ write = function(line), time = function() -> seconds, format = "text" | "json", color = boolean?,
-- filter = debug_filter?, secrets = function() -> list? } -> logger
function log.new(options)
  local sink = {
    write = options.write,
    time = options.time,
    style = { color = options.color, redact = redaction.new(options.secrets) },
  }
  local logger = logger_of(sink)
  logger:configure(options)
  return logger
end

-- (logger, {format =, filter =}): for this logger and all of its kin, as after a reload of the settings
function Logger:configure(options)
  local sink = self.sink
  sink.json = options.format == "json"
  sink.line = sink.json and logline.json or logline.text
  sink.filter = options.filter or nothing
  sink.enabled = {}
end

-- The pieces of a line are redacted before they are cut and escaped; the whole line is once more, for a secret that
-- was put together from pieces. Of JSON that may take a part of an escape, so what is left becomes a message.
local function write_record(self, record)
  local sink = self.sink
  record.time, record.name = sink.time(), self.name
  local line = sink.line(record, sink.style)
  local redacted = sink.style.redact(line)
  if sink.json and redacted ~= line then
    record = { time = record.time, level = record.level, name = record.name, message = redacted }
    redacted = sink.line(record, sink.style)
  end
  sink.write(redacted)
end

local function emit(self, level, message, fields)
  write_record(self, { level = level, message = message, fields = fields })
end

-- (logger, namespace) -> logger whose lines begin with "namespace: "
function Logger:child(namespace)
  return logger_of(self.sink, self.name and self.name .. ":" .. namespace or namespace)
end

-- Whether debug lines are wanted; the answer is remembered, for it is asked with every packet.
function Logger:debugging()
  local sink, name = self.sink, self.full_name
  if sink.enabled[name] == nil then sink.enabled[name] = sink.filter(name) end
  return sink.enabled[name]
end

function Logger:debug(message, fields)
  if self:debugging() then emit(self, "debug", message, fields) end
end

function Logger:info(message, fields) emit(self, "info", message, fields) end

function Logger:warn(message, fields) emit(self, "warn", message, fields) end

function Logger:error(message, fields) emit(self, "error", message, fields) end

local function write_traceback(sink, traceback)
  local count = 0
  for line in traceback:gmatch("[^\n]+") do
    count = count + 1
    if count > LONGEST_TRACEBACK then break end
    sink.write(logline.traceback(line:gsub("^\t", ""), sink.style))
  end
end

-- An error with its traceback: indented lines of their own, or a field in JSON.
function Logger:trace(message, traceback)
  traceback = type(traceback) == "string" and traceback or ""
  write_record(self, { level = "error", message = message, traceback = traceback })
  if not self.sink.json then write_traceback(self.sink, traceback) end
end

-- (logger) -> {debug, info, warn, error}: plain functions, for scripts
function Logger:script()
  local functions = {}
  for _, level in ipairs { "debug", "info", "warn", "error" } do
    functions[level] = function(message, fields) self[level](self, message, fields) end
  end
  return functions
end

return log
