local console_support = require("console_support")
local json = require("dockhost.json")
local node_support = require("node_support")

local MANAGED = { ["dockhost.managed"] = "true" }
local KEY = node_support.KEY

local console
before_each(function()
  console = console_support.new()
end)
after_each(function()
  console:finish()
end)

local function watch()
  local exchange = console:get("/api/events")
  assert.equal(200, exchange.status)
  return exchange
end

-- What came since the last call, but for debug lines: { { name, value }, … }
local function news(exchange)
  local found = {}
  for i, event in ipairs(exchange:events()) do
    local value = json.decode(event[2])
    if i > (exchange.seen or 0) and value.level ~= "debug" then
      table.insert(found, { event[1], value })
    end
  end
  exchange.seen = #exchange:events()
  return found
end

-- The last value of that name among events.
local function last(events, name)
  local value
  for _, event in ipairs(events) do
    if event[1] == name then
      value = event[2]
    end
  end
  return value
end

describe("who watches", function()
  it("gets the whole state first", function()
    console.docker:add({ name = "ada", labels = MANAGED })
    local exchange = watch()
    assert.matches("^text/event%-stream", exchange.headers["content-type"])
    assert.matches("^retry: 2000\n\nevent: state\n", exchange.text)
    local events = news(exchange)
    assert.equal("state", events[1][1])
    assert.equal("ada", events[1][2].containers[1].username)
  end)

  it("sees what another process does to containers, once for many events", function()
    local exchange = watch()
    news(exchange)
    local asked = #console.docker:asked("GET", "^/containers/json$")
    console.node:run(function()
      console.node.client:container_create("ada", { Image = node_support.IMAGE, Labels = MANAGED })
      console.node.client:container_start("ada")
    end)
    console.node:advance(0.2)
    local events = news(exchange)
    assert.same({ used = 1, most = 50 }, last(events, "capacity"))
    assert.equal("running", last(events, "containers")[1].state)
    -- The feed's, and the sweep's.
    assert.is_true(#console.docker:asked("GET", "^/containers/json$") - asked <= 2)
    console.node:run(function()
      console.node.client:container_remove("ada")
    end)
    console.node:advance(0.2)
    events = news(exchange)
    assert.same({}, last(events, "containers"))
    assert.equal(0, last(events, "capacity").used)
  end)

  it("sees commands begin and end, and the lines of the log", function()
    local exchange = watch()
    news(exchange)
    console:command("create-container", { username = "ada", sshPublicKey = KEY })
    local events = news(exchange)
    assert.equal("command", events[1][1])
    assert.same({ "create-container", "ada", json.null }, { events[1][2].event, events[1][2].user, events[1][2].ms })
    local ended = last(events, "command")
    assert.same({ events[1][2].id, 200, true }, { ended.id, ended.status, ended.success })
    assert.equal("create-container", last(events, "log").message)
  end)

  it("sees Docker go and come back, and then what has changed meanwhile", function()
    local exchange = watch()
    news(exchange)
    console.docker:down()
    console.node:advance(0.2)
    local docker = last(news(exchange), "docker")
    assert.is_false(docker.up)
    assert.matches("Docker does not answer", docker.failure)
    console.docker:up()
    console.docker:add({ name = "ada", labels = MANAGED })
    console.node:advance(5)
    local events = news(exchange)
    assert.is_true(last(events, "docker").up)
    assert.equal("ada", last(events, "containers")[1].username)
  end)

  it("sees the connection's state", function()
    local exchange = watch()
    news(exchange)
    console.node.settings.server = { text = "wss://main.example" }
    local status = { state = "connected", since = 5, attempt = 0, key_expires = 9 }
    console.node.node.connection = {
      status = function()
        return status
      end,
      link = { socket = { latency = function()
        return 0.00123
      end } },
    }
    for _ = 1, 3 do
      console.node.node.observers:tell("connection", { state = "connected", event = "accepted" })
    end
    local connection = last(news(exchange), "connection")
    assert.same({ "connected", "wss://main.example", 5, 1.2, 9, 2 }, { connection.state, connection.server,
      connection.since, connection.latencyMs, connection.keyExpiresAt, connection.reconnects })
    status = { state = "offline", since = 6, attempt = 1 }
    local lost_at = console.node.clock.time()
    console.node.node.observers:tell("connection", { state = "offline", event = "lost" })
    console.node:advance(0.5)
    status = { state = "waiting", since = 6, attempt = 2, next_try = 8, failure = "refused" }
    console.node.node.observers:tell("connection", { state = "waiting" })
    connection = last(news(exchange), "connection")
    assert.equal(lost_at, connection.since)
    assert.same({ "waiting", json.null, 2, 8, "refused" }, { connection.state, connection.latencyMs,
      connection.attempt, connection.nextTryAt, connection.failure })
    console.node.settings.server = nil
  end)

  it("sees an image pulled, and that the pull failed", function()
    local exchange = watch()
    news(exchange)
    local observers = console.node.node.observers
    observers:tell("pull", { image = node_support.IMAGE, current = 5, total = 10 })
    observers:tell("pull", { image = node_support.IMAGE, current = 6, total = 10 })
    observers:tell("pull", { image = "other", current = 1, total = 2 })
    console.node:advance(0.2)
    local events = news(exchange)
    local image = last(events, "docker").image
    assert.same({ "pulling", 6, 10 }, { image.state, image.current, image.total })
    observers:tell("pull", { image = node_support.IMAGE, ended = true, message = "no such image" })
    console.node:advance(0.2)
    image = last(news(exchange), "docker").image
    assert.same({ "missing", "no such image" }, { image.state, image.failure })
    observers:tell("pull", { image = node_support.IMAGE, ended = true })
    console.node:advance(0.2)
    assert.equal("present", last(news(exchange), "docker").image.state)
  end)

  it("sees new settings and scripts", function()
    local exchange = watch()
    news(exchange)
    console.node.settings.max_containers = 7
    console.node.scripts.commands.new = {}
    console.node:run(console.subject.serve, console.subject)
    local events = news(exchange)
    assert.equal(7, last(events, "capacity").most)
    local before = last(events, "node").commands
    console.node.scripts.commands.new = nil
    console.node.node.observers:tell("scripts", { loaded = true })
    assert.equal(before - 1, last(news(exchange), "node").commands)
  end)

  it("sees what the running containers use", function()
    console.docker:add({ name = "ada", labels = MANAGED })
    console.docker:add({ name = "bob", labels = MANAGED, state = "exited" })
    local exchange = watch()
    local first = last(news(exchange), "usage")
    assert.same({ ada = { memoryBytes = 4000000, memoryLimit = 536870912 } }, first)
    console.node:advance(1)
    assert.equal(50, last(news(exchange), "usage").ada.cpuPercent)
    console.node:advance(3)
    assert.equal(1, #news(exchange))
    local state = console:json(console:get("/api/state"))
    assert.same({ 50, 4000000 }, { state.containers[1].cpuPercent, state.containers[1].memoryBytes })
    assert.is_nil(state.containers[2].memoryBytes)
  end)

  it("sees in time what Docker has no event for", function()
    local exchange = watch()
    news(exchange)
    console.docker.images = {}
    console.node:advance(40)
    assert.equal("missing", last(news(exchange), "docker").image.state)
    exchange:leave()
  end)

  it("is not asked to believe that containers use nothing while Docker is away", function()
    local exchange = watch()
    console.docker:down()
    console.node:advance(0.1)
    news(exchange)
    console.node:advance(0.3)
    assert.is_nil(last(news(exchange), "usage"))
    console.docker:up()
    console.node:advance(5)
  end)
end)

describe("with nobody watching", function()
  it("nothing is asked of Docker and no timer runs", function()
    console.docker:add({ name = "ada", labels = MANAGED })
    local exchange = watch()
    console.node:advance(4)
    exchange:leave()
    console.node:settle()
    local asked, timers = #console.docker.calls, console.node.clock:count()
    assert.equal(0, timers)
    console.node:run(function()
      console.node.client:container_stop("ada", {})
    end)
    console.node:advance(60)
    assert.equal(asked + 1, #console.docker.calls)
    assert.equal(0, console.node.clock:count())
  end)

  it("the state is fresh for the next who watches", function()
    watch():leave()
    console.docker:add({ name = "ada", labels = MANAGED })
    assert.equal("ada", news(watch())[1][2].containers[1].username)
  end)

  it("commands, log lines and pulls are remembered for those who look later", function()
    console.node.node.observers:tell("pull", { image = node_support.IMAGE, current = 5, total = 10 })
    console.node.node.observers:tell("command", { id = 7, event = "list-containers", began = 1 })
    console.log:warn("something")
    local state = console:json(console:get("/api/state"))
    assert.equal("pulling", state.docker.image.state)
    assert.equal(7, state.commands[1].id)
    local warnings = {}
    for _, line in ipairs(state.log) do
      table.insert(warnings, line.level == "warn" and line.message or nil)
    end
    assert.same({ "something" }, warnings)
  end)
end)

describe("a stream", function()
  it("is kept alive", function()
    local exchange = watch()
    console.node:advance(24)
    assert.is_nil(exchange.text:find("\n:\n\n", 1, true))
    console.node:advance(2)
    assert.truthy(exchange.text:find("\n:\n\n", 1, true))
  end)

  it("whose reader does not keep up is dropped, and the others go on", function()
    local slow, quick = watch(), watch()
    slow.full = true
    console.log:warn("something")
    assert.is_true(slow.dropped)
    assert.equal("something", last(news(quick), "log").message)
    console.log:warn("more")
    assert.equal("more", last(news(quick), "log").message)
  end)

  it("is one of 16 at most", function()
    local open = {}
    for i = 1, 16 do
      open[i] = watch()
    end
    local refused = console:get("/api/events")
    assert.same({ 503, false }, { refused.status, console:json(refused).success })
    open[3]:leave()
    watch()
  end)

  it("that ends before the state is known costs nothing", function()
    local release = console.docker:hang("GET", "^/containers/json$")
    local exchange = console.server:ask("GET", "/api/events", { authorization = "Bearer " .. console_support.TOKEN })
    console.node:settle()
    exchange:leave()
    release()
    console.node:settle()
    assert.equal("", exchange.text)
  end)

  it("begins with what is known where Docker hangs, and goes on when it answers", function()
    local release = console.docker:hang("GET", "^/containers/json$")
    console.docker:add({ name = "ada", labels = MANAGED })
    local exchange = watch()
    assert.same({}, news(exchange))
    console.node:advance(1.5)
    assert.same({}, news(exchange)[1][2].containers)
    release()
    console.node:settle()
    assert.equal("ada", last(news(exchange), "containers")[1].username)
  end)

  it("ends with the console", function()
    local exchange = watch()
    console.subject:close()
    assert.is_true(exchange.dropped)
  end)
end)
