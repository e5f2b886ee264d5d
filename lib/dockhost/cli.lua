-- The command line (CONTRACT section 3): finds the verb and its arguments. A verb's `perform` runs in a task, on the
-- settings; one that has `start` sees to all that itself.
local debug_filter = require("dockhost.debug_filter")
local environment = require("dockhost.cli.environment")
local log = require("dockhost.log")
local node = require("dockhost.node")
local printable = require("dockhost.printable")
local task = require("dockhost.task")
local text = require("dockhost.text")

local cli = {}

-- sysexits.h
cli.OK, cli.FAILED, cli.USAGE, cli.SOFTWARE, cli.CONFIG = 0, 1, 64, 70, 78

local VERBS = { "run", "check", "call", "ps", "scripts", "new", "test", "repl" }
-- What each verb takes: positional arguments at most, its options besides --env-file, which take a value, and flags.
local SYNTAX = {
  run = { most = 1, directory = true, options = {} },
  check = { most = 1, directory = true, options = {} },
  call = {
    most = 2,
    options = { ["--scripts"] = "scripts" },
    flags = { ["--dry-run"] = "dry_run" },
    needs = "an EVENT, such as list-containers",
  },
  ps = { most = 0, options = {} },
  scripts = { most = 1, directory = true, options = {} },
  new = { most = 3, least = 2, options = {}, needs = "a kind and a NAME, such as command greet" },
  test = { most = 1, options = {} },
  repl = { most = 1, directory = true, options = {} },
}

cli.HELP = [[
dockhost: the worker node of DockHost

  dockhost run [SCRIPT_DIR]        connect to the main server and serve it
  dockhost check [SCRIPT_DIR]      settings, scripts, Docker, image, ports, main server and key: one line each
  dockhost call EVENT [JSON] [--scripts DIR] [--dry-run]
                                   run one command here, without a main server, and print its reply; with --dry-run
                                   print the Docker calls that it would make, and change nothing
  dockhost ps                      the managed containers of this machine

  dockhost scripts [SCRIPT_DIR]    each script in effect, where it comes from and what it shadows; whether all load
  dockhost new KIND NAME [SCRIPT_DIR]
                                   write a script to start from, and its spec; KIND is command, job or hook
  dockhost test [SCRIPT_DIR]       run the specs of scripts (*_spec.lua), without Docker and network
  dockhost repl [SCRIPT_DIR]       a prompt with `ctx`: each line runs as a command would

  dockhost --version | --help

SCRIPT_DIR lies over the shipped scripts, which serve where none is named; `new` and `test` take the working directory.
Every verb takes --env-file FILE: settings that the environment does not have are read from it (default: .env in the
working directory). Without MAIN_SERVER_BACKEND_URL, `run` is in local mode: `dockhost call` does the work.

  dockhost call create-container '{"username":"ada","sshPublicKey":"ssh-ed25519 AAAA… ada@home"}'
  dockhost call list-containers
]]

-- (arguments) -> { verb =, positional = list, env_file =, scripts = } | nil, message
function cli.parse(arguments)
  local verb = arguments[1]
  if not verb then
    return nil, "what to do? one of " .. table.concat(VERBS, ", ")
  end
  if verb == "--help" or verb == "-h" or verb == "help" then
    return { verb = "help" }
  elseif verb == "--version" or verb == "-V" then
    return { verb = "version" }
  end
  local syntax = SYNTAX[verb]
  if not syntax then
    local meant = text.closest(verb, VERBS)
    return nil, "unknown command '" .. verb .. "'" .. (meant and ": did you mean '" .. meant .. "'?" or "")
  end
  local parsed = { verb = verb, positional = {} }
  local i = 2
  while i <= #arguments do
    local argument = arguments[i]
    local name, value = argument:match("^(%-%-[%w-]+)=?(.*)$")
    local field = name and (name == "--env-file" and "env_file" or syntax.options[name])
    local flag = syntax.flags and syntax.flags[argument]
    if flag then
      parsed[flag] = true
    elseif field then
      if not argument:find("=", 1, true) then
        i = i + 1
        value = arguments[i]
      end
      if not value or value == "" then
        return nil, name .. " needs a value"
      end
      parsed[field] = value
    elseif argument == "--help" then
      return { verb = "help" }
    elseif argument:sub(1, 1) == "-" and #argument > 1 then
      return nil, "unknown option " .. argument .. " of " .. verb
    else
      table.insert(parsed.positional, argument)
    end
    i = i + 1
  end
  if #parsed.positional > syntax.most then
    return nil, "too many arguments for " .. verb
  elseif syntax.needs and #parsed.positional < (syntax.least or 1) then
    return nil, verb .. " needs " .. syntax.needs
  end
  return parsed
end

cli.settings = environment.settings

-- A logger as the settings say; `secrets` are never shown.
function cli.logger(host, settings, secrets)
  return log.new({
    write = host.log.write,
    time = host.loop.time,
    format = settings.log or "text",
    color = settings.log ~= "json" and host.process.isatty(2),
    filter = debug_filter.new(settings.debug),
    secrets = secrets,
  })
end

-- What of the log the settings say, at start and after a reload.
function cli.configure_log(app, settings)
  app.log:configure({ format = settings.log, filter = debug_filter.new(settings.debug) })
end

-- Settings that do not stand are a start-up error, but one of the lines of `check`.
function cli.refuse(app, errors)
  for _, message in ipairs(errors) do
    if app.parsed.verb == "check" then
      io.stdout:write(cli.check_line(false, "settings", message))
    else
      app.log:error(message)
    end
  end
  return app.parsed.verb == "check" and cli.FAILED or cli.CONFIG
end

function cli.check_line(ok, name, message)
  return string.format("%-5s%-12s %s\n", ok and "ok" or "FAIL", name, printable.text(message))
end

-- The directory that was named lies over the shipped scripts.
function cli.script_directories(share, parsed)
  local shipped = share .. "/lua"
  local given = parsed.scripts or SYNTAX[parsed.verb].directory and parsed.positional[1]
  given = given and given ~= "/" and given:gsub("/+$", "") or given
  return given and given ~= shipped and { given, shipped } or { shipped }
end

-- What a verb works on: (host, share, parsed) -> app, which cli.prepare completes
function cli.new_app(host, share, parsed)
  return { host = host, share = share, parsed = parsed, read = node.reader(host), wiped = {} }
end

-- Adds to `app` everything that a verb needs, or returns an exit code when the settings do not stand. Waits.
function cli.prepare(app)
  local host = app.host
  local settings, errors = cli.settings(app)
  app.log = cli.logger(host, settings or {}, function()
    local link = app.node and app.node.connection
    return { app.wiped.DOCKHOST_API_KEY, app.node and app.node.settings.api_key, link and link.key }
  end)
  if not settings then
    return cli.refuse(app, errors)
  end
  for _, warning in ipairs(errors) do
    app.log:warn(warning)
  end
  app.node = node.new({
    host = host,
    tasks = app.tasks,
    log = app.log,
    settings = settings,
    directories = cli.script_directories(app.share, app.parsed),
    show = app.parsed.dry_run and require("dockhost.cli.call").show or nil,
  })
end

-- A fault of ours. The host puts the traceback behind the message.
local function complain(app, message, traceback)
  message = type(message) == "string" and message or "an error that is no text"
  local head, stack = message:match("^(.-)\n(stack traceback:.*)$")
  head, stack = head or message, traceback or stack or ""
  if app.log then
    app.log:trace(head, stack)
  else
    io.stderr:write("dockhost: ", printable.text(head), "\n", stack, "\n")
  end
end

-- Runs a waiting function on the loop, with the limits that scripts have, until it returns an exit code.
function cli.on_loop(app, fn)
  app.host.guard.limit_memory(cli.HEAP_LIMIT)
  local host, code = app.host, cli.SOFTWARE
  local function report(...)
    complain(app, ...)
  end
  app.tasks = task.new({
    resume = function(co, ...)
      return host.guard.resume(co, 1, ...)
    end,
    on_error = report,
  })
  host.loop.on_error(report)
  app.tasks:spawn(fn, function(ok, result, traceback)
    if ok then
      code = result
    else
      report(result, traceback)
    end
    host.loop.stop()
  end, app)
  host.loop.run()
  return code
end

-- (host = the primitives by name, share = where lua/ is, arguments) -> exit code
function cli.main(host, share, arguments)
  local parsed, message = cli.parse(arguments)
  if not parsed then
    io.stderr:write("dockhost: ", message, "\nTry `dockhost --help`.\n")
    return cli.USAGE
  elseif parsed.verb == "help" then
    io.stdout:write(cli.HELP)
    return cli.OK
  elseif parsed.verb == "version" then
    io.stdout:write("dockhost ", host.process.version, "\n")
    return cli.OK
  end
  local verb = require("dockhost.cli." .. parsed.verb)
  if verb.start then
    return verb.start(host, share, parsed)
  end
  return cli.on_loop(cli.new_app(host, share, parsed), function(app)
    return cli.prepare(app) or verb.perform(app)
  end)
end

cli.HEAP_LIMIT = 128 * 1024 * 1024

return cli
