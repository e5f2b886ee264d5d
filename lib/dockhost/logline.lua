-- One log record as one line, text for people or JSON for machines. Values come from anywhere and may be anything.
local clock = require("dockhost.clock")
local printable = require("dockhost.printable")

local logline = {}

local LONGEST_MESSAGE = 8 * 1024
local LONGEST_VALUE = 2 * 1024
local LONGEST_KEY = 64
local MOST_FIELDS = 32
local DEEPEST = 4

local COLORS = { debug = "\27[2m", info = "\27[32m", warn = "\27[33m", error = "\27[31m" }
local RESET = "\27[0m"

-- White space, controls, the quote, "=" and the backslash. "]" can only come first.
local NEEDS_QUOTES = "[^]-~!#-<>-[\x80-\xFF]"
-- The same, and what is not ASCII, which needs a second look.
local NOT_PLAIN = "[^]-~!#-<>-[]"

-- What a record itself consists of; a field of the same name gets a "_".
local OWN_KEYS = { time = true, level = true, name = true, message = true, traceback = true }

local function unchanged(value) return value end

local function number_text(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or math.abs(value) == math.huge then return nil end
  return math.tointeger(value) and ("%d"):format(value) or ("%.14g"):format(value)
end

-- A value that is not a table as text. tostring is not asked about tables and userdata: they may answer by raising.
local function plain(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return number_text(value) or tostring(value) end
  if kind == "boolean" or kind == "nil" then return tostring(value) end
  return kind == "userdata" and "null" or kind
end

local function by_text(a, b) return tostring(a) < tostring(b) end

local function sorted_keys(fields)
  local keys, compare = {}, nil
  for key in next, fields do
    local kind = type(key)
    if kind == "string" or kind == "number" then
      keys[#keys + 1] = key
      if kind == "number" then compare = by_text end
    end
  end
  table.sort(keys, compare)
  return keys
end

local function json_string(value, limit, redact)
  return '"' .. printable.json(redact(value), limit) .. '"'
end

local to_json

local function json_array(list, depth, redact)
  local items = {}
  for i = 1, math.min(rawlen(list), MOST_FIELDS) do items[i] = to_json(rawget(list, i), depth, redact) end
  return "[" .. table.concat(items, ",") .. "]"
end

local function json_object(fields, depth, redact)
  local items = {}
  for i, key in ipairs(sorted_keys(fields)) do
    if i > MOST_FIELDS then break end
    items[i] = json_string(tostring(key), LONGEST_KEY, redact) .. ":" .. to_json(fields[key], depth, redact)
  end
  return "{" .. table.concat(items, ",") .. "}"
end

function to_json(value, depth, redact)
  local kind = type(value)
  if kind == "table" then
    if depth >= DEEPEST then return '"…"' end
    return (rawget(value, 1) ~= nil and json_array or json_object)(value, depth + 1, redact)
  end
  if kind == "number" and number_text(value) or kind == "boolean" then return plain(value) end
  if kind == "nil" or kind == "userdata" then return "null" end
  return json_string(plain(value), LONGEST_VALUE, redact)
end

local function text_value(value, redact)
  if type(value) == "table" then
    return printable.text(to_json(value, 0, redact), LONGEST_VALUE)
  end
  local shown = redact(plain(value))
  if shown ~= "" and #shown <= LONGEST_VALUE and not shown:find(NOT_PLAIN) then
    return shown
  end
  if shown ~= "" and not shown:find(NEEDS_QUOTES) then
    local safe = printable.text(shown, LONGEST_VALUE)
    if safe == shown then return safe end
  end
  return '"' .. printable.quoted(shown, LONGEST_VALUE) .. '"'
end

local function text_fields(fields, redact)
  local out = {}
  for i, key in ipairs(sorted_keys(fields)) do
    if i > MOST_FIELDS then break end
    local name = redact(tostring(key)):sub(1, LONGEST_KEY):gsub("[^%w_.-]", "_")
    out[i] = " " .. name .. "=" .. text_value(fields[key], redact)
  end
  return table.concat(out)
end

local function message_text(message, redact)
  return redact(type(message) == "table" and to_json(message, 0, redact) or plain(message))
end

-- A field that is no table still says something.
local function as_fields(fields)
  if fields == nil or type(fields) == "table" then return fields or {} end
  return { value = fields }
end

-- (record: {time, level, name?, message, fields?, traceback?}, {color?, redact?}) -> line. The traceback is left to
-- `logline.traceback`.
function logline.text(record, options)
  local redact = options.redact or unchanged
  local level = ("%-5s"):format(record.level)
  if options.color then level = COLORS[record.level] .. level .. RESET end
  local name = record.name and printable.text(redact(record.name), LONGEST_KEY) .. ": " or ""
  local message = printable.text(message_text(record.message, redact), LONGEST_MESSAGE)
  return clock.format_ms(record.time) .. " " .. level .. " " .. name .. message
    .. text_fields(as_fields(record.fields), redact)
end

local function json_fields(fields, redact)
  local out = {}
  for i, key in ipairs(sorted_keys(fields)) do
    if i > MOST_FIELDS then break end
    local name = tostring(key) .. (OWN_KEYS[key] and "_" or "")
    out[i] = "," .. json_string(name, LONGEST_KEY, redact) .. ":" .. to_json(fields[key], 0, redact)
  end
  return table.concat(out)
end

local function text_of(value, redact)
  return printable.text(type(value) == "table" and to_json(value, 0, redact) or redact(plain(value)), LONGEST_VALUE)
end

-- (record, {redact?}) -> { time, level, name?, message, fields = { name = text }, traceback? }, bounded and printable
function logline.record(record, options)
  local redact, fields = options.redact or unchanged, {}
  local given = as_fields(record.fields)
  for i, key in ipairs(sorted_keys(given)) do
    if i > MOST_FIELDS then break end
    fields[printable.text(redact(tostring(key)), LONGEST_KEY)] = text_of(given[key], redact)
  end
  return {
    time = record.time,
    level = record.level,
    name = record.name and printable.text(redact(record.name), LONGEST_KEY),
    message = printable.text(message_text(record.message, redact), LONGEST_MESSAGE),
    fields = fields,
    traceback = record.traceback and redact(record.traceback):sub(1, LONGEST_MESSAGE),
  }
end

-- (line of a traceback, {redact?}) -> line that can't be taken for a record
function logline.traceback(line, options)
  return "    " .. printable.text((options.redact or unchanged)(line), LONGEST_VALUE)
end

-- (record, {redact?}) -> one JSON object
function logline.json(record, options)
  local redact = options.redact or unchanged
  local name, traceback = record.name, record.traceback
  return '{"time":"' .. clock.format_ms(record.time) .. '","level":"' .. record.level .. '"'
    .. (name and ',"name":' .. json_string(name, LONGEST_KEY, redact) or "")
    .. ',"message":' .. json_string(message_text(record.message, redact), LONGEST_MESSAGE, redact)
    .. (traceback and ',"traceback":' .. json_string(traceback, LONGEST_MESSAGE, redact) or "")
    .. json_fields(as_fields(record.fields), redact) .. "}"
end

return logline
