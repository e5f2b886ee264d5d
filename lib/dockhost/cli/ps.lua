-- `dockhost ps`: the managed containers, as a table or as JSON.
local cli = require("dockhost.cli")
local clock = require("dockhost.clock")
local containers = require("dockhost.containers")
local json = require("dockhost.json")
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

-- All with their ports, or nil and what went wrong.
local function whole_list(app)
  local list, message = app.node.containers:list()
  for i, instance in ipairs(list or {}) do
    local whole, why = app.node.containers:with_ports(instance)
    if not whole then
      return nil, why
    end
    list[i] = whole
  end
  return list, message
end

local function as_json(list)
  local entries = {}
  for i, instance in ipairs(list) do
    entries[i] = containers.entry(instance)
  end
  return json.encode({ containers = json.array(entries) }) .. "\n"
end

local function as_table(list, now)
  local rows = { { "USER", "STATE", "PORTS (SSH HTTP HTTPS)", "AGE", "IMAGE" } }
  for _, instance in ipairs(list) do
    table.insert(rows, row(instance, now))
  end
  return text.columns(rows)
end

-- (app) -> exit code
function ps.perform(app)
  local list, message = whole_list(app)
  if not list then
    app.log:error(message)
    return cli.FAILED
  end
  io.stdout:write(app.parsed.json and as_json(list) or as_table(list, app.host.loop.time()))
  return cli.OK
end

return ps
