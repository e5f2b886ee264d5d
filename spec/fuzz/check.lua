-- What targets state about what they see; a statement that does not hold is a finding.
local json = require("dockhost.json")

local check = {}

-- The value in a form that can be read in a report.
function check.show(value)
  if type(value) == "string" then
    return ("%q"):format(#value > 300 and value:sub(1, 300) .. "…" or value)
  elseif type(value) == "table" then
    return check.show(json.encode(value) or "a table that JSON can't hold")
  end
  return tostring(value)
end

function check.that(condition, what, ...)
  if condition then
    return condition
  end
  local shown = table.pack(...)
  for i = 1, shown.n do
    shown[i] = check.show(shown[i])
  end
  error(what .. (shown.n > 0 and ": " .. table.concat(shown, ", ", 1, shown.n) or ""), 2)
end

-- A message for people: present, short, one line.
function check.message(text, limit)
  check.that(type(text) == "string" and text ~= "", "a failure without a message", text)
  check.that(#text <= (limit or 1000), "a message that is too long", text)
  check.line(text)
end

-- One line that steers no terminal and is valid UTF-8.
function check.line(text)
  check.that(utf8.len(text), "a line that is not UTF-8", text)
  check.that(not text:find("[\0-\31\127]"), "a line with control characters", text)
  check.that(not text:find("\xC2[\x80-\x9F]"), "a line with C1 control characters", text)
end

local function same(a, b, depth)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b and math.type(a) == math.type(b)
  end
  if depth > 200 then
    return false
  end
  for key, value in next, a do
    if not same(value, b[key], depth + 1) then
      return false
    end
  end
  for key in next, b do
    if a[key] == nil then
      return false
    end
  end
  return json.is_array(a) == json.is_array(b)
end

function check.same(a, b, what)
  check.that(same(a, b, 0), what, a, b)
end

return check
