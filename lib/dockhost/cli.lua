-- The command line (CONTRACT section 3): finds the verb and its arguments. A verb's `perform` runs in a task, on the
-- settings; one that has `start` sees to all that itself.
local debug_filter = require("dockhost.debug_filter")
local environment = require("dockhost.cli.environment")
local log = require("dockhost.log")
local node = require("dockhost.node")
local printable = require("dockhost.printable")
local syntax = require("dockhost.cli.syntax")
local task = require("dockhost.task")

local cli = {}

-- sysexits.h
cli.OK, cli.FAILED, cli.USAGE, cli.SOFTWARE, cli.CONFIG = 0, 1, 64, 70, 78

cli.settings = environment.settings

-- A logger as the settings say; `secrets` are never shown.
function cli.logger(app, settings, secrets)
  local host = app.host
  local with_bar = (app.parsed.verb == "call" or app.parsed.verb == "check") and host.process.isatty(2)
  return log.new({
    write = with_bar and require("dockhost.cli.progress").above(app, host.log.write) or host.log.write,
    time = host.loop.time,
    timer = host.timer,
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
  if app.parsed.verb == "check" then
    return require("dockhost.cli.check").refuse(app, errors)
  end
  for _, message in ipairs(errors) do
    app.log:error(message)
  end
  return cli.CONFIG
end

-- The directory that was named lies over the shipped scripts.
function cli.script_directories(share, parsed)
  local shipped = share .. "/lua"
  local given = parsed.scripts or syntax.OF[parsed.verb].directory and parsed.positional[1]
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
  app.log = cli.logger(app, settings or {}, function()
    local link = app.node and app.node.connection
    return { app.wiped.DOCKHOST_API_KEY, app.node and app.node.settings.api_key, link and link.key,
      app.console and app.console.token }
  end)
  if not settings then
    return cli.refuse(app, errors)
  end
  app.warnings = errors
  if app.parsed.verb ~= "check" then
    for _, warning in ipairs(errors) do
      app.log:warn(warning)
    end
  end
  app.node = node.new({
    host = host,
    tasks = app.tasks,
    log = app.log,
    settings = settings,
    directories = cli.script_directories(app.share, app.parsed),
    show = app.parsed.dry_run and require("dockhost.cli.call").show or nil,
    unsent = app.parsed.verb == "call" and require("dockhost.cli.call").unsent or nil,
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
  if app.log then
    app.log:flush()
  end
  return code
end

-- (host = the primitives by name, share = where lua/ is, arguments) -> exit code
function cli.main(host, share, arguments)
  local parsed, message = syntax.parse(arguments)
  if not parsed then
    io.stderr:write("dockhost: ", message, "\nTry `dockhost --help`.\n")
    return cli.USAGE
  elseif parsed.verb == "help" then
    io.stdout:write((require("dockhost.cli.help")))
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
