-- The environment of a script: globals of its own, and nothing that blocks the loop, ends the process or reaches around
-- it.
local sandbox = {}

local function copy(functions)
  local copied = {}
  for name, value in pairs(functions) do
    copied[name] = value
  end
  return copied
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
    -- Copies: what a script changes in them is its own.
    environment[name] = type(value) == "table" and copy(value) or value
  end
  -- The metatable of strings holds the library that all share.
  function environment.getmetatable(value)
    return type(value) == "table" and getmetatable(value) or nil
  end
  -- A finalizer runs wherever the collector does, out of reach of the limits.
  function environment.setmetatable(value, metatable)
    if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
      error("a script's metatable can't have __gc: ctx.on_end releases what a command holds", 2)
    end
    return setmetatable(value, metatable)
  end
  environment.os = { clock = os.clock, date = os.date, difftime = os.difftime, time = os.time }
  function environment.require(name)
    if type(name) ~= "string" or not name:find("^dockhost%.[%w_]+$") then
      error("a script may require dockhost.* only", 2)
    end
    return require(name)
  end
  return environment
end

-- (logger of `print`, what the file's global `shadowed` is) -> the environment of one file, which can't make new globals
-- by mistake
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
      if value == nil then
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
