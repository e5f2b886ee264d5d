-- JSON text and Lua values. lua-cjson parses and escapes; what it loses is kept here: integers, the difference between
-- `[]` and `{}`, every digit of a number, valid UTF-8, and an answer instead of an error.
local cjson = require("cjson")
local utf8text = require("dockhost.utf8text")

local json = { null = cjson.null }

local MAX_DEPTH <const> = 64
local MAX_SAFE <const> = 2 ^ 53
local MAX_PATH <const> = 200
-- Stands for the inside of `[]` while cjson reads a text. No UTF-8 has this byte, and no escape makes it.
local EMPTY <const> = "\xFF"
local EMPTY_ARRAY <const> = '["' .. EMPTY .. '"]'
local EMPTY_PATTERN <const> = "%[[ \t\r\n]*%]"
local SURROGATE <const> = "\\u[dD][89a-fA-F]%x%x"
local PAIR <const> = "\\u([dD][89aAbB]%x%x)\\u([dD][c-fC-F]%x%x)"
-- Far more than any packet has that somebody means.
local MOST_VALUES <const> = 65536
local MOST_BOUNDED <const> = 256
local SLASH = { ["/"] = "/" }
local SPACE <const> = 32
local CLOSING_BRACKET <const> = 93

local Array = { __name = "json.array" }

local codec = cjson.new()
codec.decode_invalid_numbers(false)
codec.decode_max_depth(MAX_DEPTH)
-- Its buffer is six times the longest string ever escaped.
codec.encode_keep_buffer(false)

local parse, escape = codec.decode, codec.encode
local byte, find, format, gsub, sub =
  string.byte, string.find, string.format, string.gsub, string.sub
local tointeger, math_type = math.tointeger, math.type
local concat, sort = table.concat, table.sort

-- Marks a table as an array, so that it is written as one when it is empty too.
function json.array(t)
  return setmetatable(t, Array)
end

-- How many keys a table has when they are 1..n, else nil.
local function sequence_length(t)
  local n = 0
  for _ in next, t do
    n = n + 1
    if rawget(t, n) == nil then
      return nil
    end
  end
  return n
end

local function is_array(t)
  local n = sequence_length(t)
  return n ~= nil and (n > 0 or getmetatable(t) == Array)
end

-- Whether a value is written as an array: a table with the keys 1..n, or an empty one that is marked.
function json.is_array(value)
  return type(value) == "table" and is_array(value)
end

-- The position of the `]` when an empty array begins at `at`.
local function empty_array_end(text, at)
  local following = byte(text, at + 1)
  if following == CLOSING_BRACKET then
    return at + 1
  elseif following and following <= SPACE then
    local _, last = find(text, "^[ \t\r\n]+%]", at + 1)
    return last
  end
end

-- The text with a mark in place of each empty array: the i-th stands from starts[i] to ends[i].
local function replace_arrays(text, starts, ends)
  local parts, from = {}, 1
  for i, start in ipairs(starts) do
    parts[i] = sub(text, from, start - 1)
    from = ends[i] + 1
  end
  parts[#parts + 1] = sub(text, from)
  return table.concat(parts, EMPTY_ARRAY)
end

-- Marks every `[]`, without asking whether it stands inside a string: there the quotes of the mark end the string, and
-- the text no longer parses.
local function mark_everywhere(text)
  local starts, ends = {}, {}
  local at = find(text, "[", 1, true)
  while at do
    local last = empty_array_end(text, at)
    if last then
      starts[#starts + 1], ends[#ends + 1] = at, last
    end
    at = find(text, "[", at + 1, true)
  end
  return starts[1] and replace_arrays(text, starts, ends) or text
end

-- The text with a mark for every `[]` that is no part of a string. It costs more than the parse itself.
local function mark_outside_strings(text)
  -- Each escape gives way to two bytes that mean nothing: what quotes are left delimit strings, at their old places.
  local masked = gsub(text, "\\.", "\0\0")
  local parts, from = {}, 1
  local function mark_gap(first, last)
    local gap = sub(text, first, last)
    if find(gap, EMPTY_PATTERN) then
      parts[#parts + 1] = sub(text, from, first - 1) .. gsub(gap, EMPTY_PATTERN, EMPTY_ARRAY)
      from = last + 1
    end
  end
  local first = 1
  while first do
    local quote = find(masked, '"', first, true)
    mark_gap(first, quote and quote - 1 or #text)
    local closing = quote and find(masked, '"', quote + 1, true)
    first = closing and closing + 1
  end
  return table.concat(parts) .. sub(text, from)
end

-- JavaScript writes half a surrogate pair as an escape, which cjson refuses: it becomes U+FFFD. Nil when there are more
-- than `most`. The zero bytes stand for backslashes, of which those that are escaped, or in a pair, must stay.
local function replace_lone_surrogates(text, most)
  if not find(text, SURROGATE) then
    return text
  end
  local pairs_count, lone_count
  text = gsub(text, "\\\\", "\0\0")
  text, pairs_count = gsub(text, PAIR, "\0u%1\0u%2", most)
  text, lone_count = gsub(text, SURROGATE, "\\ufffd", most)
  return pairs_count < most and lone_count < most and gsub(text, "\0", "\\") or nil
end

-- How often values and strings begin in a text, at most `most`; that much and more may also be inside of strings.
local function count_values(text, most)
  local _, count = gsub(text, '[%[{,"]', "", most)
  return count
end

-- Whether a text, with what is inside its strings left out, holds fewer than `most` values and strings.
local function is_bounded(text, most)
  local bare = gsub(gsub(text, "\\.", ""), '"[^"]*"', '"')
  return count_values(bare, most) < most
end

-- Turns integral floats into integers and marks arrays, in place. False when a number is beyond a double's range.
local function settle(t)
  local first = t[1]
  if first ~= nil then
    setmetatable(t, Array)
    if first == EMPTY and t[2] == nil then
      t[1] = nil
      return true
    end
  end
  for key, value in next, t do
    local kind = type(value)
    if kind == "table" then
      if not settle(value) then
        return false
      end
    elseif kind == "number" then
      if value % 1 ~= 0 then
        if value - value ~= 0 then
          return false
        end
      elseif value >= -MAX_SAFE and value <= MAX_SAFE then
        t[key] = tointeger(value)
      end
    end
  end
  return true
end

local function parse_carefully(text, most)
  text = replace_lone_surrogates(text, most)
  if not text then
    return false, "it has too many halves of surrogate pairs"
  end
  return pcall(parse, mark_outside_strings(text))
end

-- What is simple is tried first, where it is known to cost little.
local function parse_marked(text, most)
  if #text < most or count_values(text, most) < most then
    local ok, value = pcall(parse, mark_everywhere(text))
    if ok then
      return ok, value
    end
  elseif not is_bounded(text, most) then
    return false, ("it holds more than %d values"):format(most)
  end
  return parse_carefully(text, most)
end

-- (text, most?) -> value | nil, message. Arrays come marked, null is json.null. Of a repeated key the last one counts.
-- A text with `most` values and keys (65536) or more is refused before they are made.
function json.decode(text, most)
  if find(text, "\0", 1, true) then
    return nil, "this is not JSON: it holds a zero byte"
  elseif find(text, EMPTY, 1, true) then
    return nil, "this is not JSON: it holds a byte that is not UTF-8"
  end
  local ok, value = parse_marked(text, most or MOST_VALUES)
  if not ok then
    -- The position counts from the marked text, so it would mislead.
    return nil, "this is not JSON: " .. tostring(value):gsub(" at character %d+$", "")
  end
  local box = { value = value }
  if not settle(box) then
    return nil, "this is not JSON: a number is out of range"
  end
  return box.value
end

-- The shortest form that reads back as the same number.
local function number_text(value)
  if math_type(value) == "integer" then
    return format("%d", value)
  elseif value - value ~= 0 then
    return nil, "a number that is not finite"
  end
  local text = format("%.15g", value)
  if tonumber(text) ~= value then
    text = format("%.16g", value)
  end
  return tonumber(text) == value and text or format("%.17g", value)
end

-- cjson writes `\/` for a slash, which nobody wants to read.
local function string_text(value)
  local text = escape(utf8text.repair(value))
  return find(text, "/", 1, true) and gsub(text, "\\(.)", SLASH) or text
end

-- The same few keys are written over and over: their texts are kept, up to a number of them.
local LONGEST_KEPT <const>, MOST_KEPT <const> = 32, 512
local key_texts, kept = {}, 0

local function key_text(key)
  local text = key_texts[key]
  if text then
    return text
  end
  text = string_text(key) .. ":"
  if #key <= LONGEST_KEPT then
    if kept == MOST_KEPT then
      key_texts, kept = {}, 0
    end
    key_texts[key], kept = text, kept + 1
  end
  return text
end

-- A copy of a table with its numeric keys as strings; a string key goes before a number that reads the same.
local function with_names(t)
  local named = {}
  for key, value in next, t do
    local name = math_type(key) and (number_text(key) or tostring(key)) or key
    if name == key or rawget(t, name) == nil then
      named[name] = value
    end
  end
  return named
end

-- The sorted keys of a table, and the table that has them: a copy, where a key was a number.
local function members(t)
  local names = {}
  for key in next, t do
    if type(key) == "number" then
      return members(with_names(t))
    elseif type(key) ~= "string" then
      return nil, "a key that is a " .. type(key)
    end
    names[#names + 1] = key
  end
  if names[2] then
    sort(names)
  end
  return names, t
end

-- By type: (value, depth) -> text | nil, what has no form in JSON, the path to it. Each level extends the path.
local writers = { boolean = tostring, number = number_text, string = string_text }

local function write(value, depth)
  local writer = writers[type(value)]
  if not writer then
    return nil, "a " .. type(value)
  end
  return writer(value, depth)
end

local function write_array(t, depth)
  local parts = {}
  for i = 1, rawlen(t) do
    local text, problem, path = write(t[i], depth)
    if not text then
      return nil, problem, "[" .. i .. "]" .. (path or "")
    end
    parts[i] = text
  end
  return "[" .. concat(parts, ",") .. "]"
end

local function write_object(t, depth)
  local names, named = members(t)
  if not names then
    return nil, named
  end
  for i, name in ipairs(names) do
    local text, problem, path = write(rawget(named, name), depth)
    if not text then
      return nil, problem, "." .. name .. (path or "")
    end
    names[i] = key_text(name) .. text
  end
  return "{" .. concat(names, ",") .. "}"
end

writers["nil"] = function()
  return "null"
end

function writers.userdata(value)
  if value == json.null then
    return "null"
  end
  return nil, "a userdata"
end

function writers.table(t, depth)
  if depth == MAX_DEPTH then
    return nil, "a table nested deeper than " .. MAX_DEPTH .. " levels, or inside itself"
  end
  return (is_array(t) and write_array or write_object)(t, depth + 1)
end

-- What a value's text takes at most, and how many more values may be counted; nil when that can't be told.
local function bound_of(value, depth, left)
  local kind = type(value)
  if kind == "string" then
    return 6 * #value + 2, left - 1
  elseif kind == "table" then
    if depth == MAX_DEPTH then
      return nil
    end
    local size = 2
    for key, inner in next, value do
      local key_size = type(key) == "string" and 6 * #key + 4 or math_type(key) and 32
      local inner_size
      if left > 0 and key_size then
        inner_size, left = bound_of(inner, depth + 1, left)
      end
      if not inner_size then
        return nil
      end
      size = size + key_size + inner_size
    end
    return size, left - 1
  elseif kind == "number" then
    return value - value == 0 and 32 or nil, left - 1
  end
  return (kind == "boolean" or value == nil or value == json.null) and 5 or nil, left - 1
end

-- (value) -> more bytes than its text has, told for a small part of what it costs to write it; nil when it has many
-- parts, or no form in JSON
function json.bound(value)
  return (bound_of(value, 0, MOST_BOUNDED))
end

-- (value) -> text | nil, message. Keys are sorted; bytes that are not UTF-8 become U+FFFD.
function json.encode(value)
  local text, problem, path = write(value, 0)
  if text then
    return text
  elseif not path then
    return nil, "JSON cannot hold " .. problem
  end
  path = utf8text.repair(path:gsub("^%.", ""):sub(1, MAX_PATH))
  return nil, "JSON cannot hold " .. problem .. ", found at " .. path
end

return json
