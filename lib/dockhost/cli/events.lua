-- `dockhost events`: what happens to the managed containers, as Docker tells it.
local cli = require("dockhost.cli")
local clock = require("dockhost.clock")
local json = require("dockhost.json")
local printable = require("dockhost.printable")
local stream = require("dockhost.cli.stream")

local events = {}

-- What a person wants to hear of; --json has all.
local WORDS = {
  create = "created",
  start = "started",
  die = "stopped",
  destroy = "deleted",
  oom = "out of memory",
  pause = "paused",
  unpause = "goes on",
  rename = "renamed",
  ["health_status: healthy"] = "healthy",
  ["health_status: unhealthy"] = "unhealthy",
}

-- (event of Docker's, app) -> what --json says of it, or nil where the container is not ours
local function entry_of(app, event)
  local actor = type(event.Actor) == "table" and event.Actor or {}
  local attributes = type(actor.Attributes) == "table" and actor.Attributes or {}
  local user = app.node.containers:user_of(attributes.name, attributes, attributes.image)
  if not user then
    return nil
  end
  local nanoseconds = math.tointeger(event.timeNano)
  return {
    time = clock.format_ms(nanoseconds and nanoseconds / 1e9 or app.host.loop.time()),
    username = user,
    action = event.Action,
    containerId = actor.ID,
    image = attributes.image,
    exitCode = event.Action == "die" and math.tointeger(tonumber(attributes.exitCode)) or nil,
  }
end

local function line_of(entry)
  local word = WORDS[entry.action]
  if not word then
    return ""
  end
  local more = entry.exitCode and (" (exit code %d)"):format(entry.exitCode)
    or entry.action == "create" and entry.image and " from " .. printable.text(entry.image) or ""
  return ("%s  %s  %s%s\n"):format(entry.time, printable.text(entry.username), word, more)
end

-- (app) -> exit code
function events.perform(app)
  return stream.run(app, function(put)
    local _, message = app.node.docker:events({ type = { "container" } }, nil, function(event)
      local entry = entry_of(app, event)
      if entry then
        put(app.parsed.json and json.encode(entry) .. "\n" or line_of(entry))
      end
    end, function()
      return ("%.9f"):format(app.host.loop.time())
    end)
    app.log:error(message)
    return cli.FAILED
  end)
end

return events
