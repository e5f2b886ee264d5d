-- Any value for people: tables like JSON, indented, with what JSON has no word for as Lua calls it.
local printable = require("dockhost.printable")

local shown = {}

local DEEPEST <const> = 5
local WIDEST <const> = 100

local function leaf(value)
  if type(value) == "string" then
    return '"' .. printable.quoted(value) .. '"'
  elseif type(value) == "table" then
    return next(value) and "{…}" or "{}"
  elseif type(value) == "userdata" then
    return "null"
  elseif type(value) == "number" or type(value) == "boolean" or value == nil then
    return tostring(value)
  end
  return "<" .. type(value) .. ">"
end

local function before(a, b)
  if type(a) ~= type(b) then
    return type(a) == "number" or type(b) ~= "number" and type(a) < type(b)
  elseif type(a) == "number" or type(a) == "string" then
    return a < b
  end
  return false
end

local function keys_of(value)
  local keys = {}
  for key in next, value do
    table.insert(keys, key)
  end
  table.sort(keys, before)
  return keys
end

local function add(parts, value, indent, around)
  if type(value) ~= "table" or not next(value) then
    return table.insert(parts, leaf(value))
  elseif around[value] then
    return table.insert(parts, "<again>")
  elseif #indent >= 2 * DEEPEST then
    return table.insert(parts, leaf(value))
  end
  around[value] = true
  local keys, inner = keys_of(value), indent .. "  "
  local list = #keys == rawlen(value)
  table.insert(parts, list and "[" or "{")
  for i, key in ipairs(keys) do
    table.insert(parts, (i > 1 and ",\n" or "\n") .. inner)
    if i > WIDEST then
      table.insert(parts, "… " .. #keys - WIDEST .. " more")
      break
    end
    if not list then
      table.insert(parts, leaf(key) .. ": ")
    end
    add(parts, rawget(value, key), inner, around)
  end
  table.insert(parts, "\n" .. indent .. (list and "]" or "}"))
  around[value] = nil
end

-- (value) -> text, without a newline at its end. It asks nothing of the value: no metamethod runs.
function shown.text(value)
  local parts = {}
  add(parts, value, "", {})
  return table.concat(parts)
end

return shown
