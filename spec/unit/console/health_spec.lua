local health = require("dockhost.console.health")

local node
before_each(function()
  node = { settings = {}, monitor = { up = true }, dispatcher = {} }
end)

local function connection(state, failure)
  node.settings.server = { text = "wss://main.example" }
  node.connection = { status = function()
    return { state = state, failure = failure }
  end }
end

describe("a node is ready", function()
  it("in local mode where Docker answers", function()
    assert.same({ ready = true, docker = "up", server = "local" }, health.of(node))
  end)

  it("where the main server has accepted it too", function()
    connection("connected", nil)
    assert.same({ ready = true, docker = "up", server = "connected" }, health.of(node))
  end)
end)

describe("a node is not ready", function()
  local function reasons(...)
    local of = health.of(node, ...)
    assert.is_false(of.ready)
    return of.reasons
  end

  it("before Docker has answered, and while it does not", function()
    node.monitor = nil
    assert.same({ "Docker has not answered yet" }, reasons())
    node.monitor = {}
    assert.same({ "Docker has not answered yet" }, reasons())
    node.monitor = { up = false }
    assert.same({ "is it running?" }, reasons("is it running?"))
    assert.equal("down", health.of(node).docker)
  end)

  it("before the main server has accepted it, and after it was lost", function()
    connection("connecting")
    assert.same({ "the main server at wss://main.example has not accepted this node yet" }, reasons())
    connection("waiting", "the main server refuses this node")
    assert.same({ "the main server refuses this node" }, reasons())
    assert.equal("waiting", health.of(node).server)
  end)

  it("while it shuts down", function()
    node.dispatcher.closing = true
    assert.same({ "this node is shutting down" }, reasons())
  end)

  it("for every reason that there is", function()
    node.monitor.up, node.dispatcher.closing = false, true
    connection("waiting", "refused")
    assert.equal(3, #reasons("away"))
  end)
end)
