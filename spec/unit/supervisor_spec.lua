-- dockhost.supervisor: what systemd is told.
local fake_clock = require("fake_clock")
local fake_log = require("fake_log")
local supervisor = require("dockhost.supervisor")

local SERVER = "wss://main.example"

describe("supervisor", function()
  local clock, log, told, answer, server

  local function new(environ)
    return supervisor.new({
      notify = function(text)
        if answer then
          return table.unpack(answer, 1, 3)
        end
        table.insert(told, text)
        return true
      end,
      timer = clock.timer,
      now = clock.now,
      environ = environ or {},
      pid = "77",
      log = log,
      server = function()
        return server
      end,
    })
  end

  before_each(function()
    clock, log, told, answer, server = fake_clock.new(), fake_log.new(), {}, nil, SERVER
  end)

  it("is ready, with a state", function()
    new():ready()
    assert.same({ "READY=1", "STATUS=not connected to " .. SERVER }, told)
  end)

  it("tells the state when it changes", function()
    local own = new()
    for _, change in ipairs({
      { "connection", { state = "connecting" } },
      { "connection", { state = "connected", event = "accepted" } },
      { "command", { id = 1, event = "list-containers" } },
      { "docker", { up = false, message = "no" } },
      { "docker", { up = true } },
      { "connection", { state = "offline", event = "lost", code = "closed" } },
      { "connection", { state = "waiting" } },
    }) do
      own:observe(table.unpack(change))
    end
    assert.same({
      "STATUS=not connected to " .. SERVER,
      "STATUS=serving " .. SERVER,
      "STATUS=serving " .. SERVER .. "; Docker does not answer",
      "STATUS=serving " .. SERVER,
      "STATUS=not connected to " .. SERVER,
    }, told)
  end)

  it("tells of a refusal until the next attempt ends otherwise, with no word of the server's", function()
    local own = new()
    own:observe("connection", { state = "offline", event = "failed", code = "refused", message = "key eyJh is bad" })
    own:observe("connection", { state = "waiting" })
    own:observe("connection", { state = "connecting" })
    own:observe("connection", { state = "offline", event = "failed", code = "timeout" })
    assert.same({ "STATUS=refused by " .. SERVER .. ", see the log", "STATUS=not connected to " .. SERVER }, told)
  end)

  it("knows of the local mode", function()
    server = nil
    local own = new()
    own:ready()
    own:observe("docker", { up = false })
    assert.same({ "READY=1", "STATUS=local mode", "STATUS=local mode; Docker does not answer" }, told)
  end)

  it("tells when a reload begins, and when it has ended, well or not", function()
    local own = new()
    clock:advance(12.5)
    local began = math.floor(clock.now() * 1e6)
    assert.has_error(function()
      local _ <close> = own:reloading()
      assert.same({ "RELOADING=1\nMONOTONIC_USEC=" .. began }, told)
      error("the reload fails")
    end)
    assert.equal("READY=1", told[2])
    own:stopping()
    assert.equal("STOPPING=1", told[#told])
  end)

  describe("that is a watchdog", function()
    local function pings(environ, seconds)
      local own = new(environ)
      own:ready()
      own:ready()
      told = {}
      clock:advance(seconds)
      return #told, told[1]
    end

    it("hears twice in its time", function()
      local count, text = pings({ WATCHDOG_USEC = "60000000" }, 301)
      assert.equal(10, count)
      assert.equal("WATCHDOG=1", text)
    end)

    it("hears of the process that it watches", function()
      assert.equal(2, (pings({ WATCHDOG_USEC = "60000000", WATCHDOG_PID = "77" }, 61)))
    end)

    it("hears nothing it did not ask for: no timer runs", function()
      for _, environ in ipairs({
        {}, { WATCHDOG_USEC = "0" }, { WATCHDOG_USEC = "soon" }, { WATCHDOG_USEC = "60000000", WATCHDOG_PID = "78" },
      }) do
        assert.equal(0, (pings(environ, 120)))
        assert.is_nil(clock:next_in())
      end
    end)
  end)

  it("is told later, in order, what it did not read", function()
    local own = new()
    answer = { nil, "can't tell the supervisor: busy", "EAGAIN" }
    own:ready()
    own:stopping()
    assert.same({}, told)
    answer = nil
    clock:advance(0.6)
    assert.same({ "READY=1", "STATUS=not connected to " .. SERVER, "STOPPING=1" }, told)
    assert.is_nil(clock:next_in())
    assert.equal(0, #log.records)
  end)

  it("is not told everything where it never reads", function()
    local own = new()
    answer = { nil, "can't tell the supervisor: busy", "EAGAIN" }
    for i = 1, 100 do
      own:tell("STATUS=" .. i)
    end
    clock:advance(60)
    answer = nil
    clock:advance(1)
    assert.equal(16, #told)
    assert.equal("STATUS=100", told[16])
  end)

  it("that is gone is complained of once", function()
    local own = new()
    answer = { nil, "can't tell the supervisor: Connection refused", "ECONNREFUSED" }
    own:ready()
    own:stopping()
    assert.equal(1, #log.records)
    assert.is_nil(clock:next_in())
  end)
end)
