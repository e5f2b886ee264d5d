-- Hooks: scripts that hear of what happens to the node. Each runs in a task of its own; what it returns is ignored.
local hooks = {}

-- What each hook is told, besides `ctx`.
hooks.EVENTS = {
  ["connected"] = "{ server, recovered }",
  ["disconnected"] = "{ server, reason }",
  ["container-created"] = "{ username, containerId, image }",
  ["container-started"] = "{ username, containerId, image }",
  ["container-stopped"] = "{ username, containerId, image, exitCode }",
  ["container-deleted"] = "{ username, containerId, image }",
}

-- Docker's word for an event of a container's -> the hook.
local CONTAINER = {
  create = "container-created",
  start = "container-started",
  die = "container-stopped",
  destroy = "container-deleted",
}

-- A flood of events must not become a flood of tasks.
local MOST_AT_ONCE = 32

local Hooks = {}
Hooks.__index = Hooks

function hooks.names()
  local names = {}
  for name in pairs(hooks.EVENTS) do
    table.insert(names, name)
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- hooks.new{ scripts = function() -> set, background = background.new(…), log = } -> hooks
function hooks.new(options)
  return setmetatable({
    scripts = options.scripts,
    background = options.background,
    log = options.log,
    running = 0,
  }, Hooks)
end

-- Runs the hook of that name, where there is one.
function Hooks:run(name, event)
  local set = self.scripts()
  local hook = set.hooks[name]
  if not hook then
    return
  end
  if self.running >= MOST_AT_ONCE then
    return self.log:warn("a hook was left out: " .. MOST_AT_ONCE .. " run already", { hook = name })
  end
  self.running = self.running + 1
  self.background:run({
    name = "hooks/" .. name,
    set = set,
    fn = function(ctx)
      return hook(event, ctx)
    end,
    on_end = function()
      self.running = self.running - 1
    end,
  })
end

-- An event of Docker's about a container of `user`.
function Hooks:container(user, event)
  local name = CONTAINER[event.Action]
  if not name then
    return
  end
  local attributes = event.Actor.Attributes
  self:run(name, {
    username = user,
    containerId = event.Actor.ID,
    image = attributes.image,
    exitCode = math.tointeger(tonumber(attributes.exitCode)),
  })
end

return hooks
