-- Whose container is which: the identity and the ownership of containers on this Docker. A container is ours when it
-- has our label, or when the Node backend made it: no label, named exactly like the user, of the configured image.
-- Everything else on the machine does not exist for us.
local bindings = require("dockhost.bindings")
local clock = require("dockhost.clock")
local json = require("dockhost.json")
local username = require("dockhost.username")

local containers = {}

containers.MANAGED = "dockhost.managed"
containers.USERNAME = "dockhost.username"
-- Who makes the container, and in which attempt: tells what a crash left half made from what is being made.
containers.MAKER = "dockhost.maker"
containers.ATTEMPT = "dockhost.attempt"
-- The state directory whose lock the maker holds: whoever holds it later knows that that one has ended.
containers.NODE = "dockhost.node"

local Containers = {}
Containers.__index = Containers

-- containers.new{ docker = docker client, image = function() -> configured image }
function containers.new(options)
  return setmetatable({
    docker = options.docker,
    image = options.image,
    bindings = bindings.new({ docker = options.docker }),
    states = {},
    undo = function()
      return false
    end,
  }, Containers)
end

-- `fn(inspected)` sees a container before it is taken for its user's. It returns true where a failed command had left
-- it and it is removed by now, false where it is whole, or nil, message, status where it could not be removed. This is
-- no method, since scripts have those.
function containers.undo_first(self, fn)
  self.undo = fn
end

local function is_managed(labels)
  return labels ~= nil and labels[containers.MANAGED] == "true"
end

-- Podman tells an image's whole name, where Docker tells the one that was asked for.
local function short_image(name)
  return (name:gsub(":latest$", ""):gsub("^docker%.io/", ""):gsub("^library/", ""))
end

local function same_image(a, b)
  return a ~= nil and short_image(a) == short_image(b)
end

local function owner(self, name, labels, image)
  if is_managed(labels) then
    return username.from_container_name(name), false
  end
  if same_image(image, self.image()) and username.check(name) and username.container_name(name) == name then
    return name, true
  end
end

-- The user whose container that is, or nil for what is not ours; second, whether the Node backend made it.
function Containers:user_of(name, labels, image)
  if type(name) == "string" then
    return owner(self, name, labels, image)
  end
end

local function instance_of(inspected, user, adopted)
  local state = inspected.State or {}
  return {
    id = inspected.Id,
    name = inspected.Name:sub(2),
    username = user,
    adopted = adopted,
    state = state.Status,
    ports = bindings.ports_of(inspected),
    created = clock.parse(inspected.Created),
    started = clock.parse(state.StartedAt),
    image = inspected.Config and inspected.Config.Image,
    inspected = inspected,
  }
end

-- Takes the inspected container as ours, or returns nil.
function Containers:own(inspected)
  local config = inspected.Config or {}
  local user, adopted = owner(self, inspected.Name:sub(2), config.Labels, config.Image)
  if not user then
    return nil
  end
  local instance = instance_of(inspected, user, adopted)
  self.states[user] = instance.state
  return instance
end

-- Whether a failed look-up means that no container has the name. The daemon looks for ids that begin so as well, and
-- that there are several is an error of its own, in 20.10 with status 500.
function containers.is_absence(message, status)
  return status == 404 or message:lower():find("multiple ids found with provided prefix", 1, true) ~= nil
end

-- The daemon's look-up by name also finds ids and their prefixes, so what comes back must bear the very name.
local function by_name(self, name, user)
  local inspected, message, status = self.docker:container_inspect(name)
  if not inspected then
    return nil, message, containers.is_absence(message, status) and 404 or status
  end
  if inspected.Name ~= "/" .. name then
    return nil, "no such container", 404, true
  end
  local instance = self:own(inspected)
  if not instance or instance.username ~= user then
    return nil, "no such container", 404, true
  end
  local undone, why, code = self.undo(inspected)
  if undone == nil then
    return nil, why, code
  elseif undone then
    self.states[user] = nil
    return nil, "no such container", 404
  end
  return instance
end

-- The container of a user: an instance, or nil, message, status and whether a foreign container holds the plain name.
function Containers:of_user(user)
  local name, hex = username.container_name(user), username.hex_name(user)
  local instance, message, status, foreign = by_name(self, name, user)
  if instance or status ~= 404 then
    return instance, message, status
  end
  if name ~= hex then
    instance, message, status = by_name(self, hex, user)
    if instance or status ~= 404 then
      return instance, message, status
    end
  end
  self.states[user] = nil
  return nil, "this user has no container", 404, foreign
end

-- A managed container by its full id or a prefix of it.
function Containers:of_id(id)
  local list, message, status = self:list()
  if not list then
    return nil, message, status
  end
  local found
  for _, instance in ipairs(list) do
    if instance.id:sub(1, #id) == id then
      if found then
        return nil, "this id names more than one container", 409
      end
      found = instance
    end
  end
  if not found then
    return nil, "no container has this id", 404
  end
  return by_name(self, found.name, found.username)
end

-- What `{ username }` or `{ containerId }` names; when both are given they must agree.
function Containers:find(params)
  if params.containerId then
    local instance, message, status = self:of_id(params.containerId)
    if instance and params.username and instance.username ~= params.username then
      return nil, "this container is not " .. params.username .. "'s", 404
    end
    return instance, message, status
  end
  if params.username then
    return self:of_user(params.username)
  end
  return nil, "give a username or a containerId", 400
end

-- Links give a container further names, of the form /other/alias.
local function own_name(names)
  for _, name in ipairs(names or {}) do
    if not name:find("/", 2, true) then
      return name:sub(2)
    end
  end
  return ""
end

-- An instance; nil for what is not ours; or nil, message, status. Docker lists the id of an image whose name means
-- another one by now.
local function listed(self, entry)
  local name, image = own_name(entry.Names), entry.Image or ""
  if not is_managed(entry.Labels) and image:find("^sha256:") then
    local known, message, status = self.bindings:of(entry.Id)
    if not known then
      return nil, message, status
    end
    image = known.image
  end
  local user, adopted = owner(self, name, entry.Labels, image)
  if not user then
    return nil
  end
  return {
    id = entry.Id,
    name = name,
    username = user,
    adopted = adopted,
    state = entry.State,
    created = entry.Created,
    image = image,
    labels = entry.Labels,
  }
end

-- All that is ours, by user name. Entries have no ports: `containers:with_ports` adds them.
function Containers:list()
  local found, message, status = self.docker:container_list()
  if not found then
    return nil, message, status
  end
  self.bindings:forget_missing(found)
  local list, states = {}, {}
  for _, entry in ipairs(found) do
    local instance, why, code = listed(self, entry)
    if instance then
      table.insert(list, instance)
      states[instance.username] = instance.state
    elseif why then
      return nil, why, code
    end
  end
  self.states = states
  table.sort(list, function(a, b)
    return a.username < b.username
  end)
  return list
end

-- Adds the ports to a listed instance, and the name of its image. One that has just gone gets none.
function Containers:with_ports(instance)
  local known, message, status = self.bindings:of(instance.id)
  if not known then
    return nil, message, status
  end
  instance.ports = known.ports
  instance.image = known.image or instance.image
  return instance
end

-- The set of the host ports in the bindings of any container on this Docker.
function Containers:bound_ports()
  return self.bindings:bound_ports()
end

-- How a container is shown in replies (CONTRACT: list-containers).
function containers.entry(instance)
  return {
    containerId = instance.id,
    username = instance.username,
    state = instance.state,
    ports = instance.ports,
    createdAt = instance.created and clock.format(instance.created) or json.null,
    image = instance.image,
  }
end

-- The last state that Docker told of a user's container, or nil.
function Containers:last_state(user)
  return self.states[user]
end

-- What an event of Docker's says of a container's state, so that `last_state` is fresh without asking.
function Containers:note(user, state)
  self.states[user] = state
end

return containers
