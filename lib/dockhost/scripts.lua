-- Loads the scripts of a directory that lies over others: all files are compiled, run and checked before any is used.
-- Files are read through functions that are passed in, so that the loop need not block.
local hooks = require("dockhost.hooks")
local layers = require("dockhost.layers")
local params = require("dockhost.params")
local sandbox = require("dockhost.sandbox")

local scripts = {}

local MAX_FILE = 256 * 1024

-- Runs one file and returns what it returns, or nil and "file:line: why".
local function run_file(options, path, text, shadowed)
  local chunk, why = load(text, "@" .. path, "t", sandbox.new(options.log, shadowed))
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

-- What a table may hold. A misspelt field would else do nothing, and say nothing.
local FIELDS = {
  command = { "cancels", "fallback", "limit", "params", "run", "trim" },
  job = { "every", "run" },
  route = { "command", "reply" },
}

local function check_fields(kind, value)
  local known = {}
  for _, field in ipairs(FIELDS[kind]) do
    known[field] = true
  end
  for field in pairs(value) do
    if not known[field] then
      local fields = table.concat(FIELDS[kind], ", ")
      return nil, ("a %s has no field `%s`; its fields are %s"):format(kind, tostring(field), fields)
    end
  end
  return true
end

local function check_command(value)
  if type(value) ~= "table" or type(value.run) ~= "function" then
    return nil, "must return a table with a function `run`"
  end
  if not optional(value.params, "table") then
    return nil, "`params` must be a table"
  end
  local ok, message = check_fields("command", value)
  if ok then
    ok, message = params.validate_rules(value.params or {})
  end
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
    local ok, message = check_fields("route", route)
    if not ok then
      return nil, "route '" .. event .. "': " .. message
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

local SHORTEST_PERIOD, LONGEST_PERIOD <const> = 1, 30 * 86400

local function check_job(value)
  if type(value) ~= "table" or type(value.run) ~= "function" then
    return nil, "must return a table with a function `run` and a number `every`"
  end
  local every = value.every
  if not math.type(every) or not (every >= SHORTEST_PERIOD and every <= LONGEST_PERIOD) then
    return nil, "`every` must be a number of seconds, from " .. SHORTEST_PERIOD .. " to " .. LONGEST_PERIOD
  end
  return check_fields("job", value)
end

local CHECKS = {
  commands = check_command,
  jobs = check_job,
  hooks = check_function,
  ["dialect.lua"] = check_dialect,
  ["reconnect.lua"] = check_function,
  ["container.lua"] = check_function,
}

-- What a file's global `shadowed` is: what the file below returns, loaded for it alone, so that it may change it. Also
-- the text of that.
local function load_shadowed(options, file, text)
  if not file.shadows or not text:find("shadowed", 1, true) then
    return nil, nil, ""
  end
  local below, message = options.read(file.shadows, MAX_FILE)
  if not below then
    return nil, message
  end
  local value, why = run_file(options, file.shadows, below)
  return value, why, below
end

-- A file in effect becomes a part of the set. One that returns false takes away what it shadows.
local function load_file(options, set, file)
  local text, message = options.read(file.path, MAX_FILE)
  if not text then
    return nil, message
  end
  local folder, name = file.name:match("^(.*)/(.*)%.lua$")
  if folder == "hooks" and not hooks.EVENTS[name] then
    return nil, file.path .. ": there is no such hook: they are " .. hooks.names()
  end
  local shadowed, problem, below = load_shadowed(options, file, text)
  if problem then
    return nil, problem
  end
  -- What tells whether it has changed.
  file.text = text .. below
  local value, why = run_file(options, file.path, text, shadowed)
  if why then
    return nil, why
  elseif value == false and folder then
    file.removes = true
    return true
  end
  local ok, fault = CHECKS[folder or file.name](value)
  if not ok then
    return nil, file.path .. ": " .. fault
  end
  if folder then
    set[folder][name] = value
  else
    set[file.name:match("^(.*)%.lua$")] = value
  end
  return true
end

local function check_policies(set, errors, directories)
  for _, policy in ipairs(layers.POLICIES) do
    local name = policy .. ".lua"
    if not set.files[name] then
      table.insert(errors, directories[#directories] .. "/" .. name .. ": No such file or directory")
    end
  end
end

-- Where a command that is routed to was taken away, that is what has to be told.
local function route_problem(set, event, name)
  local taken = set.files["commands/" .. name .. ".lua"]
  if taken then
    local advice = "take the route away too, in a dialect.lua of your own: shadowed['%s'] = nil return shadowed"
    return ("%s takes away a command that the dialect's event '%s' is routed to: "):format(taken.path, event)
      .. advice:format(event)
  end
  return set.files["dialect.lua"].path .. ": route '" .. event .. "' names no command: " .. name
end

local function check_routes(set, errors)
  for event, route in pairs(set.dialect) do
    local name = route.command or event
    if not set.commands[name] then
      table.insert(errors, route_problem(set, event, name))
    end
  end
  for name, command in pairs(set.commands) do
    if command.cancels and not set.commands[command.cancels] then
      local path = set.files["commands/" .. name .. ".lua"].path
      table.insert(errors, path .. ": `cancels` names no command: " .. command.cancels)
    end
  end
end

-- Like `fn`, which waits, for paths that are known: they are done side by side, since one by one would take a turn of
-- the loop for each. What failed is tried again when it is asked for.
local function ahead(each, paths, fn)
  local found = each(paths, fn)
  return function(path)
    local results = found[path]
    if not results or results[2] == nil or not results[1] then
      return fn(path)
    end
    return results[2]
  end
end

local function list_ahead(options, directories)
  local paths = {}
  for _, directory in ipairs(directories) do
    table.insert(paths, directory)
    for _, folder in ipairs(layers.FOLDERS) do
      table.insert(paths, directory .. "/" .. folder)
    end
  end
  return ahead(options.each, paths, options.list)
end

local function read_ahead(options, files)
  local paths = {}
  for i, file in ipairs(files) do
    paths[i] = file.path
  end
  return ahead(options.each, paths, function(path)
    return options.read(path, MAX_FILE)
  end)
end

-- scripts.load(directories, options) -> set | nil, list of errors. The first directory wins, file by file.
-- options: read = function(path, limit) -> text | nil, message; list = function(path) -> names | nil, message;
-- call = pcall, or one that stops what runs too long; log = logger; each = function(list, fn) -> results of pcall by
-- item, which may call side by side (without it, one after the other)
-- set: { commands =, jobs =, hooks = by name; dialect =, reconnect =, container =; files = by "commands/x.lua";
-- misplaced = paths of what is no script where it lies }
function scripts.load(directories, options)
  local list = options.each and list_ahead(options, directories) or options.list
  local files, misplaced = layers.survey(directories, list)
  if not files then
    return nil, { misplaced }
  end
  local reading = setmetatable({ read = options.each and read_ahead(options, files) }, { __index = options })
  local set, errors = { commands = {}, jobs = {}, hooks = {}, files = {}, misplaced = misplaced }, {}
  for _, file in ipairs(files) do
    set.files[file.name] = file
    local ok, problem = load_file(reading, set, file)
    if not ok then
      table.insert(errors, problem)
    end
  end
  check_policies(set, errors, directories)
  if #errors == 0 then
    check_routes(set, errors)
  end
  if #errors > 0 then
    table.sort(errors)
    return nil, errors
  end
  return set
end

-- What differs between two sets: { added =, changed =, removed = }, sorted lists of file names.
function scripts.difference(before, after)
  local found = { added = {}, changed = {}, removed = {} }
  for name, file in pairs(after.files) do
    local old = before.files[name]
    if not old then
      table.insert(found.added, name)
    elseif old.text ~= file.text or old.path ~= file.path then
      table.insert(found.changed, name)
    end
  end
  for name in pairs(before.files) do
    if not after.files[name] then
      table.insert(found.removed, name)
    end
  end
  for _, names in pairs(found) do
    table.sort(names)
  end
  return found
end

return scripts
