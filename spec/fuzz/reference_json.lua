-- JSON as RFC 8259 has it, read a character at a time: what dockhost.json is compared with.
local json = require("dockhost.json")

local reference = {}

local MAX_DEPTH <const> = 64
local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local LITERALS = { { "^true()", true }, { "^false()", false }, { "^null()", json.null } }

local function fail()
  error(reference, 0)
end

local function skip(text, at)
  return text:match("^[ \t\r\n]*()", at)
end

local function unicode(text, at)
  local high = text:match("^u(%x%x%x%x)", at) or fail()
  local code = tonumber(high, 16)
  if code < 0xD800 or code > 0xDFFF then
    return utf8.char(code), at + 5
  end
  local low = code < 0xDC00 and tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at + 5) or "0", 16) or 0
  if low > 0 then
    return utf8.char(0x10000 + (code - 0xD800 << 10) + low - 0xDC00), at + 11
  end
  return "\u{FFFD}", at + 5
end

local function read_string(text, at)
  local parts = {}
  while true do
    local plain, mark, next_at = text:match('^([^"\\\0-\31]*)(["\\])()', at)
    if not plain then
      fail()
    end
    parts[#parts + 1] = plain
    if mark == '"' then
      return table.concat(parts), next_at
    end
    local letter = text:sub(next_at, next_at)
    if letter == "u" then
      parts[#parts + 1], at = unicode(text, next_at)
    else
      parts[#parts + 1], at = ESCAPES[letter] or fail(), next_at + 1
    end
  end
end

local function read_number(text, at)
  local digits, next_at = text:match("^(%-?%d+)()", at)
  if not digits or digits:find("^%-?0%d") then
    fail()
  end
  next_at = text:match("^%.%d+()", next_at) or next_at
  next_at = text:match("^[eE][+-]?%d+()", next_at) or next_at
  local value = tonumber(text:sub(at, next_at - 1)) + 0.0
  if value - value ~= 0 then
    fail()
  end
  if value >= -2 ^ 53 and value <= 2 ^ 53 then
    value = math.tointeger(value) or value
  end
  return value, next_at
end

local read_value

-- The members between two brackets; `read` takes one and gives the position after it.
local function read_members(text, at, closing, read)
  at = skip(text, at)
  if text:sub(at, at) == closing then
    return at + 1
  end
  while true do
    at = skip(text, read(at))
    local mark = text:sub(at, at)
    if mark == closing then
      return at + 1
    elseif mark ~= "," then
      fail()
    end
    at = skip(text, at + 1)
  end
end

local function read_array(text, at, depth)
  local list = {}
  return json.array(list), read_members(text, at, "]", function(from)
    list[#list + 1], from = read_value(text, from, depth)
    return from
  end)
end

local function read_object(text, at, depth)
  local object = {}
  return object, read_members(text, at, "}", function(from)
    if text:sub(from, from) ~= '"' then
      fail()
    end
    local name
    name, from = read_string(text, from + 1)
    from = skip(text, from)
    if text:sub(from, from) ~= ":" then
      fail()
    end
    object[name], from = read_value(text, skip(text, from + 1), depth)
    return from
  end)
end

function read_value(text, at, depth)
  local first = text:sub(at, at)
  if first == "[" or first == "{" then
    if depth == MAX_DEPTH then
      fail()
    end
    return (first == "[" and read_array or read_object)(text, at + 1, depth + 1)
  elseif first == '"' then
    return read_string(text, at + 1)
  end
  for _, literal in ipairs(LITERALS) do
    local next_at = text:match(literal[1], at)
    if next_at then
      return literal[2], next_at
    end
  end
  return read_number(text, at)
end

-- (text) -> whether it is JSON in our bounds, the value
function reference.decode(text)
  local ok, value, at = pcall(function()
    return read_value(text, skip(text, 1), 0)
  end)
  if not ok then
    if value ~= reference then
      error(value, 0)
    end
    return false
  end
  return skip(text, at) == #text + 1, value
end

return reference
