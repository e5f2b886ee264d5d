local docker_words = require("dockhost.docker_words")

describe("Podman's words", function()
  local states = { configured = "created", initialized = "created", stopping = "running", stopped = "exited" }
  for word, meant in pairs(states) do
    it("for a state become Docker's: " .. word, function()
      assert.equal(meant, docker_words.state(word))
    end)
  end

  local function told(event)
    docker_words.event(event)
    return event
  end

  it("for what happens become Docker's", function()
    assert.same({ Action = "destroy" }, told({ Action = "remove" }))
    assert.same({ Action = "die" }, told({ Action = "died", Actor = nil }))
  end)

  for message, meant in pairs({
    ["container 01 does not exist in database: no such container"] = 404,
    ['creating container storage: the container name "ada" is already in use by 01. You have to remove'] = 409,
    ["network name dockhost already used: network already exists"] = 409,
    ["rootlessport listen tcp 0.0.0.0:3100: bind: address already in use"] = 500,
  }) do
    it("for a failure get Docker's status: " .. message, function()
      assert.equal(meant, docker_words.status(500, message))
    end)
  end

  it("for the exit code become Docker's", function()
    local event = told({ Action = "die", Actor = { Attributes = { containerExitCode = "137" } } })
    assert.equal("137", event.Actor.Attributes.exitCode)
    event = told({ Action = "die", Actor = { Attributes = { exitCode = "1", containerExitCode = "2" } } })
    assert.equal("1", event.Actor.Attributes.exitCode)
    -- It has one of what has not ended, too.
    event = told({ Action = "start", Actor = { Attributes = { containerExitCode = "0" } } })
    assert.is_nil(event.Actor.Attributes.exitCode)
  end)

  it("that are Docker's, too, stay", function()
    for _, word in ipairs({ "created", "running", "paused", "restarting", "removing", "exited", "dead" }) do
      assert.equal(word, docker_words.state(word))
    end
    assert.same({ Action = "start", Actor = { Attributes = { name = "ada" } } },
      told({ Action = "start", Actor = { Attributes = { name = "ada" } } }))
  end)

  it("may lack", function()
    assert.is_nil(docker_words.state(nil))
    assert.same({}, told({}))
    assert.equal(503, docker_words.status(503, "no such container"))
  end)
end)
