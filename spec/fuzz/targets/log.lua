-- The log: whatever a message, a name, a field or a traceback holds, a line is a line, JSON is JSON, and a secret is
-- not shown. The lines of an input are message, name, key, value (JSON), traceback and filter.
local check = require("check")
local debug_filter = require("dockhost.debug_filter")
local input = require("input")
local json = require("dockhost.json")
local log = require("dockhost.log")
local printable = require("dockhost.printable")
local text = require("dockhost.text")

local SECRET = "s3cret-of-the-fuzzer"

local function check_line(line, format)
  check.line(line)
  check.that(#line <= 256 * 1024, "a line that is too long", #line)
  check.that(not line:find(SECRET, 1, true), "the secret is shown", line)
  if format == "json" then
    local record = json.decode(line)
    check.that(type(record) == "table" and type(record.message) == "string", "a line that is no record", line)
    check.that(type(record.time) == "string" and type(record.level) == "string", "a record without its own fields")
  end
end

local function speak(format, parts)
  local logger = log.new({
    write = function(line)
      check_line(line, format == "json" and "json" or "text")
    end,
    time = function() return 1795521600.5 end,
    format = format,
    filter = debug_filter.new(parts[6]),
    -- One that is a part of JSON would leave none.
    secrets = function() return { SECRET, parts[6] and parts[6]:match("^[%w.-]+$") } end,
  })
  local value = parts[4] and json.decode(parts[4])
  local fields = { [parts[3] or "key"] = value or parts[4], nested = { parts[4] }, [7] = parts[2] }
  local child = logger:child(parts[2] or "x")
  child:info(parts[1], fields)
  child:debug(parts[1], fields)
  child:warn(parts[1], value)
  child:trace(parts[1], parts[5])
  logger:script().error(value or parts[1], fields)
end

local function check_printable(whole)
  for _, limit in ipairs({ 10, 100, math.huge }) do
    for name, convert in pairs(printable) do
      local shown = convert(whole, limit)
      check.line(shown)
      check.that(#shown <= limit + 3, "more than the limit", name, #shown)
    end
  end
  local decoded = json.decode('"' .. printable.json(whole) .. '"')
  check.that(decoded ~= nil, "this is no JSON string", printable.json(whole))
  check.that(not utf8.len(whole) or whole:find("\0", 1, true) or decoded == whole, "another text", whole)
  check.that(printable.text(printable.text(whole)) == printable.text(whole), "it is escaped twice", whole)
end

return function(bytes)
  local parts = {}
  for line in input.lines(bytes) do
    parts[#parts + 1] = line:gsub("\\n", "\n"):gsub("SECRET", SECRET)
  end
  speak("text", parts)
  speak("json", parts)
  check_printable(bytes)
  check.line((text.columns({ { "a", "b" }, { parts[1], parts[2] } }):gsub("\n", " ")))
  local trimmed = text.trim(bytes)
  check.that(not trimmed:find("^%s") and not trimmed:find("%s$"), "it is not trimmed", trimmed)
  local closest = text.closest(parts[1], { "MEMORY", "PULL", "IMAGE" })
  check.that(closest == nil or #parts[1] <= 64, "too long a word was compared")
end
