-- `dockhost check --migrate`: what moving from the Node backend to this node means for the containers of this machine.
local cli = require("dockhost.cli")
local json = require("dockhost.json")
local printable = require("dockhost.printable")
local text = require("dockhost.text")
local username = require("dockhost.username")

local migrate = {}

local SSH, HTTP, HTTPS = 22, 80, 443

local function own_name(entry)
  for _, name in ipairs(entry.Names or {}) do
    if not name:find("/", 2, true) then
      return name:sub(2)
    end
  end
  return ""
end

-- The name that it was made with: the list has another where that means a newer image by now.
local function image_of(app, entry)
  local known = app.node.containers.bindings:of(entry.Id)
  return known and known.image or entry.Image or "?"
end

-- Why a container without our label is not taken over.
local function why_not(name, image, configured)
  local ok, problem = username.check(name)
  if not ok then
    return "its name can't be a user's: " .. tostring(problem)
  elseif username.container_name(name) ~= name then
    return "its name is one that this node gives to others"
  end
  return "it runs the image " .. image .. ", and not " .. configured
end

-- { adopted = list, managed = list, others = list of { name, image, reason } } | nil, message
local function sorted(app)
  local ours, message = app.node.containers:list()
  local all = ours and app.node.docker:container_list()
  if not all then
    return nil, message or "Docker does not list its containers"
  end
  local found, ids = { adopted = {}, managed = {}, others = {} }, {}
  for _, instance in ipairs(ours) do
    ids[instance.id] = true
    local whole, why = app.node.containers:with_ports(instance)
    if not whole then
      return nil, why
    end
    table.insert(instance.adopted and found.adopted or found.managed, whole)
  end
  for _, entry in ipairs(all) do
    if not ids[entry.Id] then
      local name, image = own_name(entry), image_of(app, entry)
      table.insert(found.others, { name = name, image = image,
        reason = why_not(name, image, app.node.settings.image) })
    end
  end
  table.sort(found.others, function(a, b)
    return a.name < b.name
  end)
  return found
end

-- What an operator has to see to first.
local function conflicts_of(app, found)
  local list, settings = {}, app.node.settings
  local function add(...)
    table.insert(list, (...):format(select(2, ...)))
  end
  local count = #found.adopted + #found.managed
  if count > settings.max_containers then
    add("%d containers are more than DOCKHOST_MAX_CONTAINERS=%d: nothing new is made until there are fewer", count,
      settings.max_containers)
  end
  for _, instance in ipairs(found.adopted) do
    if not (instance.ports.ssh and instance.ports.http and instance.ports.https) then
      add("%s does not publish all of the ports %d, %d and %d: it is served with those that it has",
        instance.username, SSH, HTTP, HTTPS)
    end
  end
  return list
end

local MEBIBYTE = 1024 * 1024

local function limits_text(settings)
  local limits = {}
  for _, limit in ipairs({
    { settings.memory, ("%d MiB of memory"):format(settings.memory // MEBIBYTE) },
    { settings.cpus, ("%g processors"):format(settings.cpus) },
    { settings.pids, ("%d processes"):format(settings.pids) },
  }) do
    table.insert(limits, limit[1] ~= 0 and limit[2] or nil)
  end
  return limits[1] and table.concat(limits, ", ") or "no limits"
end

-- What is different for what is made from now on.
local function changes(settings)
  return {
    "adopted containers stay as they are: name, ports, data, and no limits but those that they have",
    "new ones get " .. limits_text(settings)
      .. " (DOCKHOST_MEMORY, DOCKHOST_CPUS, DOCKHOST_PIDS), and lua/container.lua says what else",
    "new ones are in the network dockhost, where they don't reach each other, lack the capabilities NET_RAW and MKNOD, "
      .. "and start again with Docker (unless-stopped)",
    "new ones bear the label dockhost.managed=true; where a user's name can't be a container's, it is dockhost-x and "
      .. "hex digits",
    ("new ones get three ports in a row from %d to %d"):format(settings.port_start, settings.port_end),
    "stop the Node backend first: the main server knows one connection of a key",
  }
end

local function ports_text(ports)
  return ports.ssh and ("%d %s %s"):format(ports.ssh, ports.http or "-", ports.https or "-") or "-"
end

local function instance_table(list)
  local rows = { { "USER", "STATE", "PORTS (SSH HTTP HTTPS)", "IMAGE" } }
  for _, instance in ipairs(list) do
    table.insert(rows, { instance.username, instance.state, ports_text(instance.ports), instance.image })
  end
  return text.columns(rows)
end

local function bullets(title, list)
  if not list[1] then
    return ""
  end
  local lines = { "\n" .. title .. "\n" }
  for i, line in ipairs(list) do
    lines[i + 1] = "  - " .. printable.text(line) .. "\n"
  end
  return table.concat(lines)
end

local function as_text(app, found, conflicts)
  local others = {}
  for i, other in ipairs(found.others) do
    others[i] = other.name .. ": " .. other.reason
  end
  local image = app.node.settings.image
  local adopted = found.adopted[1] and ("This node would take over %d:\n\n%s"):format(#found.adopted,
    instance_table(found.adopted)) or "There is none to take over.\n"
  return "Containers of the Node backend: named like their user, without a label of ours, of the image "
    .. image .. ".\n" .. adopted
    .. (found.managed[1] and ("\n%d are this node's already (`dockhost ps`).\n"):format(#found.managed) or "")
    .. bullets("Not touched, ever:", others)
    .. bullets("See to first:", conflicts)
    .. bullets("What changes:", changes(app.node.settings))
end

local function as_json(app, found, conflicts)
  local containers = require("dockhost.containers")
  local adopted, others = {}, {}
  for i, instance in ipairs(found.adopted) do
    adopted[i] = containers.entry(instance)
  end
  for i, other in ipairs(found.others) do
    others[i] = other
  end
  return json.encode({
    ok = #conflicts == 0,
    adopted = json.array(adopted),
    managed = #found.managed,
    others = json.array(others),
    conflicts = json.array(conflicts),
    changes = json.array(changes(app.node.settings)),
  }) .. "\n"
end

-- (app) -> exit code
function migrate.perform(app)
  local found, message = sorted(app)
  if not found then
    app.log:error(message)
    return cli.FAILED
  end
  local conflicts = conflicts_of(app, found)
  io.stdout:write((app.parsed.json and as_json or as_text)(app, found, conflicts))
  return #conflicts == 0 and cli.OK or cli.FAILED
end

return migrate
