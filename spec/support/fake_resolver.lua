-- Stands for host.resolver: names are in a table, answers come with `turn`.
--
--   local resolver = fake_resolver.new{ ["main.example"] = { "192.0.2.1" } }
--   resolver.lookup(name, fn)
--   resolver:turn()         -- answers what has been asked; returns how many questions that were
local fake_resolver = {}

local Resolver = {}
Resolver.__index = Resolver

function fake_resolver.new(names)
  local resolver = setmetatable({ names = names, asked = {} }, Resolver)
  resolver.lookup = function(name, fn)
    local lookup = { name = name, fn = fn }
    function lookup.close()
      lookup.closed = true
    end
    table.insert(resolver.asked, lookup)
    return lookup
  end
  return resolver
end

function Resolver:turn()
  local asked = self.asked
  self.asked = {}
  for _, lookup in ipairs(asked) do
    local addresses = self.names[lookup.name]
    if lookup.closed then
      goto continue
    elseif addresses then
      lookup.fn(addresses)
    else
      lookup.fn(nil, "no address is known for " .. lookup.name, "resolve")
    end
    ::continue::
  end
  return #asked
end

return fake_resolver
