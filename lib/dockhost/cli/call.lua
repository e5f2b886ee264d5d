-- `dockhost call EVENT [JSON]`: one command through the dispatcher, without a main server. The reply goes to stdout.
local cli = require("dockhost.cli")
local json = require("dockhost.json")
local pretty = require("dockhost.pretty")
local task = require("dockhost.task")

local call = {}

-- What a dry run would do: a call that would change something.
function call.show(method, path, body, note)
  io.stdout:write(method, " ", path, "\n")
  if body ~= nil then
    io.stdout:write(pretty.text(body), "\n")
  elseif note then
    io.stdout:write(note, "\n")
  end
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
        local text, problem = json.encode(value)
        return text ~= nil, problem
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

-- (app) -> exit code
function call.perform(app)
  local event, given = app.parsed.positional[1], app.parsed.positional[2]
  local payload, message = json.decode(given or "{}")
  if payload == nil then
    io.stderr:write("dockhost: the payload is not JSON: ", message, "\n")
    return cli.USAGE
  end
  local ok, errors = app.node:load_scripts()
  if not ok then
    return call.complain(app, errors)
  end
  cancel_on_signals(app)
  local reply = dispatch(app, event, payload)
  io.stdout:write(json.encode(reply), "\n")
  return failed(reply) and cli.FAILED or cli.OK
end

return call
