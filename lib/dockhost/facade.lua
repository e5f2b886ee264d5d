-- What scripts get of an object that all share: its methods, bound to it, and nothing that can be changed. Each facade
-- is a table of its own, so that what a script does to one stays with its command.
local facade = {}

-- The metatable of each object's facades.
local known = setmetatable({}, { __mode = "k" })

local function refuse()
  error("what `ctx` has can't be changed", 2)
end

local function bound(object, class)
  local methods = {}
  return function(_, name)
    local method = class[name]
    if type(method) ~= "function" then
      -- Not its parts, which could be changed.
      local value = object[name]
      return type(value) ~= "table" and type(value) ~= "function" and value or nil
    end
    methods[name] = methods[name] or function(_, ...)
      return method(object, ...)
    end
    return methods[name]
  end
end

local function metatable_of(object)
  local class = getmetatable(object).__index
  local index = bound(object, class)
  return {
    __index = index,
    __newindex = refuse,
    __metatable = false,
    __pairs = function(self)
      return function(_, name)
        local key, value = next(class, name)
        while key and type(value) ~= "function" do
          key, value = next(class, key)
        end
        return key, key and index(self, key)
      end, self
    end,
  }
end

-- (object whose methods are its metatable's __index) -> facade
function facade.new(object)
  known[object] = known[object] or metatable_of(object)
  return setmetatable({}, known[object])
end

return facade
