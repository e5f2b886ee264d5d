local node_support = require("node_support")
local usage = require("dockhost.console.usage")

local MANAGED = { ["dockhost.managed"] = "true" }

local node, subject, list, up, samples
before_each(function()
  node, up, samples = node_support.new(), true, 0
  for _, name in ipairs({ "ada", "bob", "cy" }) do
    node.docker:add({ name = name, labels = MANAGED, state = name == "cy" and "exited" or "running" })
  end
  list = node:run(node.containers.list, node.containers)
  subject = usage.new({
    docker = node.client,
    tasks = node.tasks,
    sleep = node.node.sleep,
    list = function()
      return list
    end,
    when = function()
      return up
    end,
    on_sample = function()
      samples = samples + 1
    end,
  })
end)
after_each(function()
  subject:stop()
  node:finish()
end)

local function asked()
  return #node.docker:asked("GET", "/stats$")
end

local function start()
  subject:start()
  node:settle()
end

describe("the use of containers", function()
  it("is sampled at once, a second later, and then every three", function()
    start()
    assert.equal(1, samples)
    node:advance(1)
    assert.equal(2, samples)
    node:advance(2.9)
    assert.equal(2, samples)
    node:advance(0.1)
    assert.equal(3, samples)
  end)

  it("is sampled at once when a container is new, and then a second later", function()
    start()
    node:advance(1)
    node:advance(0.5)
    assert.same({ 4, 2 }, { asked(), samples })
    node.docker:add({ name = "dan", labels = MANAGED })
    list = node:run(node.containers.list, node.containers)
    subject:look()
    node:settle()
    assert.same({ 7, 3 }, { asked(), samples })
    assert.is_nil(subject.known.dan.cpuPercent)
    subject:look()
    node:settle()
    node:advance(1)
    assert.same({ 10, 4 }, { asked(), samples })
    assert.equal(50, subject.known.dan.cpuPercent)
    node:advance(2.9)
    assert.equal(4, samples)
  end)

  it("is not looked at when nobody watches", function()
    subject:look()
    node:settle()
    assert.equal(0, asked())
  end)

  it("is of those that run; of CPU from the second sample on", function()
    start()
    assert.same({
      ada = { memoryBytes = 4000000, memoryLimit = 536870912 },
      bob = { memoryBytes = 4000000, memoryLimit = 536870912 },
    }, subject.known)
    node:advance(1)
    assert.same({ cpuPercent = 50, memoryBytes = 4000000, memoryLimit = 536870912 }, subject.known.bob)
    assert.equal(4, asked())
  end)

  it("is not asked for twice when it is started twice", function()
    start()
    start()
    assert.equal(2, asked())
  end)

  it("is forgotten when nobody watches, and nothing is asked any more", function()
    start()
    subject:stop()
    node:settle()
    assert.same({}, subject.known)
    node:advance(60)
    assert.equal(2, asked())
    start()
    assert.is_nil(subject.known.ada.cpuPercent)
  end)

  it("leaves out what can't be told, and goes on", function()
    node.docker:fail("GET", "/stats$", 500, "broken")
    start()
    assert.is_nil(subject.known.ada)
    assert.truthy(subject.known.bob)
    subject:look()
    node:settle()
    assert.equal(2, asked())
    node:advance(1)
    assert.truthy(subject.known.ada)
  end)

  it("is not asked for while Docker is away", function()
    up = false
    start()
    node:advance(10)
    assert.same({ 0, 0 }, { asked(), samples })
    up = true
    node:advance(3)
    assert.is_true(asked() > 0)
  end)

  it("is none where the list is not known yet", function()
    list = nil
    start()
    assert.same({}, subject.known)
    assert.equal(1, samples)
  end)

  it("is asked for at most four at once", function()
    for i = 1, 10 do
      node.docker:add({ name = "user" .. i, labels = MANAGED })
    end
    list = node:run(node.containers.list, node.containers)
    subject:start()
    assert.equal(4, asked())
    node:settle()
    assert.equal(12, asked())
  end)
end)
