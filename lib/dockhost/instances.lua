-- The making of an instance: capacity, labels, creation under the right name, and the removal of what did not become
-- whole. Two labels tell who makes a container and in which attempt, so that only what is abandoned is removed.
local containers = require("dockhost.containers")
local username = require("dockhost.username")

local instances = {}

local NETWORK = "dockhost"

local Instances = {}
Instances.__index = Instances

-- instances.new{ docker =, containers =, networks =, flights = task.flights(…), identity =, capacity = function() -> n,
-- on_leftover = function() } -> instances. `on_leftover` hears of a container that could not be removed.
function instances.new(options)
  return setmetatable({
    docker = options.docker,
    containers = options.containers,
    networks = options.networks,
    flights = options.flights,
    identity = options.identity,
    capacity = options.capacity,
    on_leftover = options.on_leftover or function() end,
    seats = {},
    last_seat = 0,
    attempts = {},
    leftovers = {},
  }, Instances)
end

-- Takes a seat for the user's new container until the command ends. Returns true, or nil, message, 503 when the node is
-- full: what exists and what is being made both count. Of those who take a seat at once, the first get what is left.
function Instances:admit(user, ctx)
  local seat = self.last_seat + 1
  self.last_seat, self.seats[user] = seat, seat
  ctx.on_end(function()
    self.seats[user] = nil
  end)
  local list, message, status = self.containers:list()
  if not list then
    return nil, message, status
  end
  local users = {}
  for other, number in pairs(self.seats) do
    users[other] = number <= seat or nil
  end
  for _, instance in ipairs(list) do
    users[instance.username] = true
  end
  local count = 0
  for _ in pairs(users) do
    count = count + 1
  end
  if count > self.capacity() then
    return nil, "this node is full: DOCKHOST_MAX_CONTAINERS is " .. self.capacity(), 503
  end
  return true
end

-- What the script says, under the labels that ownership rests on.
local function create_body(self, instance, ctx)
  local body = ctx.describe(instance)
  body.Labels = body.Labels or {}
  body.Labels[containers.MANAGED] = "true"
  body.Labels[containers.USERNAME] = instance.username
  body.Labels[containers.MAKER] = self.identity
  body.Labels[containers.ATTEMPT] = instance.attempt
  return body
end

-- The user's plain name may be held by a container that is not ours: then the hex name serves.
local function create_named(self, instance, body)
  local plain, hex = username.container_name(instance.username), username.hex_name(instance.username)
  instance.name = plain
  local id, message, status = self.docker:container_create(plain, body)
  if id or status ~= 409 or plain == hex or not message:find("in use", 1, true) then
    return id, message, status
  end
  local existing, why, code = self.containers:of_user(instance.username)
  if existing then
    return nil, instance.username .. " already has a container", 409, containers.entry(existing)
  elseif code ~= 404 then
    return nil, why, code
  end
  instance.name = hex
  return self.docker:container_create(hex, body)
end

-- Creates the container of `instance` ({ username, keys, ports, attempt }) and returns its id, or nil, message, status
-- and the existing one's entry where that is why. It is removed when the command fails; until the command ends it is
-- not taken for abandoned.
function Instances:create(instance, ctx)
  instance.image = ctx.config.image
  instance.attempt = table.concat({ self.identity, ctx.id, instance.attempt }, ":")
  local body = create_body(self, instance, ctx)
  if body.HostConfig and body.HostConfig.NetworkMode == NETWORK then
    local ok, message, status = self.networks:ensure(NETWORK)
    if not ok then
      return nil, message, status
    end
  end
  self.attempts[instance.attempt] = true
  ctx.on_end(function()
    self.attempts[instance.attempt] = nil
  end)
  -- Before the call: its answer may be lost.
  ctx.on_undo(function()
    self:discard(instance)
  end)
  -- In a task of its own, which no cancellation reaches: Docker would make the container all the same, later than the
  -- undo looks for it.
  return self.flights:run(instance.attempt, function()
    local id, message, status, existing = create_named(self, instance, body)
    instance.id, ctx.partial.containerId = id, id
    return id, message, status, existing
  end)
end

local function made_by(inspected, attempt)
  local labels = inspected.Config and inspected.Config.Labels or {}
  return labels[containers.ATTEMPT] == attempt
end

local function remove(self, instance)
  self.flights:join(instance.attempt)
  local inspected, message, status = self.docker:container_inspect(instance.id or instance.name)
  if inspected and made_by(inspected, instance.attempt) then
    local removed
    removed, message, status = self.docker:container_remove(inspected.Id)
    if removed then
      return true
    end
  elseif inspected then
    return true
  end
  if containers.is_absence(message, status) then
    return true
  end
  return nil, message, status
end

-- Removes what an attempt made, if anything. Returns true, or nil, message, status; then, and when the wait for Docker
-- is cancelled, the container is known as left over.
function Instances:discard(instance)
  self.leftovers[instance.attempt] = true
  local ok, removed, message, status = pcall(remove, self, instance)
  if ok and removed then
    self.leftovers[instance.attempt] = nil
    return true
  end
  self.on_leftover()
  if not ok then
    error(removed, 0)
  end
  return nil, message, status
end

-- Whether the attempt that a label names has failed and its container could not be removed.
function Instances:is_leftover(attempt)
  return self.leftovers[attempt] == true
end

-- The container of that attempt has been removed after all.
function Instances:settle(attempt)
  self.leftovers[attempt] = nil
end

-- Whether this process is still at work on the attempt that a label names.
function Instances:at_work(attempt)
  return self.attempts[attempt] == true
end

return instances
