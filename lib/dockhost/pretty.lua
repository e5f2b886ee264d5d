-- JSON for people: one field a line, indented, fields in order.
local json = require("dockhost.json")

local pretty = {}

local function is_branch(value)
  return type(value) == "table" and next(value) ~= nil
end

local function add(parts, value, indent)
  if not is_branch(value) then
    table.insert(parts, (assert(json.encode(value))))
    return
  end
  local array, inner = json.is_array(value), indent .. "  "
  local keys = {}
  for key in pairs(value) do
    table.insert(keys, key)
  end
  table.sort(keys)
  table.insert(parts, array and "[" or "{")
  for i, key in ipairs(keys) do
    table.insert(parts, (i > 1 and ",\n" or "\n") .. inner)
    if not array then
      table.insert(parts, json.encode(key) .. ": ")
    end
    add(parts, value[key], inner)
  end
  table.insert(parts, "\n" .. indent .. (array and "]" or "}"))
end

-- (value) -> text, without a newline at its end
function pretty.text(value)
  local parts = {}
  add(parts, value, "")
  return table.concat(parts)
end

return pretty
