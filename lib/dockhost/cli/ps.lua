-- `dockhost ps`: the managed containers as a table.
local cli = require("dockhost.cli")
local clock = require("dockhost.clock")
local text = require("dockhost.text")

local ps = {}

local function ports_text(ports)
  if not ports.ssh then
    return "-"
  end
  return string.format("%d %s %s", ports.ssh, ports.http or "-", ports.https or "-")
end

local function row(instance, now)
  return {
    instance.username,
    instance.state,
    ports_text(instance.ports),
    instance.created and clock.age(now - instance.created) or "-",
    instance.image,
  }
end

-- (app) -> exit code
function ps.perform(app)
  local list, message = app.node.containers:list()
  local rows = { { "USER", "STATE", "PORTS (SSH HTTP HTTPS)", "AGE", "IMAGE" } }
  for _, instance in ipairs(list or {}) do
    local whole, why = app.node.containers:with_ports(instance)
    if not whole then
      list, message = nil, why
      break
    end
    table.insert(rows, row(whole, app.host.loop.time()))
  end
  if not list then
    app.log:error(message)
    return cli.FAILED
  end
  io.stdout:write(text.columns(rows))
  return cli.OK
end

return ps
