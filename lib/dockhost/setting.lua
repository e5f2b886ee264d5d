-- Parsers of setting values. Each is a function(text) -> value | nil, message, where the message goes on after the
-- value: `"abc"` … "is not a number".
local setting = {}

-- (lowest, highest) -> parser
function setting.integer(lowest, highest)
  return function(text)
    if not text:find("^%d+$") then return nil, "is not a whole number" end
    -- Digits past 64 bits make tonumber answer a float.
    local value = math.tointeger(tonumber(text))
    if not value or value < lowest or value > highest then
      return nil, ("is not from %d to %d"):format(lowest, highest)
    end
    return value
  end
end

local function decimal(text)
  return (text:find("^%d+%.?%d*$") or text:find("^%.%d+$")) and tonumber(text) or nil
end

local LEAST_CPUS, MOST_CPUS = 0.01, 1024

-- Docker refuses less than a hundredth of a processor.
function setting.cpus(text)
  local value = decimal(text)
  if not value then return nil, "is not a number" end
  if value ~= 0 and value < LEAST_CPUS or value > MOST_CPUS then
    return nil, ("is not from %g to %d (0 means no limit)"):format(LEAST_CPUS, MOST_CPUS)
  end
  return value
end

local UNITS = { [""] = 0, k = 10, m = 20, g = 30, t = 40 }
local LEAST_MEMORY, MOST_MEMORY = 6 << 20, 1 << 50

-- Binary units with any of Docker's suffixes: 512m, 512MB, 0.5GiB.
function setting.size(text)
  local digits, unit = text:lower():match("^([%d.]+) ?([kmgt]?)i?b?$")
  local value = digits and decimal(digits)
  if not value or text:find("^[%d.]+ ?[iI]") then return nil, "is not a size" end
  -- A float, which can not overflow.
  local bytes = value * 2.0 ^ UNITS[unit]
  if bytes > MOST_MEMORY then return nil, "is too large" end
  if bytes ~= 0 and bytes < LEAST_MEMORY then return nil, "is less than Docker's least, 6m (0 means no limit)" end
  return math.floor(bytes)
end

-- (words…) -> parser
function setting.one_of(...)
  local words, known = { ... }, {}
  for _, word in ipairs(words) do known[word] = true end
  return function(text)
    local word = text:lower()
    if not known[word] then return nil, "is none of " .. table.concat(words, ", ") end
    return word
  end
end

function setting.text(text)
  return text
end

-- White space or anything else that no header could carry is a sign of a key that was pasted wrongly.
function setting.key(text)
  if text:find("[^!-~]") then return nil, "has white space or other characters that are in no key" end
  if #text > 8192 then return nil, "is too long for a key" end
  return text
end

function setting.path(text)
  if #text > 4095 then return nil, "is too long for a path" end
  return text
end

local function is_ipv4(text)
  local count = 0
  for part in (text .. "."):gmatch("(.-)%.") do
    if not part:find("^%d%d?%d?$") or tonumber(part) > 255 then return false end
    count = count + 1
  end
  return count == 4
end

local function is_ipv6(text)
  local groups, gaps = 0, select(2, text:gsub("::", ""))
  if #text > 39 or text:find("[^%x:]") or text:find(":::", 1, true) or text:find("^:[^:]") or text:find("[^:]:$") then
    return false
  end
  for group in text:gmatch("[^:]+") do
    if #group > 4 then return false end
    groups = groups + 1
  end
  return gaps == 0 and groups == 8 or gaps == 1 and groups < 8
end

function setting.ip(text)
  if not (is_ipv4(text) or is_ipv6(text)) then return nil, "is not an IP address" end
  return text
end

local function is_host(text)
  if text:find("^[%d.]+$") then return is_ipv4(text) end
  return #text <= 253 and text:find("^%w[%w._-]*$") ~= nil
end

local port_number = setting.integer(1, 65535)

-- (text) -> host, port | nil if there is none; nil when it is no address
function setting.split_address(text)
  local host, digits = text:match("^%[([%x:.]+)%]:?(%d*)$")
  if host then
    if not is_ipv6(host) or text:find("%]%d") or text:find(":$") then return nil end
  else
    host, digits = text:match("^([^:]+):?(%d*)$")
    if not host or not is_host(host) or text:find(":$") then return nil end
  end
  if digits == "" then return host, nil end
  local port = port_number(digits)
  if not port then return nil end
  return host, port
end

-- "host:port", or "off" as false
function setting.listener(text)
  if text:lower() == "off" then return false end
  local host, port = setting.split_address(text)
  if not port then return nil, "is neither an address like host:port nor \"off\"" end
  return { host = host, port = port }
end

return setting
