-- The log: levels, names of the parts that speak, and the secrets that no line may hold.
local logline = require("dockhost.logline")
local redaction = require("dockhost.redaction")
local repeats = require("dockhost.repeats")

local log = {}

local LONGEST_TRACEBACK = 64
local ROOT = "dockhost"

local Logger = {}
Logger.__index = Logger

local function logger_of(sink, name, bound)
  local full_name = name and ROOT .. ":" .. name or ROOT
  return setmetatable({ sink = sink, name = name, full_name = full_name, bound = bound }, Logger)
end

local function nothing() return false end

local function call_taps(sink, record)
  local heard = logline.record(record, sink.style)
  for _, tap in ipairs(sink.taps) do
    local ok, why = pcall(tap.fn, heard)
    if not ok then sink.write(sink.style.redact("a reader of the log failed: " .. tostring(why))) end
  end
end

-- Those who hear of each line. One that fails, or that writes lines itself, harms no one.
local function tell_taps(sink, record)
  if sink.telling or #sink.taps == 0 then return end
  sink.telling = true
  pcall(call_taps, sink, record)
  sink.telling = false
end

local function write_traceback(sink, traceback)
  local count = 0
  for line in traceback:gmatch("[^\n]+") do
    count = count + 1
    if count > LONGEST_TRACEBACK then break end
    sink.write(logline.traceback(line:gsub("^\t", ""), sink.style))
  end
end

-- The pieces of a line are redacted before they are cut and escaped; the whole line is once more, for a secret that
-- was put together from pieces. Of JSON that may take a part of an escape, so what is left becomes a message.
local function write_record(sink, record)
  local line = sink.line(record, sink.style)
  local redacted = sink.style.redact(line)
  local heard = record
  if redacted ~= line then
    heard = { time = record.time, level = record.level, name = record.name, message = redacted }
    redacted = sink.json and sink.line(heard, sink.style) or redacted
  end
  sink.write(redacted)
  if record.traceback and not sink.json then write_traceback(sink, record.traceback) end
  tell_taps(sink, heard)
end

-- log.new{ write = function(line), time = function() -> seconds, format = "text" | "json", color = boolean?,
-- filter = debug_filter?, secrets = function() -> list?, timer = host.timer?: tells in time how often a line was
-- repeated } -> logger
function log.new(options)
  local sink = {
    write = options.write,
    time = options.time,
    style = { color = options.color, redact = redaction.new(options.secrets) },
    taps = {},
  }
  local logger = logger_of(sink)
  logger:configure(options)
  sink.repeats = repeats.new {
    timer = options.timer,
    time = options.time,
    write = function(record) write_record(sink, record) end,
  }
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

-- What all lines of this logger say, and what this one says besides. Nobody can take the place of the former.
local function all_fields(bound, fields)
  if not bound or fields == nil then return bound or fields end
  local all = {}
  for key, value in next, type(fields) == "table" and fields or { value = fields } do
    all[bound[key] == nil and key or key .. "_"] = value
  end
  for key, value in next, bound do all[key] = value end
  return all
end

local function record_of(self, level, message, fields)
  return {
    time = self.sink.time(),
    level = level,
    name = self.name,
    message = message,
    fields = all_fields(self.bound, fields),
  }
end

local function emit(self, level, message, fields)
  local record = record_of(self, level, message, fields)
  if not self.sink.repeats:holds(record, self.bound and self.bound.id) then write_record(self.sink, record) end
end

-- (logger, namespace) -> logger whose lines begin with "namespace: "
function Logger:child(namespace)
  return logger_of(self.sink, self.name and self.name .. ":" .. namespace or namespace, self.bound)
end

-- (logger, fields) -> logger whose lines have those fields too. With an `id`, lines are repeated only among themselves.
function Logger:with(fields)
  return logger_of(self.sink, self.name, all_fields(self.bound, fields))
end

-- Calls `fn(record)` with each line that is written from now on, until the returned function is called. The record is
-- shared: { time =, level =, name =, message =, fields = { name = text }, traceback = }, all text without secrets.
function Logger:tap(fn)
  local taps, tap = self.sink.taps, { fn = fn }
  self.sink.taps = table.move(taps, 1, #taps, 2, { tap })
  return function()
    local rest = {}
    for _, other in ipairs(self.sink.taps) do
      if other ~= tap then rest[#rest + 1] = other end
    end
    self.sink.taps = rest
  end
end

-- Takes the secrets out of a text, as out of each line.
function Logger:redact(text)
  return self.sink.style.redact(text)
end

-- Tells now how often lines were repeated, as at the end of the process.
function Logger:flush()
  self.sink.repeats:flush()
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

-- One line of its kind, such as a command's: it is never taken for a repetition.
function Logger:report(message, fields) write_record(self.sink, record_of(self, "info", message, fields)) end

-- An error with its traceback: indented lines of their own, or a field in JSON.
function Logger:trace(message, traceback)
  local record = record_of(self, "error", message)
  record.traceback = type(traceback) == "string" and traceback or ""
  if not self.sink.repeats:holds(record, self.bound and self.bound.id) then write_record(self.sink, record) end
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
