local console_support = require("console_support")
local json = require("dockhost.json")
local logs = require("dockhost.console.logs")

local MANAGED = { ["dockhost.managed"] = "true" }

describe("lines", function()
  local found, feed
  before_each(function()
    found = {}
    feed = logs.splitter(function(line)
      table.insert(found, line)
    end)
  end)

  it("are put together from pieces, for each stream by itself", function()
    feed("one\ntw", 1)
    feed("error ", 2)
    feed("o\n\n", 1)
    feed("again\r\n", 2)
    feed("rest", 1)
    assert.same({ "one", "two", "", "error again" }, found)
    feed()
    assert.same("rest", found[5])
  end)

  it("are broken where they are very long", function()
    for _ = 1, 100 do
      feed(("x"):rep(1000), 1)
    end
    assert.equal(1, #found)
    assert.is_true(#found[1] > 64 * 1024)
    feed("\n", 1)
    assert.equal(100000, #found[1] + #found[2])
  end)
end)

describe("the log of a container", function()
  local console, container
  before_each(function()
    console = console_support.new()
    container = console.docker:add({ name = "ada", labels = MANAGED })
    container.log = { "one", { "stderr", "two" }, "", "thr\xC3\xA4\xC4" }
  end)
  after_each(function()
    console:finish()
  end)

  -- "name:text" of each event.
  local function events(exchange)
    local found = {}
    for i, event in ipairs(exchange:events()) do
      local value = json.decode(event[2])
      found[i] = event[1] .. ":" .. (type(value) == "table" and value.message or value)
    end
    return found
  end

  it("is streamed, a line an event, to its end", function()
    local exchange = console:get("/api/logs/ada")
    assert.equal(200, exchange.status)
    assert.same({ "line:one", "line:two", "line:", "line:thrä\u{FFFD}", "end:this is all" }, events(exchange))
    assert.is_true(exchange.ended)
    assert.is_nil(exchange.dropped)
  end)

  it("is the last lines where that is asked for", function()
    assert.same({ "line:thrä\u{FFFD}", "end:this is all" }, events(console:get("/api/logs/ada?tail=1")))
    assert.same({ "end:this is all" }, events(console:get("/api/logs/ada?tail=0")))
  end)

  it("is followed until the container stops", function()
    local exchange = console:get("/api/logs/ada?tail=1&follow=1")
    console.docker:say("ada", "four")
    console.node:settle()
    assert.same({ "line:thrä\u{FFFD}", "line:four" }, events(exchange))
    console.node:run(function()
      console.node.client:container_stop("ada", {})
    end)
    console.node:settle()
    assert.equal("end:the container is exited", events(exchange)[3])
    assert.is_true(exchange.ended)
  end)

  it("says that the container is gone", function()
    local exchange = console:get("/api/logs/ada?tail=0&follow=1")
    console.node:run(function()
      console.node.client:container_remove("ada")
    end)
    console.node:settle()
    assert.same({ "end:the container is gone" }, events(exchange))
  end)

  it("says that Docker is away", function()
    local exchange = console:get("/api/logs/ada?tail=0&follow=1")
    console.docker:down()
    console.node:settle()
    assert.matches("end:Docker does not answer", events(exchange)[1])
    console.docker:up()
    console.node:advance(5)
  end)

  it("is not read any more when its reader has gone", function()
    local exchange = console:get("/api/logs/ada?tail=0&follow=1")
    local request = container.followers[1]
    exchange:leave()
    console.node:settle()
    assert.is_true(request.closed)
  end)

  it("waits for a reader that is slow, and drops one that does not read at all", function()
    local exchange = console:get("/api/logs/ada?tail=0&follow=1")
    exchange.full = true
    console.docker:say("ada", "four")
    console.node:advance(5)
    exchange.full = false
    console.node:advance(1)
    assert.same({ "line:four" }, events(exchange))
    exchange.full = true
    console.docker:say("ada", "five")
    console.node:advance(11)
    assert.is_true(exchange.dropped)
    assert.is_true(container.followers[1].closed)
  end)

  it("is of users whose names have other characters", function()
    console.docker:add({ name = "dockhost-x4ac3b6726720452e", labels = MANAGED }).log = { "hi" }
    assert.equal("line:hi", events(console:get("/api/logs/J%C3%B6rg%20E."))[1])
  end)

  for target, status in pairs({
    ["/api/logs/bob"] = 404,
    ["/api/logs/foreign"] = 404,
    ["/api/logs/ada?tail=-1"] = 400,
    ["/api/logs/ada?tail=10001"] = 400,
    ["/api/logs/ada?tail=x"] = 400,
    ["/api/logs/"] = 404,
    ["/api/logs/a%00b"] = 404,
    ["/api/logs/..%2F..%2Finfo"] = 404,
  }) do
    it("is none: " .. target, function()
      console.docker:add({ name = "foreign" }).log = { "secret" }
      local exchange = console:get(target)
      assert.same({ status, false }, { exchange.status, console:json(exchange).success })
    end)
  end

  it("is one of 16 streams at most", function()
    local open = {}
    for i = 1, 16 do
      open[i] = console:get(i % 2 == 0 and "/api/events" or "/api/logs/ada?follow=1")
    end
    assert.equal(503, console:get("/api/logs/ada?follow=1").status)
    assert.equal(503, console:get("/api/events").status)
    open[1]:leave()
    console.node:settle()
    assert.equal(200, console:get("/api/logs/ada?follow=1").status)
  end)
end)
