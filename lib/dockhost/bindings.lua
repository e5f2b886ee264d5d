-- Which host ports containers have. A stopped one shows them only when it is inspected.
local bindings = {}

local SERVICES = { ssh = "22/tcp", http = "80/tcp", https = "443/tcp" }

local Bindings = {}
Bindings.__index = Bindings

-- bindings.new{ docker = docker client } -> bindings
function bindings.new(options)
  return setmetatable({ docker = options.docker, known = {} }, Bindings)
end

local function first_port(entries)
  local entry = type(entries) == "table" and entries[1]
  return type(entry) == "table" and math.tointeger(tonumber(entry.HostPort)) or nil
end

-- The host ports of an inspected container, which a stopped one keeps: { ssh =, http =, https = } (some may lack).
function bindings.ports_of(inspected)
  local result = {}
  local bound = inspected.HostConfig and inspected.HostConfig.PortBindings or {}
  local live = inspected.NetworkSettings and inspected.NetworkSettings.Ports or {}
  for service, port in pairs(SERVICES) do
    local host_port = first_port(bound[port])
    if not host_port or host_port == 0 then
      host_port = first_port(live[port])
    end
    result[service] = host_port
  end
  return result
end

-- Whether a running container's three ports are really published: Docker can start one without (moby #51758).
function bindings.published(inspected)
  local live = inspected.NetworkSettings and inspected.NetworkSettings.Ports or {}
  for _, port in pairs(SERVICES) do
    if not first_port(live[port]) then
      return false
    end
  end
  return true
end

-- The host ports that a binding names: one, or a range ("8000-8010") of which Docker takes one at the start.
local function add_ports(bound, text)
  local first, last = tostring(text):match("^(%d+)%-?(%d*)$")
  first = math.tointeger(tonumber(first))
  last = math.tointeger(tonumber(last)) or first
  for port = math.max(first or 1, 1), math.min(last or 0, 65535) do
    table.insert(bound, port)
  end
end

-- What a container was made with: { ports = as ports_of, bound = list of host ports, image = name }, or nil, message,
-- status. That never changes, so each container is inspected once, also those that are stopped or not ours.
function Bindings:of(id)
  local known = self.known[id]
  if known then
    return known
  end
  local inspected, message, status = self.docker:container_inspect(id)
  if not inspected then
    if status == 404 then
      return { ports = {}, bound = {} }
    end
    return nil, message, status
  end
  known = { ports = bindings.ports_of(inspected), bound = {}, image = inspected.Config and inspected.Config.Image }
  for _, entries in pairs(inspected.HostConfig and inspected.HostConfig.PortBindings or {}) do
    for _, entry in ipairs(entries) do
      add_ports(known.bound, entry.HostPort)
    end
  end
  self.known[id] = known
  return known
end

-- Forgets the containers that are not in a list of all.
function Bindings:forget_missing(found)
  local present = {}
  for _, entry in ipairs(found) do
    present[entry.Id] = true
  end
  for id in pairs(self.known) do
    if not present[id] then
      self.known[id] = nil
    end
  end
end

-- The set of the host ports in the bindings of any container on this Docker, running or stopped, ours or not.
function Bindings:bound_ports()
  local found, message, status = self.docker:container_list()
  if not found then
    return nil, message, status
  end
  self:forget_missing(found)
  local bound = {}
  for _, entry in ipairs(found) do
    local known, why, code = self:of(entry.Id)
    if not known then
      return nil, why, code
    end
    for _, port in ipairs(known.bound) do
      bound[port] = true
    end
    for _, live in ipairs(entry.Ports or {}) do
      if live.PublicPort then
        bound[live.PublicPort] = true
      end
    end
  end
  return bound
end

return bindings
