local monitor = require("dockhost.monitor")
local node_support = require("node_support")
local task = require("dockhost.task")

local IMAGE = node_support.IMAGE
local ME, DEAD, ALIVE, UNSEEN = node_support.IDENTITY, "1:1:1", "1:2:2", "2:1:1"

local node, watch
before_each(function()
  node = node_support.new()
  watch = monitor.new({
    docker = node.client,
    containers = node.containers,
    instances = node.instances,
    tasks = node.tasks,
    timer = node.clock.timer,
    sleep = function(seconds)
      task.wait(function(done)
        local timer = node.clock.timer.start(seconds, done)
        return function()
          timer:close()
        end
      end)
    end,
    time = node.clock.time,
    alive = function(identity)
      return ({ [DEAD] = false, [ALIVE] = true })[identity]
    end,
    identity = ME,
    node = function()
      return node.node.id
    end,
    log = node.log,
  })
end)

-- How often Docker was said to answer.
local function ups()
  return #node.log:find("info", "Docker answers")
end

local function start()
  watch:start()
  node:advance(0)
end

local function made(user, maker, options)
  options = options or {}
  return node.docker:add({
    name = user,
    image = IMAGE,
    state = options.state or "created",
    labels = {
      ["dockhost.managed"] = "true",
      ["dockhost.username"] = user,
      ["dockhost.maker"] = maker,
      ["dockhost.attempt"] = options.attempt or maker and maker .. ":1:1",
      ["dockhost.node"] = options.node,
    },
  })
end

local function docker(method, ...)
  return node:run(node.client[method], node.client, ...)
end

describe("Docker's coming and going", function()
  it("is one line each, however often it is tried", function()
    start()
    assert.equal(1, #node.log:find("info", "Docker answers at unix:///var/run/docker.sock"))
    node.docker:down()
    node:advance(60)
    assert.equal(1, #node.log:find("warn", "Docker does not answer"))
    node.docker:up()
    node:advance(10)
    assert.equal(2, #node.log:find("info", "Docker answers"))
    assert.equal(1, #node.log:find("warn"))
    assert.equal(2, ups())
  end)

  it("is followed again after a fault of ours", function()
    local events = node.client.events
    node.client.events = function()
      error("a fault")
    end
    start()
    assert.equal(1, #node.log:find("error", "a fault"))
    node.client.events = events
    node:advance(5)
    assert.equal(1, #node.log:find("info", "Docker answers"))
  end)

  it("is told too where it is away from the beginning", function()
    node.docker:down()
    start()
    node:advance(60)
    assert.equal(1, #node.log:find("warn", "Docker does not answer"))
    assert.equal(0, #node.log:find("info"))
  end)

  it("is noticed within 5 s of its return", function()
    node.docker:down()
    start()
    node:advance(300)
    node.docker:up()
    node:advance(5)
    assert.equal(1, ups())
  end)

  it("is asked for with growing pauses", function()
    node.docker:down()
    start()
    local before = #node.docker.calls
    node:advance(300)
    assert.is_true(#node.docker.calls - before < 70)
  end)

  it("is followed again 5 s after a fault of our own, which the log has", function()
    local events = node.client.events
    node.client.events = function()
      error("oops")
    end
    start()
    assert.equal(1, #node.log:find("error", "following Docker failed"))
    assert.matches("oops", node.log:find("error")[1].message)
    node.client.events = events
    node:advance(5)
    assert.equal(1, ups())
  end)

  it("is not followed again after such a fault when the monitor is stopped", function()
    node.client.events = error
    start()
    watch:stop()
    node.clock:assert_idle()
  end)

  it("ends with the monitor, which leaves nothing open", function()
    start()
    node:advance(1)
    watch:stop()
    node.clock:assert_idle()
    assert.equal(0, #node.log:find("warn"))
  end)

  it("is asked for soon again after a short return", function()
    node.docker:down()
    start()
    node:advance(300)
    node.docker:up()
    node:advance(5)
    node.docker:down()
    node:settle()
    node.docker:up()
    node:advance(0.5)
    assert.equal(2, ups())
  end)

  it("leaves no sweep behind that was still to come", function()
    start()
    watch:sweep_in(10)
    watch:stop()
    node.clock:assert_idle()
  end)

  it("is not waited for by a monitor that is stopped", function()
    node.docker:down()
    start()
    watch:stop()
    node.clock:assert_idle()
  end)
end)

describe("the stream of events", function()
  local function state()
    return node.containers:last_state("ada")
  end

  it("keeps the last known states fresh", function()
    start()
    local ada = node.docker:add({ name = "ada", image = IMAGE, state = "exited" })
    docker("container_start", ada.id)
    assert.equal("running", state())
    node.docker:exit("ada", 137)
    node:settle()
    assert.equal("exited", state())
    docker("container_start", ada.id)
    docker("container_remove", ada.id)
    assert.is_nil(state())
  end)

  it("says nothing of foreign containers", function()
    start()
    local foreign = node.docker:add({ name = "ada", image = "someone/else", state = "exited" })
    docker("container_start", foreign.id)
    assert.is_nil(state())
  end)

  it("is reopened from the last event, so that nothing between is missed", function()
    start()
    local ada = node.docker:add({ name = "ada", image = IMAGE, state = "exited" })
    docker("container_start", ada.id)
    node.docker:down()
    node:settle()
    node.docker:up()
    docker("container_stop", ada.id)
    -- The list that follows would tell as well: here the events alone are looked at.
    node.docker:fail("GET", "^/containers/json$", 500, "broken")
    node:advance(0.5)
    assert.equal("exited", state())
    local asked = node.docker:asked("GET", "^/events$")
    assert.is_nil(asked[1].query.since)
    assert.matches("^%d+%.%d%d%d%d%d%d%d%d%d$", asked[#asked].query.since)
  end)

  it("of Podman is reopened a microsecond after the last event, since it reads times as floats", function()
    local seen = {}
    watch.docker = {
      address = "unix:///x",
      podman = "4.3.1",
      events = function(_, _, since, on_event)
        table.insert(seen, since or "none")
        on_event({ timeNano = 1999999999 })
        return nil, "over", 503
      end,
    }
    start()
    node:advance(0.5)
    assert.same({ "none", "2.000000999" }, seen)
  end)

  it("of Podman is followed from the ping on, whenever its answer comes", function()
    node.docker.podman = "4.3.1"
    node.docker:add_image(IMAGE)
    start()
    assert.equal(1, ups())
    assert.matches("^%d+%.%d%d%d%d%d%d%d%d%d$", node.docker:asked("GET", "^/events$")[1].query.since)
    local ada = made("ada", ME, { state = "exited" })
    docker("container_start", ada.id)
    assert.equal("running", state())
    docker("container_remove", ada.id)
    assert.is_nil(state())
    assert.equal(1, ups())
  end)

  it("is reopened just after the last event, also across the turn of a second", function()
    local seen = {}
    watch.docker = {
      address = "unix:///x",
      events = function(_, _, since, on_event)
        table.insert(seen, since or "none")
        on_event({ timeNano = 1999999999 })
        return nil, "gone", 503
      end,
    }
    start()
    node:advance(1)
    assert.same({ "none", "2.000000000" }, { seen[1], seen[2] })
  end)

  -- What `since` was at each opening of a stream that brings `event` and then fails with `status`.
  local function sinces(event, status)
    local seen = {}
    watch.docker = {
      address = "unix:///x",
      events = function(_, _, since, on_event)
        table.insert(seen, since or "none")
        on_event(#seen == 1 and event or {})
        return nil, "gone", status
      end,
    }
    start()
    node:advance(1)
    return { seen[1], seen[2] }
  end

  for name, time in pairs({ ["far ahead"] = math.maxinteger, ["before all time"] = -1 }) do
    it("is reopened from now after an event with a time " .. name, function()
      assert.same({ "none", "none" }, sinces({ timeNano = time }, 503))
    end)
  end

  it("is reopened from now where Docker does not take the last event's time", function()
    assert.same({ "none", "none" }, sinces({ timeNano = 1999999999 }, 400))
  end)

  it("refreshes all states when it is opened again", function()
    start()
    local ada = node.docker:add({ name = "ada", image = IMAGE })
    node.containers:note("ada", "running")
    node.containers:note("gone", "running")
    node.docker:down()
    node:settle()
    ada.state = "exited"
    node.docker:up()
    node:advance(1)
    assert.equal("exited", state())
    assert.is_nil(node.containers:last_state("gone"))
  end)

  for name, event in pairs({
    ["without an actor"] = { Action = "start", timeNano = 5 },
    ["with an actor that is text"] = { Action = "start", Actor = "x" },
    ["without anything"] = {},
    ["with a name that is a number"] = { Action = "start", Actor = { Attributes = { name = 5, image = IMAGE } } },
  }) do
    it("may bring an event " .. name, function()
      assert.has_no.errors(function()
        watch:note(event)
      end)
    end)
  end
end)

describe("what is half made", function()
  it("is removed at start when its maker is dead", function()
    made("ada", DEAD)
    start()
    assert.same({}, node.docker:names())
    assert.equal("ada", node.log:find("warn", "removed a half-made container")[1].fields.user)
  end)

  it("stays while its maker lives, and is removed within 20 s of that one's death", function()
    made("ada", ALIVE)
    start()
    node:advance(60)
    assert.same({ "ada" }, node.docker:names())
    watch.alive = function()
      return false
    end
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  it("stays for 5 minutes when its maker can't be seen", function()
    made("ada", UNSEEN)
    start()
    node:advance(290)
    assert.same({ "ada" }, node.docker:names())
    node:advance(30)
    assert.same({}, node.docker:names())
  end)

  it("is removed at start when it is of an earlier life of this node that can't be seen", function()
    node.node.id = "mine"
    made("ada", UNSEEN, { node = "mine" })
    made("bob", UNSEEN, { node = "another's" })
    made("eve", UNSEEN)
    start()
    assert.same({ "bob", "eve" }, node.docker:names())
  end)

  it("stays when its maker can't be seen and this process does not hold the state directory either", function()
    made("ada", UNSEEN, { node = "mine" })
    start()
    assert.same({ "ada" }, node.docker:names())
  end)

  it("stays while this process is at work on it", function()
    node.instances.attempts["mine"] = true
    made("ada", ME, { attempt = "mine" })
    start()
    node:advance(60)
    assert.same({ "ada" }, node.docker:names())
    node.instances.attempts["mine"] = nil
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  it("is not looked for after each creation of this process", function()
    start()
    node.instances.attempts["mine"] = true
    docker("container_create", "ada", {
      Image = IMAGE,
      Labels = { ["dockhost.managed"] = "true", ["dockhost.maker"] = ME, ["dockhost.attempt"] = "mine" },
    })
    node:advance(60)
    assert.equal(1, #node.docker:asked("GET", "^/containers/json$"))
  end)

  it("is not what has our label and no maker", function()
    made("ada", nil)
    start()
    assert.same({ "ada" }, node.docker:names())
  end)

  it("is removed when this process has given it up", function()
    made("ada", ME)
    start()
    assert.same({}, node.docker:names())
  end)

  it("is seen when it appears: a creation whose command ended before Docker did", function()
    start()
    node.docker:add_image(IMAGE)
    docker("container_create", "ada", {
      Image = IMAGE,
      Labels = { ["dockhost.managed"] = "true", ["dockhost.maker"] = ME, ["dockhost.attempt"] = "x" },
    })
    assert.same({ "ada" }, node.docker:names())
    node:advance(2)
    assert.same({}, node.docker:names())
  end)

  it("is removed within 20 s of Docker's return", function()
    start()
    node.docker:down()
    node:settle()
    made("ada", DEAD)
    node:advance(100)
    node.docker:up()
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  it("is not what Docker has not removed whole: that is removed as well, whoever made it", function()
    made("ada", ALIVE, { state = "dead" })
    made("bob", nil, { state = "dead" })
    node.docker:add({ name = "carl", image = IMAGE, state = "dead" })
    start()
    assert.same({ "carl" }, node.docker:names())
    assert.equal(2, #node.log:find("warn", "removed a half-deleted container"))
  end)

  it("is looked for again while Docker removes one, which may fail", function()
    local ada = made("ada", DEAD, { state = "removing" })
    start()
    node:advance(60)
    assert.same({ "ada" }, node.docker:names())
    ada.state = "dead"
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  it("is no worry while another hand removes it", function()
    made("ada", DEAD)
    node.docker:fail("DELETE", "", 409, "removal of container ada is already in progress")
    start()
    assert.equal(0, #node.log:find("warn"))
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  for _, state in ipairs({ "running", "exited", "paused" }) do
    it("is not what has been started: " .. state, function()
      made("ada", DEAD, { state = state })
      start()
      assert.same({ "ada" }, node.docker:names())
    end)
  end

  it("is not what a person started since it was listed", function()
    local ada = made("ada", DEAD)
    node.docker:after("GET", "^/containers/json$", function()
      ada.state = "running"
    end)
    start()
    assert.same({ "ada" }, node.docker:names())
  end)

  it("is not what the Node backend made, nor what others made", function()
    node.docker:add({ name = "ada", image = IMAGE, state = "created" })
    node.docker:add({ name = "postgres", state = "created", labels = { ["dockhost.maker"] = DEAD } })
    start()
    assert.same({ "ada", "postgres" }, node.docker:names())
  end)

  it("includes a running container whose creation failed while Docker could not remove it", function()
    made("ada", ME, { state = "running", attempt = "mine" })
    node.instances.leftovers["mine"] = true
    start()
    assert.same({}, node.docker:names())
    assert.is_false(node.instances:is_leftover("mine"))
  end)

  it("is forgotten where nothing of it is there", function()
    node.instances.leftovers["past"] = true
    node.docker:fail("GET", "^/containers/json$", 500, "broken")
    start()
    assert.is_true(node.instances:is_leftover("past"))
    node:advance(20)
    assert.is_false(node.instances:is_leftover("past"))
  end)

  it("is tried again where it could not be removed", function()
    made("ada", DEAD)
    node.docker:fail("DELETE", "", 500, "device or resource busy")
    start()
    assert.same({ "ada" }, node.docker:names())
    assert.equal("device or resource busy", node.log:find("warn")[1].fields.reason)
    node:advance(20)
    assert.same({}, node.docker:names())
  end)

  it("is tried again where it could not be looked at, or listed", function()
    for _, pattern in ipairs({ "^/containers/%x+/json$", "^/containers/json$" }) do
      made("ada", DEAD)
      node.docker:fail("GET", pattern, 500, "broken")
      start()
      assert.same({ "ada" }, node.docker:names())
      node:advance(20)
      assert.same({}, node.docker:names())
      watch:stop()
    end
  end)

  it("is no worry when it is gone by itself", function()
    made("ada", DEAD)
    node.docker:fail("DELETE", "", 404, "No such container")
    start()
    assert.equal(0, #node.log:find("warn"))
  end)

  it("is swept once for all who ask for it", function()
    start()
    watch:sweep_in(1)
    watch:sweep_in(1)
    node:advance(2)
    assert.equal(2, #node.docker:asked("GET", "^/containers/json$"))
  end)

  it("is still watched for after a sweep that failed by itself", function()
    made("ada", DEAD)
    local alive = watch.alive
    watch.alive = error
    start()
    assert.equal(1, #node.log:find("warn", "the sweep for half-made containers failed"))
    watch.alive = alive
    watch:sweep_in(1)
    node:advance(1)
    assert.same({}, node.docker:names())
  end)

  it("is swept as soon as is asked for, though a later sweep is due", function()
    made("ada", ALIVE)
    start()
    made("bob", DEAD)
    watch:sweep_in(1)
    node:advance(1)
    assert.same({ "ada" }, node.docker:names())
    watch:stop()
  end)

  it("is not swept twice at once", function()
    made("ada", DEAD)
    local release = node.docker:hang("GET", "^/containers/json$")
    start()
    watch:sweep_in(0)
    node:advance(0)
    assert.equal(1, #node.docker:asked("GET", "^/containers/json$"))
    release()
    node:advance(2)
    assert.equal(2, #node.docker:asked("GET", "^/containers/json$"))
    assert.same({}, node.docker:names())
  end)
end)
