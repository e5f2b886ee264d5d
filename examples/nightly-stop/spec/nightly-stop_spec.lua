local node_support = require("node_support")

local HOUR = 3600

local node, container
before_each(function()
  node = node_support.over()
  node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
  container = node.docker:find("ada")
end)
after_each(function()
  node:finish()
end)

local function at(hour)
  local now = os.date("*t", math.floor(node.clock.time()))
  node:advance((hour - now.hour) % 24 * HOUR - now.min * 60)
end

-- Two looks, the second at that hour; `between` is what happens from one to the other.
local function two_looks(hour, between)
  at((hour - 3) % 24)
  assert.is_true(node:job("nightly-stop"))
  if between then
    between()
  end
  at(hour)
  assert.is_true(node:job("nightly-stop"))
end

describe("the nightly stop", function()
  it("stops what was idle since the last look, and keeps it", function()
    two_looks(4)
    assert.equal("exited", container.state)
    assert.equal(1, #node.log:find("info", "stopped: it was idle"))
    assert.is_true(node:call("start-container", { username = "ada" }).success)
  end)

  it("comes by itself", function()
    node:start_jobs()
    node:advance(24 * HOUR)
    assert.equal("exited", container.state)
  end)

  it("spares what works", function()
    two_looks(4, function()
      container.samples = container.samples + 4 * 60 -- each stands for a quarter of a second of CPU time
    end)
    assert.equal("running", container.state)
  end)

  it("spares what is used over the network", function()
    two_looks(4, function()
      container.sent = 1000100
    end)
    assert.equal("running", container.state)
  end)

  it("waits for the night", function()
    two_looks(23)
    two_looks(9)
    assert.equal("running", container.state)
  end)

  it("spares what was started meanwhile: its figures begin anew", function()
    two_looks(4, function()
      node:call("stop-container", { username = "ada" })
      node:advance(HOUR)
      node:call("start-container", { username = "ada" })
    end)
    assert.equal("running", container.state)
  end)

  it("touches nobody else's", function()
    local foreign = node.docker:add({ name = "foreign", image = "postgres" })
    two_looks(4)
    assert.equal("running", foreign.state)
  end)

  it("stops nothing that it could not look at, and counts anew", function()
    two_looks(4, function()
      node.docker:down()
      node:job("nightly-stop")
      node.docker:up()
    end)
    assert.equal("running", container.state)
  end)

  it("goes on past one that can't be stopped", function()
    node:call("create-container", { username = "bob", sshPublicKey = node_support.KEY })
    node.docker:fail("POST", "/stop$", 500, "stuck")
    two_looks(4)
    assert.equal(1, #node.log:find("info", "not stopped: stuck"))
    assert.equal("exited", node.docker:find("bob").state)
  end)
end)
