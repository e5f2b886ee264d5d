local console_support = require("console_support")
local node_support = require("node_support")

local MANAGED = { ["dockhost.managed"] = "true" }
local KEY = node_support.KEY

local console
before_each(function()
  console = console_support.new({ commands = {
    odd = { run = function(params)
      return params.data, "odd", params.status
    end, params = { status = "integer?", data = "any?" } },
    large = { run = function()
      return { text = ("x"):rep(5 * 1024 * 1024) }
    end },
  } })
end)
after_each(function()
  console:finish()
end)

describe("a command", function()
  it("goes through the dispatcher, and its reply is the answer", function()
    local exchange = console:command("create-container", { username = "ada", sshPublicKey = KEY })
    assert.same({ 200, "application/json" }, { exchange.status, exchange.headers["content-type"] })
    local reply = console:json(exchange)
    assert.is_true(reply.success)
    assert.equal(1024, reply.data.ports.ssh)
    assert.same({ "ada" }, console.docker:names())
    exchange = console:command("create-container", { username = "ada", sshPublicKey = KEY })
    assert.equal(409, exchange.status)
    assert.is_false(console:json(exchange).success)
  end)

  it("of the deployed dialect has its own status", function()
    local exchange = console:command("start_container",
      { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 })
    assert.same({ 201, 3100 }, { exchange.status, console:json(exchange).PORT_NO })
    exchange = console:command("check_if_container_exists", { USERNAME = "ada" })
    assert.same({ 200, "true\n" }, { exchange.status, exchange.text })
    assert.equal(404, console:command("stop_container", { USERNAME = "bob" }).status)
  end)

  it("that is unknown, or has wrong parameters, is a failure", function()
    local exchange = console:command("dance", {})
    assert.same({ 404, "unknown command: dance" }, { exchange.status, console:json(exchange).message })
    assert.equal(400, console:command("create-container", { username = "connect", sshPublicKey = KEY }).status)
    assert.equal(400, console:command("create-container", "[]").status)
    assert.equal(400, console:command("create-container", "null").status)
  end)

  it("without a payload has none", function()
    assert.equal(200, console:command("list-containers", "").status)
  end)

  it("while Docker is away is a 503", function()
    console.docker:down()
    assert.equal(503, console:command("list-containers", {}).status)
    console.docker:up()
    console.node:advance(5)
  end)

  it("is answered with a status that HTTP has, with a body", function()
    for _, case in ipairs({ { 204, 200 }, { 304, 200 }, { 202, 202 }, { 200, 200 } }) do
      assert.equal(case[2], console:command("odd", { status = case[1], data = { x = 1 } }).status)
    end
    assert.equal(418, console:command("odd", { status = 418 }).status)
    assert.equal(500, console:command("odd", { status = 99 }).status)
  end)

  it("whose reply is too large is a failure", function()
    local exchange = console:command("large", {})
    assert.same({ 500, false }, { exchange.status, console:json(exchange).success })
  end)

  for _, kind in ipairs({ "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "" }) do
    it("is refused as '" .. kind .. "', which pages of other sites may send", function()
      local exchange = console:command("list-containers", "{}", { ["content-type"] = kind })
      assert.same({ 415, false }, { exchange.status, console:json(exchange).success })
    end)
  end

  for _, body in ipairs({ "{", "username=ada", '{"a":}', "\0" }) do
    it("is refused where its payload is not JSON: " .. ("%q"):format(body), function()
      local exchange = console:command("list-containers", body)
      assert.equal(400, exchange.status)
      assert.matches("not JSON", console:json(exchange).message)
    end)
  end

  it("goes on when who asked has gone", function()
    local exchange = console.server:ask("POST", "/api/commands/create-container", {
      authorization = "Bearer " .. console_support.TOKEN,
      ["content-type"] = "application/json",
    }, '{"username":"ada","sshPublicKey":"' .. KEY .. '"}')
    exchange:leave()
    console.node:settle()
    assert.is_nil(exchange.status)
    assert.same({ "ada" }, console.docker:names())
  end)

  it("is told as the console's", function()
    console:command("list-containers", {})
    local commands = console:json(console:get("/api/state")).commands
    assert.same({ "list-containers", "console", 200 }, { commands[1].event, commands[1].source, commands[1].status })
  end)
end)

describe("the containers", function()
  it("are listed as the command does", function()
    assert.equal('{"containers":[]}\n', console:get("/api/containers").text)
    console.docker:add({ name = "ada", labels = MANAGED, ports = { ["22/tcp"] = 3100 } })
    console.docker:add({ name = "postgres" })
    local list = console:json(console:get("/api/containers")).containers
    assert.equal(1, #list)
    assert.same({ "ada", "running", { ssh = 3100 } }, { list[1].username, list[1].state, list[1].ports })
    assert.same(list, console:json(console:command("list-containers", {})).data.containers)
  end)

  it("are a 503 while Docker is away", function()
    console.docker:down()
    local exchange = console:get("/api/containers")
    assert.same({ 503, false }, { exchange.status, console:json(exchange).success })
    console.docker:up()
    console.node:advance(5)
  end)
end)

describe("the state", function()
  it("has all that is shown", function()
    console.docker:add({ name = "ada", labels = MANAGED, ports = { ["22/tcp"] = 3100 } })
    local state = console:json(console:get("/api/state"))
    assert.equal("0.0.0", state.version)
    assert.same({ "10.0.0.5", { "/scripts" } }, { state.node.sshHost, state.node.scripts })
    assert.same({ state = "local", attempt = 0, reconnects = 0 }, state.connection)
    assert.same({ true, "20.10.24", "1.41", "unix:///var/run/docker.sock" },
      { state.docker.up, state.docker.version, state.docker.apiVersion, state.docker.address })
    assert.same({ node_support.IMAGE, "present" }, { state.docker.image.name, state.docker.image.state })
    assert.same({ used = 1, most = 50 }, state.capacity)
    assert.equal("ada", state.containers[1].username)
    assert.same({}, state.commands)
    assert.matches("the console is at", state.log[1].message)
  end)

  it("does not wait long for a Docker that hangs", function()
    local release = console.docker:hang("GET", "^/containers/json$")
    local exchange = console:get("/api/state")
    assert.is_nil(exchange.status)
    console.node:advance(1.5)
    assert.equal(200, exchange.status)
    release()
    console.node:settle()
  end)
end)
