-- Podman's service speaks Docker's API with a few words of its own. Here they become Docker's.
local docker_words = {}

local STATES = {
  configured = "created",
  initialized = "created",
  stopping = "running",
  stopped = "exited",
}

-- What it says with a 500 of its own.
local STATUSES = {
  -- While a container is being removed.
  ["no such container"] = 404,
  ["container name .* already in use"] = 409,
  ["network name .* already used"] = 409,
}

local ACTIONS = { remove = "destroy", died = "die" }

-- (the state of a container) -> one of Docker's
function docker_words.state(word)
  return STATES[word] or word
end

-- (status, message of a refusal) -> Docker's status
function docker_words.status(status, message)
  if status == 500 then
    for pattern, meant in pairs(STATUSES) do
      if message:find(pattern) then
        return meant
      end
    end
  end
  return status
end

-- Makes an event of a container's one of Docker's, in its place.
function docker_words.event(event)
  event.Action = ACTIONS[event.Action] or event.Action
  local attributes = event.Actor and event.Actor.Attributes
  if attributes and event.Action == "die" then
    attributes.exitCode = attributes.exitCode or attributes.containerExitCode
  end
end

return docker_words
