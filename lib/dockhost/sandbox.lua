-- The environment of a script: globals of its own, and nothing that blocks the loop, ends the process or reaches around
-- it.
local sandbox = {}

-- What a script changes in its copy is its own. No library has a table that holds itself.
local function copy(library)
  local copied = {}
  for name, value in pairs(library) do
    copied[name] = type(value) == "table" and copy(value) or value
  end
  return copied
end

-- Only the metatables that a script has set are its to see: others are shared, as the one of strings is.
local function metatable_functions()
  local own = setmetatable({}, { __mode = "k" })
  local function get(value)
    return own[value]
  end
  -- A finalizer runs wherever the collector does, out of reach of the limits.
  local function set(value, metatable)
    if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
      error("a script's metatable can't have __gc: ctx.on_end releases what a command holds", 2)
    end
    setmetatable(value, metatable)
    own[value] = getmetatable(value)
    return value
  end
  return get, set
end

local MOST_MOVED <const> = 1 << 24

local function check_length(t)
  if type(t) == "table" and rawlen(t) ~= #t then
    error("a table whose length is not its own", 3)
  end
end

local function less(a, b)
  return a < b
end

-- Where the library would turn in C, out of the watchdog's reach, for as long as a script says.
local function bound(library)
  local insert, move, remove, sort = library.insert, library.move, library.remove, library.sort
  function library.insert(t, ...)
    check_length(t)
    return insert(t, ...)
  end
  function library.remove(t, ...)
    check_length(t)
    return remove(t, ...)
  end
  function library.move(from, first, last, ...)
    if math.type(first) and math.type(last) and last - first >= MOST_MOVED then
      error("too many elements to move", 2)
    end
    return move(from, first, last, ...)
  end
  -- Texts may be long, and no hook runs between two comparisons of the library's own.
  function library.sort(t, before)
    before = before or less
    return sort(t, type(before) ~= "function" and before or function(a, b)
      return before(a, b)
    end)
  end
end

local function base_environment()
  local names = {
    "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
    "select", "tonumber", "tostring", "type", "xpcall", "_VERSION",
    "coroutine", "math", "string", "table", "utf8",
  }
  local environment = {}
  for _, name in ipairs(names) do
    local value = _G[name]
    environment[name] = type(value) == "table" and copy(value) or value
  end
  bound(environment.table)
  environment.getmetatable, environment.setmetatable = metatable_functions()
  environment.os = { clock = os.clock, date = os.date, difftime = os.difftime, time = os.time }
  function environment.require(name)
    if type(name) ~= "string" or not name:find("^dockhost%.[%w_]+$") then
      error("a script may require dockhost.* only", 2)
    end
    local library = require(name)
    return type(library) == "table" and copy(library) or library
  end
  return environment
end

-- (logger of `print`, the global `shadowed` or nil) -> the environment of one file, which can't make new globals by
-- mistake
function sandbox.new(log, shadowed)
  local base = base_environment()
  base.shadowed = shadowed
  function base.print(...)
    local words = {}
    for i = 1, select("#", ...) do
      words[i] = tostring((select(i, ...)))
    end
    log:info(table.concat(words, " "))
  end
  return setmetatable({}, {
    __index = function(_, name)
      local value = base[name]
      if value == nil and name == "shadowed" then
        error("no file of this name lies below this one, so there is no `shadowed`: is it spelt like the other?", 2)
      elseif value == nil then
        error("undefined variable '" .. tostring(name) .. "'", 2)
      end
      return value
    end,
    __newindex = function(_, name)
      error("assignment to the global '" .. tostring(name) .. "' (is a `local` missing?)", 2)
    end,
    __metatable = false,
  })
end

return sandbox
