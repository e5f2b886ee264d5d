-- `dockhost call EVENT [JSON]`: one command through the dispatcher, without a main server. The reply goes to stdout.
local cli = require("dockhost.cli")
local json = require("dockhost.json")
local pretty = require("dockhost.pretty")
local printable = require("dockhost.printable")
local progress = require("dockhost.cli.progress")
local task = require("dockhost.task")
local text = require("dockhost.text")

local call = {}

local MOST_SCRIPT_BYTES = 1024 * 1024

-- What a dry run would do: a call that would change something.
function call.show(method, path, body, note)
  io.stdout:write(method, " ", path, "\n")
  if body ~= nil then
    io.stdout:write(pretty.text(body), "\n")
  elseif note then
    io.stdout:write(note, "\n")
  end
end

-- What a script emits has nobody to go to.
function call.unsent(event, ...)
  local arguments = { ... }
  for i = 1, select("#", ...) do
    arguments[i] = arguments[i] == nil and json.null or arguments[i]
  end
  local data = json.encode(json.array(arguments)) or "what can't be written as JSON"
  io.stderr:write("emits ", printable.text(tostring(event)), " ", printable.text(data), ", with no main server here\n")
end

-- Where an unknown command may lie that was meant.
local SCRIPT_FOLDERS = { "scripts", "." }

-- What to do about an event that no script handles, or nil.
local function suggestion(app, event)
  local set = app.node.scripts
  if set.commands[event] or set.dialect[event] or not event:find("^[%w_.-]+$") then
    return nil
  end
  for _, folder in ipairs(not app.parsed.scripts and SCRIPT_FOLDERS or {}) do
    if app.read(folder .. "/commands/" .. event .. ".lua", MOST_SCRIPT_BYTES) then
      return ("%s/commands/%s.lua is there: `--scripts %s` takes it"):format(folder, event, folder)
    end
  end
  local names = {}
  for name in pairs(set.commands) do
    table.insert(names, name)
  end
  table.sort(names)
  local meant = text.closest(event, names)
  return meant and ("did you mean %s?"):format(meant) or "`dockhost scripts` lists the commands"
end

-- A deployed check answers a bare boolean, which is no failure.
local function failed(reply)
  return type(reply) == "table" and reply.success == false
end

-- The scripts' errors, one a line.
function call.complain(app, errors)
  for _, message in ipairs(errors) do
    app.log:error(message)
  end
  return cli.CONFIG
end

local function dispatch(app, event, payload)
  return task.wait(function(done)
    app.node.dispatcher:dispatch({
      event = event,
      payload = payload,
      acknowledged = true,
      fits = function(value)
        local encoded, problem = json.encode(value)
        return encoded ~= nil, problem
      end,
      answer = done,
    })
  end)
end

-- Ctrl-C undoes what the command began.
local function cancel_on_signals(app)
  for _, name in ipairs({ "INT", "TERM" }) do
    app.host.signal.on(name, function()
      app.node.dispatcher:cancel_all()
    end)
  end
end

local function show_pulls(app)
  local show = progress.of_pulls(app)
  app.node.observers:add(function(topic, value)
    if topic == "pull" then
      show(value)
    end
  end)
end

-- (app) -> exit code
function call.perform(app)
  local event, given = app.parsed.positional[1], app.parsed.positional[2]
  local payload, message = json.decode(given or "{}")
  if payload == nil then
    io.stderr:write("dockhost: the payload: ", message, "\n")
    return cli.USAGE
  end
  local ok, errors = app.node:load_scripts()
  if not ok then
    return call.complain(app, errors)
  end
  cancel_on_signals(app)
  show_pulls(app)
  local reply = dispatch(app, event, payload)
  local advice = suggestion(app, event)
  if advice then
    io.stderr:write("dockhost: ", advice, "\n")
  end
  io.stdout:write(json.encode(reply), "\n")
  return failed(reply) and cli.FAILED or cli.OK
end

return call
