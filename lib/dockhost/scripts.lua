-- Loads a directory of scripts: all files are compiled, run and checked before any is used. Files are read through
-- functions that are passed in, so that the loop need not block.
local params = require("dockhost.params")

local scripts = {}

local MAX_FILE = 256 * 1024

local function copy(functions)
  local copied = {}
  for name, value in pairs(functions) do
    copied[name] = value
  end
  return copied
end

-- What a script sees besides the libraries: nothing that blocks the loop, ends the process or reaches around it.
local function base_environment()
  local names = {
    "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
    "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
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
  environment.os = { clock = os.clock, date = os.date, difftime = os.difftime, time = os.time }
  function environment.require(name)
    if type(name) ~= "string" or not name:find("^dockhost%.[%w_]+$") then
      error("a script may require dockhost.* only", 2)
    end
    return require(name)
  end
  return environment
end

-- Each file has globals of its own, and can't make new ones by mistake.
local function environment_of(log)
  local base = base_environment()
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

-- Runs one file and returns what it returns, or nil and "file:line: why".
local function run_file(options, path)
  local text, message = options.read(path, MAX_FILE)
  if not text then
    return nil, message
  end
  local chunk, why = load(text, "@" .. path, "t", environment_of(options.log))
  if not chunk then
    return nil, why
  end
  local ok, value = options.call(chunk)
  if not ok then
    return nil, tostring(value)
  end
  return value
end

local function optional(value, kind)
  return value == nil or type(value) == kind
end

local function check_command(value)
  if type(value) ~= "table" or type(value.run) ~= "function" then
    return nil, "must return a table with a function `run`"
  end
  if not optional(value.params, "table") then
    return nil, "`params` must be a table"
  end
  local ok, message = params.validate_rules(value.params or {})
  if not ok then
    return nil, message
  end
  for field, kind in pairs({ fallback = "function", trim = "function", cancels = "string" }) do
    if not optional(value[field], kind) then
      return nil, "`" .. field .. "` must be a " .. kind
    end
  end
  if value.limit ~= nil and not (math.type(value.limit) == "integer" and value.limit > 0) then
    return nil, "`limit` must be a positive integer"
  end
  return true
end

local function check_dialect(value)
  if type(value) ~= "table" then
    return nil, "must return a table from event to route"
  end
  for event, route in pairs(value) do
    if type(event) ~= "string" or type(route) ~= "table" then
      return nil, "must map event names to tables"
    end
    if not optional(route.command, "string") or not optional(route.reply, "function") then
      return nil, "route '" .. event .. "': `command` is a string, `reply` a function"
    end
  end
  return true
end

local function check_function(value)
  if type(value) ~= "function" then
    return nil, "must return a function"
  end
  return true
end

local POLICIES = { dialect = check_dialect, reconnect = check_function, container = check_function }

local function load_into(options, errors, path, check)
  local value, message = run_file(options, path)
  local ok = message == nil
  if ok then
    ok, message = check(value)
    message = message and path .. ": " .. message
  end
  if not ok then
    table.insert(errors, message)
    return nil
  end
  return value
end

local function load_commands(options, errors, directory)
  local commands = {}
  local names, message = options.list(directory)
  if not names then
    table.insert(errors, message)
    return commands
  end
  for _, file in ipairs(names) do
    -- Editors' temporary files begin with a dot or do not end in .lua.
    local name = file:match("^([^.].*)%.lua$")
    if name then
      commands[name] = load_into(options, errors, directory .. "/" .. file, check_command)
    end
  end
  return commands
end

local function check_routes(set, errors, path)
  for event, route in pairs(set.dialect or {}) do
    if not set.commands[route.command or event] then
      table.insert(errors, path .. ": route '" .. event .. "' names no command: " .. (route.command or event))
    end
  end
end

-- scripts.load(directory, options) -> { commands =, dialect =, reconnect =, container = } | nil, list of errors
-- options: read = function(path, limit) -> text | nil, message; list = function(path) -> names | nil, message;
-- call = pcall, or one that stops what runs too long; log = logger
function scripts.load(directory, options)
  local errors = {}
  local set = { directory = directory, commands = load_commands(options, errors, directory .. "/commands") }
  for name, check in pairs(POLICIES) do
    set[name] = load_into(options, errors, directory .. "/" .. name .. ".lua", check)
  end
  if #errors == 0 then
    check_routes(set, errors, directory .. "/dialect.lua")
  end
  if #errors > 0 then
    table.sort(errors)
    return nil, errors
  end
  return set
end

return scripts
