local json = require("dockhost.json")
local node_support = require("node_support")

local MANAGED = { ["dockhost.managed"] = "true" }

local node, container
before_each(function()
  node = node_support.new()
  container = node.docker:add({ name = "ada", image = node_support.IMAGE, labels = MANAGED })
end)
after_each(function()
  node:finish()
end)

local function logs(payload, options)
  payload = payload or {}
  payload.username = payload.username or "ada"
  return node:call("container-logs", payload, options)
end

local function numbered(n)
  for i = 1, n do
    container.log[i] = "line " .. i
  end
end

describe("container-logs", function()
  it("gives the lines of both streams in order", function()
    container.log = { "one", { "stderr", "two" }, "", "three" }
    assert.same({ "one", "two", "", "three" }, logs().data.lines)
  end)

  it("keeps empty lines at the end too", function()
    container.log = { "one", "", "" }
    assert.same({ "one", "", "" }, logs().data.lines)
  end)

  it("takes the carriage returns of a terminal off", function()
    container.tty, container.log = true, { "one\r", "two\r" }
    assert.same({ "one", "two" }, logs().data.lines)
  end)

  it("gives 100 lines unless asked for more or fewer", function()
    numbered(150)
    local lines = logs().data.lines
    assert.equal(100, #lines)
    assert.equal("line 150", lines[100])
    assert.same({ "line 150" }, logs({ tail = 1 }).data.lines)
    assert.equal(150, #logs({ tail = 10000 }).data.lines)
  end)

  it("says how many lines there are", function()
    numbered(2)
    assert.equal("2 lines", logs().message)
    assert.equal("1 line", logs({ tail = 1 }).message)
  end)

  it("has an empty list for a container that said nothing", function()
    assert.equal('{"data":{"lines":[]},"message":"0 lines","success":true}', json.encode(logs()))
    numbered(1)
    assert.equal("[]", json.encode(logs({ tail = 0 }).data.lines))
  end)

  for _, tail in ipairs({ -1, 10001, 1.5, "all" }) do
    it("refuses a tail of " .. tail, function()
      local reply = logs({ tail = tail })
      assert.is_false(reply.success)
      assert.matches("tail", reply.message)
      assert.equal(0, #node.docker:asked("GET", "/logs$"))
    end)
  end

  it("drops the oldest lines where they are too much for one reply", function()
    numbered(100)
    local reply = logs({}, { limit = 500 })
    assert.is_true(reply.success)
    local lines = reply.data.lines
    assert.equal("line 100", lines[#lines])
    assert.is_true(#lines > 5)
    assert.is_true(#json.encode(reply) <= 500)
    assert.equal("line " .. 100 - #lines + 1, lines[1])
  end)

  it("has none left where the last line alone is too much", function()
    container.log = { "short", ("x"):rep(1000) }
    local reply = logs({}, { limit = 500 })
    assert.is_true(reply.success)
    assert.equal("[]", json.encode(reply.data.lines))
  end)

  it("works by containerId, stopped containers included", function()
    numbered(1)
    container.state, container.live = "exited", {}
    assert.same({ "line 1" }, node:call("container-logs", { containerId = container.id }).data.lines)
  end)

  it("says who has no container", function()
    assert.equal("this user has no container", logs({ username = "bob" }).message)
  end)

  it("never shows a foreign container's", function()
    local foreign = node.docker:add({ name = "postgres" })
    foreign.log = { "secret" }
    assert.is_false(logs({ username = "postgres" }).success)
    assert.is_false(node:call("container-logs", { containerId = foreign.id }).success)
  end)

  it("carries the daemon's own message", function()
    node.docker:fail("GET", "/logs$", 500, "configured logging driver does not support reading")
    assert.equal("configured logging driver does not support reading", logs().message)
  end)
end)
