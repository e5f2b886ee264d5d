local claiming = require("dockhost.cli.claiming")
local fake_host = require("fake_host")
local fake_log = require("fake_log")
local key = require("dockhost.key")
local observers = require("dockhost.observers")

local SERVER = "wss://main.example"

local app, host
before_each(function()
  host = fake_host.new()
  local log = fake_log.new()
  app = { host = host, log = log }
  app.node = { observers = observers.new(log), connection = {}, settings = { server = { text = SERVER } } }
  claiming.start(app)
end)

local function accepted(value)
  app.node.connection.key = value
  app.node.observers:tell("connection", { state = "connected", event = "accepted" })
end

local function claims(value)
  return host.claim.is_taken(key.claim(value, SERVER))
end

describe("the key that serves", function()
  it("is claimed once it is accepted", function()
    app.node.connection.key = "first-key"
    app.node.observers:tell("connection", { state = "connecting" })
    assert.is_false(claims("first-key"))
    accepted("first-key")
    accepted("first-key")
    assert.is_true(claims("first-key"))
    assert.same({}, app.log.records)
  end)

  it("is let go for another one", function()
    accepted("first-key")
    accepted("second-key")
    assert.is_false(claims("first-key"))
    assert.is_true(claims("second-key"))
  end)

  it("of another node is warned about, and claimed when that has gone", function()
    local other = host.claim.take(key.claim("first-key", SERVER))
    accepted("first-key")
    assert.equal(1, #app.log:find("warn", "serves with the same key"))
    other.close()
    accepted("first-key")
    assert.is_true(claims("first-key"))
    assert.equal(1, #app.log:find("warn", ""))
  end)
end)
