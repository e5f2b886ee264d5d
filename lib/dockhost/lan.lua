-- Which of this machine's addresses the main server is told.
local lan = {}

-- Docker's own, whatever the kernel says stands behind them.
local VIRTUAL = { "^docker", "^veth", "^br%-" }

local function octets(address)
  if type(address) ~= "string" then return nil end
  local a, b, c, d = address:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a and a <= 255 and b <= 255 and c <= 255 and d <= 255 then return a, b end
end

-- RFC 1918, and RFC 6598's addresses behind a carrier's translation.
local function private(a, b)
  return a == 10 or a == 192 and b == 168 or a == 172 and b >= 16 and b <= 31 or a == 100 and b >= 64 and b <= 127
end

local function public(a, b)
  return a > 0 and a ~= 127 and a < 224 and not (a == 169 and b == 254) and not private(a, b)
end

local function usable(interface)
  if type(interface) ~= "table" or type(interface.name) ~= "string" then return false end
  for _, pattern in ipairs(VIRTUAL) do
    if interface.name:find(pattern) then return false end
  end
  return interface.physical and interface.up and not interface.loopback
end

local function first(interfaces, accepts)
  for _, interface in ipairs(interfaces) do
    local a, b = nil, nil
    if usable(interface) then a, b = octets(interface.address) end
    if a and accepts(a, b) then return interface.address end
  end
end

-- (host.lan.interfaces()) -> address | nil: the first private one, else the first other that is not link-local.
function lan.pick(interfaces)
  if type(interfaces) ~= "table" then return nil end
  return first(interfaces, private) or first(interfaces, public)
end

return lan
