local json = require("dockhost.json")
local node_support = require("node_support")

local EVENT = { username = "ada", containerId = "c0ffee", image = "sohampirale/instance", exitCode = 137 }

local node, requests, answers
before_each(function()
  node, requests, answers = node_support.over(), {}, {}
  node.host.web = function(request)
    table.insert(requests, request)
    local status = table.remove(answers, 1) or 200
    if status == "away" then
      return nil, "Couldn't connect to server", "connect"
    end
    return status, {}, ""
  end
end)
after_each(function()
  node:finish()
end)

local function tell()
  local began = node.clock.now()
  assert.is_true(node:hook("container-stopped", EVENT))
  return node.clock.now() - began
end

describe("the webhook", function()
  it("is told once, as JSON", function()
    assert.equal(0, tell())
    assert.equal(1, #requests)
    assert.equal("POST", requests[1].method)
    assert.equal("https://hooks.example.com/dockhost", requests[1].url)
    assert.equal("application/json", requests[1].headers["Content-Type"])
    local told = json.decode(requests[1].body)
    assert.equal("container-stopped", told.event)
    assert.equal("ada", told.username)
    assert.equal("c0ffee", told.containerId)
    assert.equal(137, told.exitCode)
  end)

  it("is tried again, under the same key, when it is away, fails or has too much to do", function()
    answers = { "away", 502, 429, 204 }
    local took = tell()
    assert.equal(4, #requests)
    assert.is_true(took >= 3.5 and took <= 7, took)
    for i = 2, 4 do
      assert.equal(requests[1].headers["Idempotency-Key"], requests[i].headers["Idempotency-Key"])
    end
    assert.same({}, node.log:find("warn"))
  end)

  it("has another key for another event", function()
    tell()
    tell()
    assert.are_not.equal(requests[1].headers["Idempotency-Key"], requests[2].headers["Idempotency-Key"])
  end)

  it("is not asked again when it refuses", function()
    answers = { 400 }
    tell()
    assert.equal(1, #requests)
    assert.equal("HTTP 400", node.log:find("warn", "the webhook was not told")[1].fields.reason)
  end)

  it("is given up in the end, with a word in the log", function()
    answers = { "away", "away", "away", "away", "away", "away" }
    assert.is_true(tell() <= 31)
    assert.equal(6, #requests)
    assert.equal("Couldn't connect to server", node.log:find("warn", "the webhook was not told")[1].fields.reason)
  end)
end)
