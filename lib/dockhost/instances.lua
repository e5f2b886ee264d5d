-- The making of an instance: capacity, labels, creation under the right name, and the removal of what did not become
-- whole. Two labels tell who makes a container and in which attempt, so that only what is abandoned is removed.
local containers = require("dockhost.containers")
local username = require("dockhost.username")

local instances = {}

local NETWORK = "dockhost"
local NAME_TRIES, NAME_SECONDS = 5, 0.5

local Instances = {}
Instances.__index = Instances

-- instances.new{ docker =, containers =, networks =, flights = task.flights(…), identity =, capacity = function() -> n,
-- node = function() -> the id of the state directory or nil, on_leftover = function() } -> instances. `on_leftover`
-- hears of a container that could not be removed.
function instances.new(options)
  local self = setmetatable({
    docker = options.docker,
    containers = options.containers,
    networks = options.networks,
    flights = options.flights,
    identity = options.identity,
    node = options.node,
    capacity = options.capacity,
    on_leftover = options.on_leftover or function() end,
    seats = {},
    last_seat = 0,
    attempts = {},
    leftovers = {},
  }, Instances)
  containers.undo_first(self.containers, function(inspected)
    return self:finish_undo(inspected)
  end)
  return self
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
  if type(body) ~= "table" then
    local advice = "must return the body of Docker's create call, not "
    error("container.lua " .. advice .. type(body) .. ": is a `return` missing?", 0)
  end
  body.Labels = body.Labels or {}
  body.Labels[containers.MANAGED] = "true"
  body.Labels[containers.USERNAME] = instance.username
  body.Labels[containers.MAKER] = self.identity
  body.Labels[containers.ATTEMPT] = instance.attempt
  body.Labels[containers.NODE] = self.node()
  return body
end

local function is_name_conflict(message, status)
  return status == 409 and message:find("in use", 1, true) ~= nil
end

-- Who has the name that Docker refused: true where it is somebody else's container, false where nobody has it (any
-- more, or yet), or nil, message, status and the entry of the user's own.
local function holder(self, user)
  local existing, message, status, foreign = self.containers:of_user(user)
  if existing then
    return nil, user .. " already has a container", 409, containers.entry(existing)
  elseif status ~= 404 then
    return nil, message, status
  end
  return foreign == true
end

-- The user's plain name may be held by a container that is not ours: then the hex name serves. It may also be held for
-- a moment by one that is on its way in or out, which nobody can see.
local function create_named(self, instance, body, sleep)
  local plain, hex = username.container_name(instance.username), username.hex_name(instance.username)
  instance.name = plain
  for n = 1, NAME_TRIES do
    local id, message, status = self.docker:container_create(plain, body)
    if id or not is_name_conflict(message, status) then
      return id, message, status
    end
    local foreign, why, code, existing = holder(self, instance.username)
    if foreign == nil then
      return nil, why, code, existing
    elseif foreign or n == NAME_TRIES then
      break
    end
    sleep(NAME_SECONDS)
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
    local id, message, status, existing = create_named(self, instance, body, ctx.sleep)
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
  local ok, removed, message, status = pcall(remove, self, instance)
  if ok and removed then
    self.leftovers[instance.attempt] = nil
    return true
  end
  -- Not before: a sweep meanwhile would remove it as well, and Docker refuses one of the two.
  self.leftovers[instance.attempt] = true
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

-- A container that a failed attempt left is nobody's, whatever became of it: who started it would lose it to the sweep.
-- Returns what `containers.undo_first` says.
function Instances:finish_undo(inspected)
  local attempt = (inspected.Config.Labels or {})[containers.ATTEMPT]
  if not self:is_leftover(attempt) then
    return false
  end
  local removed, message, status = self.docker:container_remove(inspected.Id)
  if removed or status == 404 then
    self:settle(attempt)
    return true
  end
  return nil, "what a failed creation left behind can't be removed yet: " .. message, 503
end

-- The container of that attempt, if its label named one, has been removed after all.
function Instances:settle(attempt)
  if attempt then
    self.leftovers[attempt] = nil
  end
end

-- The set of the left over attempts of which Docker makes nothing any more: what it does not list by now is gone.
function Instances:past_leftovers()
  local past = {}
  for attempt in pairs(self.leftovers) do
    past[attempt] = not self.flights.active[attempt] or nil
  end
  return past
end

-- A removal has failed, perhaps half-way.
function Instances:doubt()
  self.on_leftover()
end

-- Whether this process is still at work on the attempt that a label names.
function Instances:at_work(attempt)
  return self.attempts[attempt] == true
end

return instances
