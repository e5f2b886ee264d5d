-- Sees changes of files: of the scripts in effect, and of the key.
local layers = require("dockhost.layers")

local watching = {}

-- Editors write a file in several steps.
local SETTLE_SECONDS = 0.2

-- Calls `fn` once the directory has been quiet for a moment after a change that `concerns` it. Returns what ends that.
-- A directory that `may_lack` is no reason for a warning where it is missing.
function watching.start(app, directory, concerns, fn, may_lack)
  local timer, watch, message, code
  local function stop()
    for _, handle in pairs({ timer, watch }) do
      handle:close()
    end
  end
  local function settle(then_do)
    if timer then
      timer:close()
    end
    timer = app.host.timer.start(SETTLE_SECONDS, then_do)
  end
  watch, message, code = app.host.watch.start(directory, function(name)
    if not name then
      -- The directory itself may have gone, for a new one of its name.
      watch:close()
      settle(function()
        stop = watching.start(app, directory, concerns, fn, may_lack)
        fn()
      end)
    elseif concerns(name) then
      settle(fn)
    end
  end)
  if not watch and not (may_lack and code == "ENOENT") then
    app.log:warn("changes are not seen by themselves (SIGHUP reloads): " .. message)
  end
  return function()
    stop()
  end
end

local function watch_layer(app, directory, reload)
  local stops = {}
  local function watch_folders()
    for _, stop in ipairs(stops) do
      stop()
    end
    stops = {}
    for _, folder in ipairs(layers.FOLDERS) do
      table.insert(stops, watching.start(app, directory .. "/" .. folder, layers.is_script, reload, true))
    end
  end
  -- A folder may be new.
  local stop_own = watching.start(app, directory, layers.concerns, function()
    watch_folders()
    reload()
  end)
  watch_folders()
  return function()
    stop_own()
    for _, stop in ipairs(stops) do
      stop()
    end
  end
end

-- Calls `reload` when a script has changed. To be called anew where a directory may have been put in another's place.
function watching.scripts(app, reload)
  for _, stop in ipairs(app.stop_watching_scripts or {}) do
    stop()
  end
  app.stop_watching_scripts = {}
  for _, directory in ipairs(app.node.directories) do
    table.insert(app.stop_watching_scripts, watch_layer(app, directory, reload))
  end
end

-- Has the connection try again when the file of the key has changed. To be called anew after a reload, which may name
-- another one.
function watching.key(app)
  local path = app.node.settings.api_key_file
  if app.stop_watching_key then
    app.stop_watching_key()
    app.stop_watching_key = nil
  end
  if not path or not app.node.connection then
    return
  end
  app.stop_watching_key = watching.start(app, path:match("^(.+)/[^/]*$") or path:match("^/") or ".", function(name)
    -- A secret mounted by an orchestrator changes through a link of another name.
    return name == path:match("[^/]*$") or name:sub(1, 2) == ".."
  end, function()
    app.node.connection:retry()
  end)
end

return watching
