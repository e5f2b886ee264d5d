-- Parameters of a command: a payload from the wire checked against the rules beside the handler.
local sshkey = require("dockhost.sshkey")
local username = require("dockhost.username")

local params = {}

-- Other names under which the deployed server sends a field.
local ALIASES = {
  username = "USERNAME",
  sshPublicKey = "SSH_PUB_KEY",
  startingPort = "startingPortNo",
}

local WIDEST_INTEGER = 2 ^ 53

local function of_type(name, article)
  return function(value)
    if type(value) ~= name then return nil, "must be " .. article .. " " .. name end
    return value
  end
end

local function check_port(value)
  local port
  if type(value) == "number" then
    port = math.tointeger(value)
  elseif type(value) == "string" and value:find("^[1-9]%d?%d?%d?%d?$") then
    port = math.tointeger(tonumber(value))
  end
  if not port or port < 1 or port > 65535 then return nil, "must be an integer from 1 to 65535" end
  return port
end

local function check_integer(value)
  local integer = type(value) == "number" and math.tointeger(value)
  if not integer or integer > WIDEST_INTEGER or integer < -WIDEST_INTEGER then return nil, "must be an integer" end
  return integer
end

local function check_number(value)
  if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then return nil, "must be a number" end
  return value
end

local function check_container_id(value)
  if type(value) ~= "string" or #value < 12 or #value > 64 or value:find("[^0-9a-f]") then
    return nil, "must be 12 to 64 hexadecimal digits in lower case"
  end
  return value
end

-- Type -> function(value) -> checked value | nil, message
local TYPES = {
  username = username.check,
  -- Only the text: the list of keys that comes with it is no message.
  ["ssh-keys"] = function(value)
    local text, message = sshkey.check(value)
    if not text then return nil, message end
    return text
  end,
  port = check_port,
  ["container-id"] = check_container_id,
  string = of_type("string", "a"),
  integer = check_integer,
  number = check_number,
  boolean = of_type("boolean", "a"),
  table = function(value)
    if type(value) ~= "table" then return nil, "must be an object or an array" end
    return value
  end,
  any = function(value) return value end,
}

local function split_rule(rule)
  local type_name, mark = rule:match("^([%a-]+)(%??)$")
  return TYPES[type_name], mark == "?"
end

local function known_types()
  local names = {}
  for name in pairs(TYPES) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

local function validate_rule(field, rule)
  if type(field) ~= "string" or field == "" then return nil, "params: every field needs a name" end
  if type(rule) ~= "string" then return nil, ("params: the type of %q must be a string"):format(field) end
  if not split_rule(rule) then
    return nil, ("params: %q has the unknown type %q; known are %s"):format(field, rule, known_types())
  end
  return true
end

-- (rules) -> true | nil, message
function params.validate_rules(rules)
  if type(rules) ~= "table" then return nil, "params must be a table of field = \"type\"" end
  for field, rule in pairs(rules) do
    local ok, message = validate_rule(field, rule)
    if not ok then return nil, message end
  end
  return true
end

-- JSON's null is a userdata.
local function present(payload, name)
  local value = name and payload[name]
  if value ~= nil and type(value) ~= "userdata" then return value end
end

-- (payload, field) -> value | nil, the name that it came under
local function find(payload, field)
  local value = present(payload, field)
  if value ~= nil then return value, field end
  local alias = ALIASES[field]
  value = present(payload, alias)
  if value ~= nil then return value, alias end
  return nil, field
end

local function check_field(field, rule, payload)
  local check, optional = split_rule(rule)
  local value, name = find(payload, field)
  if value == nil then
    if optional then return nil end
    return nil, field .. " is missing"
  end
  local checked, message = check(value)
  if checked == nil then return nil, name .. ": " .. message end
  return checked
end

local function sorted_fields(rules)
  local fields = {}
  for field in pairs(rules) do fields[#fields + 1] = field end
  table.sort(fields)
  return fields
end

-- (rules, payload) -> params | nil, message, 400. Fields without a rule are left out.
function params.check(rules, payload)
  if payload == nil or type(payload) == "userdata" then payload = {} end
  if type(payload) ~= "table" or payload[1] ~= nil then return nil, "the payload must be an object", 400 end
  local checked = {}
  for _, field in ipairs(sorted_fields(rules)) do
    local value, message = check_field(field, rules[field], payload)
    if message then return nil, message, 400 end
    checked[field] = value
  end
  return checked
end

return params
