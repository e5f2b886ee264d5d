-- What the command line takes: the verbs, their arguments and options.
local text = require("dockhost.text")

local syntax = {}

syntax.VERBS = {
  "run", "check", "call", "ps", "logs", "stats", "events", "console", "scripts", "new", "test", "repl",
}

-- What each verb takes: positional arguments at most, `options` besides --env-file, which take a value, and `flags`, by
-- the field that they set. `directory`: the first argument is one of scripts. `needs`: what is missing without `least`.
syntax.OF = {
  run = { most = 1, directory = true },
  check = {
    most = 1,
    directory = true,
    flags = { ["--json"] = "json", ["--migrate"] = "migrate", ["--pull"] = "pull" },
  },
  call = {
    most = 2,
    options = { ["--scripts"] = "scripts" },
    flags = { ["--dry-run"] = "dry_run" },
    needs = "an EVENT, such as list-containers",
  },
  ps = { most = 0, flags = { ["--json"] = "json" } },
  logs = {
    most = 1,
    options = { ["--tail"] = "tail" },
    flags = { ["--follow"] = "follow", ["-f"] = "follow", ["--json"] = "json" },
    needs = "a USER, such as `dockhost ps` lists",
  },
  stats = { most = 1, flags = { ["--follow"] = "follow", ["-f"] = "follow", ["--json"] = "json" } },
  events = { most = 0, flags = { ["--json"] = "json" } },
  console = { most = 0 },
  scripts = { most = 1, directory = true },
  new = { most = 3, least = 2, needs = "a kind and a NAME, such as command greet" },
  test = { most = 1 },
  repl = { most = 1, directory = true },
}

local ALIASES = { ["--help"] = "help", ["-h"] = "help", help = "help", ["--version"] = "version", ["-V"] = "version" }

local function unknown(verb)
  local meant = text.closest(verb, syntax.VERBS)
  return nil, "unknown command '" .. verb .. "'" .. (meant and ": did you mean '" .. meant .. "'?" or "")
end

-- Takes the argument at `i` into `parsed`. Returns how many arguments that took, or nil and what is wrong with it.
local function take(parsed, of, arguments, i)
  local argument = arguments[i]
  local name, value = argument:match("^(%-%-[%w-]+)=?(.*)$")
  local field = name and (name == "--env-file" and "env_file" or of.options and of.options[name])
  local flag = of.flags and of.flags[argument]
  if flag then
    parsed[flag] = true
    return 1
  elseif field then
    local apart = not argument:find("=", 1, true)
    value = apart and arguments[i + 1] or value
    if value == "" then
      return nil, name .. " needs a value"
    end
    parsed[field] = value
    return apart and 2 or 1
  elseif argument:sub(1, 1) == "-" and #argument > 1 then
    return nil, "unknown option " .. argument .. " of " .. parsed.verb
  end
  table.insert(parsed.positional, argument)
  return 1
end

-- (arguments) -> { verb =, positional = list, and the options by their fields } | nil, message
function syntax.parse(arguments)
  local verb = arguments[1]
  if not verb then
    return nil, "what to do? one of " .. table.concat(syntax.VERBS, ", ")
  elseif ALIASES[verb] then
    return { verb = ALIASES[verb] }
  end
  local of = syntax.OF[verb]
  if not of then
    return unknown(verb)
  end
  local parsed, i = { verb = verb, positional = {} }, 2
  while i <= #arguments do
    if arguments[i] == "--help" or arguments[i] == "-h" then
      return { verb = "help" }
    elseif arguments[i] == "--" then
      table.move(arguments, i + 1, #arguments, #parsed.positional + 1, parsed.positional)
      break
    end
    local taken, message = take(parsed, of, arguments, i)
    if not taken then
      return nil, message
    end
    i = i + taken
  end
  if #parsed.positional > of.most then
    return nil, "too many arguments for " .. verb
  elseif of.needs and #parsed.positional < (of.least or 1) then
    return nil, verb .. " needs " .. of.needs
  end
  return parsed
end

return syntax
