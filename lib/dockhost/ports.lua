-- Host ports come in triples: ssh, http and https of one container. This finds a free one and holds it while its
-- container is made.
local ports = {}

local Ports = {}
Ports.__index = Ports

-- ports.new{ listening = host.port.listening, bindable = host.port.bindable, range = function() -> first, last }
function ports.new(options)
  return setmetatable({
    listening = options.listening,
    bindable = options.bindable,
    range = options.range,
    held = {},
  }, Ports)
end

local function free_triple(self, first, taken)
  for port = first, first + 2 do
    if taken.listening[port] or taken.bound[port] or self.held[port] then
      return false
    end
  end
  for port = first, first + 2 do
    if not self.bindable(port) then
      return false
    end
  end
  return true
end

local function search(self, from, to, taken)
  for first = from, to - 2, 3 do
    if free_triple(self, first, taken) then
      return first
    end
  end
end

-- Holds a free triple. The search begins at `start` (or the range's start, if that is larger), goes on in steps of
-- three to the end of the range, then from its start. `bound` is the set of the ports in containers' bindings.
-- Returns { ssh =, http =, https = }, or nil, message, 503. `ports:release` gives it back.
function Ports:reserve(start, bound)
  local first, last = self.range()
  start = math.max(start or first, first)
  local listening, message = self.listening()
  if not listening then
    return nil, "the listening ports can't be read: " .. message, 503
  end
  local taken = { listening = listening, bound = bound }
  local at = search(self, start, last, taken) or search(self, first, math.min(start + 1, last), taken)
  if not at then
    return nil, string.format("no three free ports in a row between %d and %d", first, last), 503
  end
  for port = at, at + 2 do
    self.held[port] = true
  end
  return { ssh = at, http = at + 1, https = at + 2 }
end

function Ports:release(triple)
  for _, port in pairs(triple) do
    self.held[port] = nil
  end
end

return ports
