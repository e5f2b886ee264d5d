-- `dockhost run`: connects and serves until a signal ends it.
local call = require("dockhost.cli.call")
local claiming = require("dockhost.cli.claiming")
local cli = require("dockhost.cli")
local key = require("dockhost.key")
local scripts = require("dockhost.scripts")
local task = require("dockhost.task")
local watching = require("dockhost.cli.watching")

local run = {}

-- A shutdown's 10 seconds: commands may finish, then are cancelled and undone, then the process goes all the same.
local DRAIN_SECONDS, LEAVE_SECONDS, LAST_SECONDS = 5, 8, 9.5
-- How large the heap may grow, in percent of what lives in it, before rubbish is looked for. Lua's default, 200, costs
-- 2 MB of memory after much work, and saves a tenth of the processor time.
local HEAP_GROWTH = 130

local function count(commands)
  local n = 0
  for _ in pairs(commands) do
    n = n + 1
  end
  return n
end

-- "commands/a.lua, commands/b.lua" or nil
local function joined(names)
  return names[1] and table.concat(names, ", ")
end

local function reload_scripts(app)
  local began = app.host.loop.now()
  local set, before = app.node:load_scripts()
  app.node.observers:tell("scripts", { loaded = set ~= nil })
  if not set then
    for _, message in ipairs(before) do
      app.log:error(message)
    end
    app.log:error("the scripts were not reloaded: the running ones stay")
    return
  end
  app.node.jobs:use(set)
  local differs = scripts.difference(before, set)
  local added, changed, removed = joined(differs.added), joined(differs.changed), joined(differs.removed)
  if added or changed or removed then
    local ms = math.floor((app.host.loop.now() - began) * 1000 + 0.5)
    app.log:report("scripts reloaded", { added = added, changed = changed, removed = removed, ms = ms })
  else
    app.log:report("scripts reloaded: none has changed")
  end
end

-- Whether what the main server was told when it was dialled is no longer true. A key that can't be read now is left to
-- the next dial.
local function is_told_anew(app, before, settings)
  local value = key.read(settings, app.node.read)
  return settings.server.text ~= before.server.text or settings.lan_ip ~= before.lan_ip
    or value ~= nil and value ~= app.node.connection.key
end

-- The console, where the settings want one. Its address with the token is for a person at a terminal, and for no log.
local function see_to_console(app)
  if not app.console and app.node.settings.console then
    app.console = require("dockhost.console").new({
      node = app.node,
      host = app.host,
      tasks = app.tasks,
      log = app.log:child("console"),
      share = app.share,
      announce = function(url)
        if app.host.process.isatty(1) then
          io.stdout:write("The console: ", url, "\n")
        end
      end,
    })
  end
  if app.console then
    app.tasks:spawn(function()
      app.console:serve()
    end)
  end
end

local function reload_settings(app)
  local settings, errors = cli.settings(app)
  if not settings then
    for _, message in ipairs(errors) do
      app.log:error(message)
    end
    app.log:error("the settings were not reloaded: the running ones stay")
    return
  end
  for _, warning in ipairs(errors) do
    app.log:warn(warning)
  end
  local before = app.node.settings
  if not settings.server ~= not before.server or settings.docker.text ~= before.docker.text then
    app.log:warn("a change of DOCKER_HOST, or to or from local mode, needs a restart")
    settings.docker, settings.server = before.docker, before.server
  end
  app.node:use(settings)
  cli.configure_log(app, settings)
  see_to_console(app)
  local link = app.node.connection
  if not link then
    return
  elseif is_told_anew(app, before, settings) then
    link:renew()
  else
    link:retry()
  end
end

-- Runs `work` in a task, once at a time; a call meanwhile is followed by one more run.
local function single(app, work)
  local running, again
  local function start()
    if running then
      again = true
      return
    end
    running = true
    app.tasks:spawn(work, function(ok, message, traceback)
      running = false
      if not ok then
        app.log:trace("reload failed: " .. tostring(message), traceback)
      end
      if again then
        again = false
        start()
      end
    end)
  end
  return start
end

local function handle_signals(app, stop, reload)
  local asked = false
  for _, name in ipairs({ "TERM", "INT" }) do
    app.host.signal.on(name, function()
      if asked then
        app.log:warn("stopped at once by a second signal")
        stop()
      else
        asked = true
        run.shut_down(app, stop)
      end
    end)
  end
  app.host.signal.on("HUP", reload)
end

-- Lets commands end, leaves the server, and calls `stop`.
function run.shut_down(app, stop)
  app.log:info("shutting down", { commands = app.node.dispatcher.running })
  if app.supervisor then
    app.supervisor:stopping()
  end
  local timer, leaving = app.host.timer, false
  local function leave()
    if leaving then
      return
    end
    leaving = true
    if app.node.connection then
      app.node.connection:stop(stop)
    else
      stop()
    end
  end
  -- The server is told, whatever does not end.
  timer.start(LEAVE_SECONDS, leave)
  timer.start(LAST_SECONDS, stop)
  timer.start(DRAIN_SECONDS, function()
    app.node.dispatcher:cancel_all()
    app.node.background:cancel_all("shutdown")
  end)
  app.node.jobs:stop()
  app.node.background:cancel_all("shutdown")
  app.node.dispatcher:close()
  app.node.dispatcher:when_idle(function()
    app.node.background:when_idle(leave)
  end)
end

-- One running node a state directory: `check` must not use the key of a node that serves (the main server forgets a
-- node when any connection of its key ends). Who holds the lock may also clear up after those who held it before.
local function take_lock(app)
  local directory = app.node.settings.state
  local made, message = app.host.file.mkdir(directory, 448) -- 0700
  if not made then
    app.log:warn("the state directory can't be made: " .. message .. "; DOCKHOST_STATE names another")
    return
  end
  local lock, why, code = app.host.file.lock(directory .. "/run.lock")
  if code == "busy" then
    app.log:warn("another dockhost runs with the state directory " .. directory)
  elseif not lock then
    app.log:warn("the state directory can't be used: " .. why)
  end
  app.lock = lock
  if lock then
    app.node.id, why = lock:id()
    if not app.node.id then
      app.log:warn("the state directory can't be written to: " .. why)
    end
  end
end

-- Whoever started this process and wants to hear how it does: systemd.
local function find_supervisor(app)
  local environ, host = app.host.process.environ(), app.host
  if (environ.NOTIFY_SOCKET or "") == "" then
    return
  end
  app.supervisor = require("dockhost.supervisor").new({
    notify = host.process.notify,
    timer = host.timer,
    now = host.loop.now,
    environ = environ,
    pid = host.process.identity():match("^%d+:(%d+)"),
    log = app.log,
    server = function()
      local server = app.node.settings.server
      return server and server.text
    end,
  })
  app.node.observers:add(function(topic, value)
    app.supervisor:observe(topic, value)
  end)
end

local function start(app)
  collectgarbage("incremental", HEAP_GROWTH, 0, 0)
  local settings = app.node.settings
  app.log:info("dockhost " .. app.host.process.version, {
    image = settings.image,
    scripts = joined(app.node.directories),
    commands = count(app.node.scripts.commands),
  })
  see_to_console(app)
  app.node:start_monitor()
  app.node.jobs:use(app.node.scripts)
  if settings.server then
    app.node:start_connection()
  else
    app.log:info("local mode: no MAIN_SERVER_BACKEND_URL is set; `dockhost call` and the console run commands")
  end
end

-- (app) -> exit code
function run.perform(app)
  local ok, errors = app.node:load_scripts()
  if not ok then
    return call.complain(app, errors)
  end
  take_lock(app)
  claiming.start(app)
  find_supervisor(app)
  task.wait(function(stop)
    local reload = single(app, function()
      reload_scripts(app)
    end)
    handle_signals(app, stop, single(app, function()
      local _ <close> = app.supervisor and app.supervisor:reloading()
      reload_settings(app)
      watching.key(app)
      watching.scripts(app, reload)
      reload_scripts(app)
    end))
    start(app)
    watching.scripts(app, reload)
    watching.key(app)
    if app.supervisor then
      app.supervisor:ready()
    end
  end)
  app.node.monitor:stop()
  if app.console then
    app.console:close()
  end
  return cli.OK
end

return run
