local connection = require("dockhost.connection")
local fake_clock = require("fake_clock")
local fake_log = require("fake_log")
local fake_resolver = require("fake_resolver")
local fake_websocket = require("fake_websocket")
local json = require("dockhost.json")
local task = require("dockhost.task")

local clock, websocket, resolver, tasks, log, settings, link, requests, delays, idle, files
before_each(function()
  clock, websocket, tasks, log = fake_clock.new(), fake_websocket.new(), task.new({}), fake_log.new()
  resolver = fake_resolver.new({ ["main.example"] = { "192.0.2.1" } })
  clock.settle = function()
    websocket:confirm()
    resolver:turn()
  end
  settings = {
    server = { host = "main.example", port = 443, tls = true, namespace = "/", text = "wss://main.example" },
    api_key = "the-key",
  }
  requests, delays, idle, files = {}, {}, true, {}
end)

-- Everything is closed at the end of a node's life, whatever happened in it.
after_each(function()
  link:stop(function() end)
  for _, socket in ipairs(websocket.sockets) do
    socket:drop()
  end
  resolver:turn()
  clock:assert_idle()
  websocket:assert_closed()
end)

-- `delay`: what the policy says. `read`: how the file of the key is read.
local function start(delay, read)
  local waiters = {}
  link = connection.new({
    websocket = websocket,
    resolver = resolver,
    timer = clock.timer,
    tasks = tasks,
    now = clock.now,
    time = clock.time,
    log = log,
    settings = function()
      return settings
    end,
    read = read or function(path)
      return files[path], path .. ": No such file or directory"
    end,
    lan_address = function()
      return "10.0.0.5"
    end,
    policy = function(attempt, reason)
      table.insert(delays, { attempt, reason })
      return delay or 10
    end,
    dispatch = function(request)
      table.insert(requests, request)
    end,
    when_idle = function(fn)
      table.insert(waiters, fn)
      if idle then
        table.remove(waiters)()
      end
    end,
  })
  link:start()
  resolver:turn()
  return waiters
end

local function last()
  return websocket:last()
end

-- A reply is answered as the dispatcher does it.
local function answer(request, value)
  request.answer(value, "ada", value)
end

describe("the status", function()
  it("tells since when it is connected, or is not, whatever is tried in between", function()
    start()
    local dialled = link:status().since
    clock:advance(2)
    last():accept()
    local accepted = link:status()
    assert.same({ "connected", dialled + 2, 0 }, { accepted.state, accepted.since, accepted.attempt })
    clock:advance(5)
    last():drop()
    local lost = link:status()
    assert.same({ "waiting", dialled + 7, 1 }, { lost.state, lost.since, lost.attempt })
    assert.equal(clock.time() + 10, lost.next_try)
    clock:advance(10)
    assert.same({ "connecting", dialled + 7 }, { link:status().state, link:status().since })
    last():drop()
    clock:advance(3)
    assert.same({ "waiting", dialled + 7, 2 }, { link:status().state, link:status().since, link:status().attempt })
    assert.matches("can't be reached", link:status().failure)
  end)
end)

describe("dialling", function()
  it("says the key and the address in the local network", function()
    start()
    last():accept()
    assert.same({ DOCKHOST_API_KEY = "the-key", LAN_IP = "10.0.0.5" }, last().auth)
    assert.equal("connected", link.state)
    assert.equal(1, #log:find("info", "accepted by the main server at wss://main.example"))
  end)

  it("goes on after a fault of ours", function()
    local lookup = resolver.lookup
    resolver.lookup = function()
      error("a fault")
    end
    start()
    assert.equal(1, #log:find("error", "a fault"))
    resolver.lookup = lookup
    clock:advance(10)
    last():accept()
    assert.equal("connected", link.state)
  end)

  it("reads the key's file each time", function()
    settings.api_key, settings.api_key_file = nil, "/etc/key"
    files["/etc/key"] = "first\n"
    start()
    last():accept()
    assert.equal("first", last().auth.DOCKHOST_API_KEY)
    files["/etc/key"] = "second\n"
    last():drop()
    clock:advance(10)
    last():accept()
    assert.equal("second", last().auth.DOCKHOST_API_KEY)
  end)

  it("goes on after every kind of end", function()
    start()
    for _, finish in ipairs({
      function(socket)
        socket:drop("Connection refused", "connect")
      end,
      function(socket)
        socket:drop("the server answered HTTP 502", "handshake")
      end,
      function(socket)
        socket:refuse("Invalid DOCKHOST_API_KEY")
      end,
      function(socket)
        socket:accept()
        socket:receive("41")
      end,
      function(socket)
        socket:accept()
        socket:receive("nonsense")
      end,
      function(socket)
        socket:accept()
        socket:drop()
      end,
    }) do
      local count = #websocket.sockets
      finish(last())
      assert.equal("waiting", link.state)
      clock:advance(10)
      assert.equal(count + 1, #websocket.sockets)
    end
    assert.same({ "connect", "handshake", "refused", "server", "protocol", "closed" }, {
      delays[1][2], delays[2][2], delays[3][2], delays[4][2], delays[5][2], delays[6][2],
    })
  end)

  it("goes on when the name can't be resolved", function()
    resolver.names = {}
    start()
    clock:advance(10)
    assert.same({ { 1, "resolve" }, { 2, "resolve" } }, delays)
    resolver.names = { ["main.example"] = { "192.0.2.1" } }
    clock:advance(10)
    last():accept()
    assert.equal("connected", link.state)
  end)

  it("waits as long as the policy says", function()
    start(33)
    last():drop("no", "connect")
    clock:advance(32.9)
    assert.equal(1, #websocket.sockets)
    clock:advance(0.1)
    assert.equal(2, #websocket.sockets)
  end)
end)

describe("a fault of our own", function()
  it("does not end the redialling, and the log has it", function()
    start()
    local policy = link.policy
    link.policy = function()
      error("oops")
    end
    last():drop("Connection refused", "connect")
    assert.matches("oops", log:find("error", "the connection failed")[1].message)
    assert.equal("offline", link.state)
    link.policy = policy
    clock:advance(60)
    assert.equal(2, #websocket.sockets)
    last():accept()
    assert.equal("connected", link.state)
  end)

  it("does not bring it back after a stop", function()
    start()
    link.policy = error
    last():drop("Connection refused", "connect")
    link:stop(function() end)
    clock:advance(60)
    assert.equal(1, #websocket.sockets)
  end)
end)

describe("the number of tries", function()
  local function attempts()
    local numbers = {}
    for i, delay in ipairs(delays) do
      numbers[i] = delay[1]
    end
    return numbers
  end

  it("grows with each failure, short connections included", function()
    start()
    last():drop("no", "connect")
    clock:advance(10)
    last():accept()
    clock:advance(5)
    last():drop()
    clock:advance(10)
    last():drop("no", "connect")
    assert.same({ 1, 2, 3 }, attempts())
  end)

  it("begins again after a minute of stable connection", function()
    start()
    last():drop("no", "connect")
    clock:advance(10)
    last():accept()
    for _ = 1, 3 do
      clock:advance(20)
      last():receive("2")
    end
    last():drop()
    assert.same({ 1, 1 }, attempts())
  end)

  it("is a refused key's own", function()
    start()
    last():drop("no", "connect")
    clock:advance(10)
    last():drop("no", "connect")
    clock:advance(10)
    last():refuse("Invalid DOCKHOST_API_KEY")
    clock:advance(10)
    last():refuse("Invalid DOCKHOST_API_KEY")
    clock:advance(10)
    last():drop("no", "connect")
    assert.same({ 1, 2, 1, 2, 1 }, attempts())
  end)
end)

describe("what a person reads", function()
  local function warnings()
    local messages = {}
    for i, record in ipairs(log:find("warn")) do
      messages[i] = record.message
    end
    return messages
  end

  it("is one line for a server that stays away", function()
    start()
    for _ = 1, 5 do
      last():drop("Connection refused", "connect")
      clock:advance(10)
    end
    assert.same({
      "the main server at wss://main.example can't be reached: Connection refused; next try in 10.0 s",
    }, warnings())
    assert.equal(4, #log:find("debug", "can't be reached"))
  end)

  it("is one more when the reason changes, and again after a connection", function()
    start()
    last():drop("Connection refused", "connect")
    clock:advance(10)
    last():drop("No route to host", "connect")
    clock:advance(10)
    last():accept()
    last():drop()
    clock:advance(10)
    last():drop("No route to host", "connect")
    assert.equal(4, #warnings())
    assert.matches("connection to the main server was lost", warnings()[3])
  end)

  it("is one for each connection that is lost in the same way", function()
    start()
    for _ = 1, 3 do
      last():accept()
      last():drop()
      clock:advance(10)
    end
    assert.equal(3, #warnings())
  end)

  it("says on each refusal what to do", function()
    start()
    for _ = 1, 3 do
      last():refuse("Invalid DOCKHOST_API_KEY")
      clock:advance(10)
    end
    assert.equal(3, #warnings())
    assert.matches("refuses this node: Invalid DOCKHOST_API_KEY: check DOCKHOST_API_KEY", warnings()[3])
  end)

  it("blames the path where the server knows no such namespace", function()
    start()
    last():refuse("Invalid namespace")
    assert.matches("the path in MAIN_SERVER_BACKEND_URL", warnings()[1])
  end)

  it("is about the key's file where that can't be read, in the lane of refused keys", function()
    settings.api_key, settings.api_key_file = nil, "/etc/key"
    start()
    assert.matches("^there is no key: .*/etc/key: No such file", warnings()[1])
    assert.same({ { 1, "refused" } }, delays)
    assert.equal(0, #websocket.sockets)
  end)
end)

describe("a changed key", function()
  it("ends the wait at once, and the tries begin again", function()
    start(900)
    last():refuse("Invalid DOCKHOST_API_KEY")
    settings.api_key = "new-key"
    link:retry()
    resolver:turn()
    last():accept()
    assert.equal("new-key", last().auth.DOCKHOST_API_KEY)
    last():drop()
    assert.equal(1, delays[#delays][1])
  end)

  it("begins the refused key's own tries again", function()
    start(900)
    last():refuse("Invalid DOCKHOST_API_KEY")
    link:retry()
    resolver:turn()
    last():refuse("Invalid DOCKHOST_API_KEY")
    assert.same({ { 1, "refused" }, { 1, "refused" } }, delays)
  end)

  it("does not disturb a connection", function()
    start()
    last():accept()
    link:retry()
    assert.equal("connected", link.state)
    assert.equal(1, #websocket.sockets)
  end)
end)

describe("renewing", function()
  it("leaves the connection and dials at once", function()
    start()
    last():accept()
    settings.api_key = "new-key"
    link:renew()
    assert.same({ "41" }, last():take())
    clock:advance(0)
    assert.equal(2, #websocket.sockets)
    last():accept()
    assert.equal("new-key", last().auth.DOCKHOST_API_KEY)
    assert.same({}, delays)
  end)

  it("keeps a reply that is ready before the old connection's task has seen its end", function()
    start()
    last():accept()
    last():emit(nil, "stop_container", {})
    tasks:spawn(function()
      link:renew()
      answer(requests[1], { success = true })
    end)
    clock:advance(0)
    last():accept()
    assert.same({ '42["ada",{"success":true}]' }, last():take())
    assert.equal(0, #log:find("error", "can't be sent"))
  end)

  it("ends a wait", function()
    start(900)
    last():drop("no", "connect")
    link:renew()
    resolver:turn()
    assert.equal(2, #websocket.sockets)
  end)

  it("while it dials uses the new settings as soon as the old attempt is over", function()
    for _, outcome in ipairs({ "accept", "refuse", "drop" }) do
      start(900)
      settings.api_key = "old-key"
      link:renew()
      settings.api_key = "new-key"
      last()[outcome](last())
      clock:advance(0)
      last():accept()
      assert.equal("new-key", last().auth.DOCKHOST_API_KEY)
      assert.equal("connected", link.state)
      link:stop(function() end)
    end
  end)
end)

describe("an event", function()
  it("is dispatched with its payload, and whether an answer is wanted", function()
    start()
    last():accept()
    last():emit(nil, "greet", { a = 1 })
    last():emit(5, "wave")
    assert.equal("greet", requests[1].event)
    assert.same({ a = 1 }, requests[1].payload)
    assert.is_false(requests[1].acknowledged)
    assert.equal("wave", requests[2].event)
    assert.is_nil(requests[2].payload)
    assert.is_true(requests[2].acknowledged)
  end)

  it("is answered by the acknowledgement where that was asked for", function()
    start()
    last():accept()
    last():emit(5, "greet", {})
    answer(requests[1], { ok = true })
    assert.same({ '435[{"ok":true}]' }, last():take())
  end)

  it("is answered as the user's event otherwise", function()
    start()
    last():accept()
    last():emit(nil, "greet", {})
    answer(requests[1], false)
    assert.same({ '42["ada",false]' }, last():take())
  end)

  it("has room for what it says there is room for, whatever the user is called", function()
    start()
    last():accept({ max_payload = 20000 })
    last():emit(nil, "greet", {})
    local request = requests[1]
    local text = ("\1"):rep((request.room - 2) // 6)
    request.answer(text, ("\2"):rep(1024), text)
    local frame = last():take()[1]
    assert.is_true(#frame <= 20000)
    assert.is_true(#frame > 18000)
  end)

  it("fits as long as the frame is within what the server accepts", function()
    start()
    last():accept({ max_payload = 2000 })
    last():emit(5, "greet", {})
    local request = requests[1]
    assert.is_true(request.fits({ text = ("x"):rep(1000) }, "ada"))
    assert.is_false(request.fits({ text = ("x"):rep(2000) }, "ada"))
    assert.is_false(request.fits({ text = ("x"):rep(1000) }, ("n"):rep(1000)))
    for size = 1, 2000, 50 do
      local value = { text = ("x"):rep(size) }
      if request.fits(value, "ada") then
        answer(request, value)
        assert.is_true(#last():take()[1] <= 2000)
      end
    end
  end)

  it("whose answer is no JSON is told so, whatever its size", function()
    start()
    last():accept()
    last():emit(5, "greet", {})
    local ok, problem = requests[1].fits({ print }, "ada")
    assert.is_false(ok)
    assert.matches("JSON cannot hold a function", problem)
  end)
end)

describe("a reply that is ready without a connection", function()
  local function lose(server)
    start()
    last():accept(server)
    last():emit(5, "greet", {})
    last():drop()
    answer(requests[1], { ok = true })
    clock:advance(10)
  end

  it("is the user's event when the session is recovered: the server has forgotten its callbacks", function()
    lose({ pid = "p1" })
    last():accept({ pid = "p1" })
    assert.same({ '42["ada",{"ok":true}]' }, last():take())
    assert.is_true(log:find("info", "accepted")[2].fields.recovered)
  end)

  it("is the user's event in a new session", function()
    lose({ pid = "p1" })
    last():accept({ pid = "p2" })
    assert.same({ '42["ada",{"ok":true}]' }, last():take())
  end)

  it("is the user's event where the server recovers nothing", function()
    lose()
    last():accept()
    assert.same({ '42["ada",{"ok":true}]' }, last():take())
  end)

  it("is never sent twice", function()
    lose({ pid = "p1" })
    last():accept({ pid = "p1" })
    last():drop()
    clock:advance(10)
    last():accept({ pid = "p1" })
    assert.same({}, last():take())
  end)

  it("is the acknowledgement of the session that asked, not of a later one with the same ids", function()
    start()
    last():accept({ pid = "p1" })
    last():emit(5, "greet", {})
    last():drop()
    clock:advance(10)
    last():accept({ pid = "p2" })
    last():drop()
    clock:advance(10)
    last():accept({ pid = "p2" })
    answer(requests[1], "late")
    assert.same({ '42["ada","late"]' }, last():take())
  end)

  it("is its event's own value there", function()
    start()
    last():accept()
    last():emit(5, "greet", {})
    last():drop()
    requests[1].answer({ success = false }, "command-error", { success = false, command = "greet" })
    clock:advance(10)
    last():accept()
    assert.same({ '42["command-error",{"command":"greet","success":false}]' }, last():take())
  end)

  it("goes nowhere where it can only be an acknowledgement", function()
    start()
    last():accept()
    last():emit(5, "unknown", {})
    last():drop()
    requests[1].answer({ success = false })
    clock:advance(10)
    last():accept()
    assert.same({}, last():take())
    assert.equal(0, #log:find("error"))
  end)

  it("still fits after the heartbeat was lost", function()
    start()
    last():accept()
    last():emit(5, "greet", {})
    clock:advance(45)
    assert.is_true((requests[1].fits({ ok = true }, "ada")))
    answer(requests[1], { ok = true })
    clock:advance(10)
    last():accept()
    assert.same({ '42["ada",{"ok":true}]' }, last():take())
  end)

  it("is kept where the socket takes no more", function()
    start()
    last():accept()
    last():emit(nil, "greet", {})
    last().full = true
    answer(requests[1], "kept")
    clock:advance(10)
    last():accept()
    assert.same({ '42["ada","kept"]' }, last():take())
  end)

  it("comes in order, and the oldest go when there are too many", function()
    start()
    last():accept()
    for i = 1, 300 do
      last():emit(i, "greet", {})
    end
    last():drop()
    for i = 1, 300 do
      answer(requests[i], i)
    end
    clock:advance(10)
    last():accept()
    local frames = last():take()
    assert.equal(256, #frames)
    assert.equal('42["ada",45]', frames[1])
    assert.equal('42["ada",300]', frames[256])
    assert.equal(44, #log:find("warn", "a reply was dropped"))
  end)

  it("is the user's event after a redial of ours, which ends the session", function()
    start()
    last():accept({ pid = "p1" })
    last():emit(5, "greet", {})
    link:renew()
    clock:advance(0)
    last():handshake({})
    assert.is_nil(last().auth.pid)
    answer(requests[1], "late")
    last():receive('40{"sid":"session","pid":"p2"}')
    assert.same({ '42["ada","late"]' }, last():take())
  end)

  it("is sent after several tries to reach the server", function()
    lose({ pid = "p1" })
    last():drop("no", "connect")
    clock:advance(10)
    assert.equal(3, #websocket.sockets)
    last():accept({ pid = "p1" })
    assert.equal("p1", last().auth.pid)
    assert.same({ '42["ada",{"ok":true}]' }, last():take())
  end)
end)

describe("after an unclean loss", function()
  -- The server needs 25 + 20 s to see that the old socket is dead, and there are 5 more to be sure.
  local function lose_and_return()
    local waiters = start(1)
    last():accept()
    clock:advance(30)
    last():receive("2")
    last():drop("the connection was reset", "closed")
    clock:advance(1)
    last():accept()
    return waiters
  end

  local function ping(seconds)
    for _ = 1, seconds // 5 do
      clock:advance(5)
      last():receive("2")
    end
  end

  it("it connects anew, cleanly and once, when the old socket must be dead", function()
    lose_and_return()
    ping(45)
    assert.equal(2, #websocket.sockets)
    local old = last()
    old:take()
    clock:advance(4)
    assert.equal("41", old:take()[1])
    assert.equal(3, #websocket.sockets)
    last():accept()
    ping(120)
    assert.equal(3, #websocket.sockets)
    assert.equal("connected", link.state)
  end)

  it("it counts from the last ping, not from when the silence was noticed", function()
    start(1)
    last():accept()
    clock:advance(10)
    last():receive("2")
    clock:advance(46)
    last():accept()
    last():take()
    clock:advance(3.9)
    assert.same({}, last():take())
    clock:advance(0.1)
    assert.equal(3, #websocket.sockets)
  end)

  it("a connection that was dialled before the old socket's end is cured, however late it is accepted", function()
    start(1)
    last():accept()
    clock:advance(46)
    last():handshake({ ping_interval = 300000 })
    clock:advance(5)
    last():receive('40{"sid":"late"}')
    clock:advance(0)
    assert.equal(3, #websocket.sockets)
    last():accept()
    ping(100)
    assert.equal(3, #websocket.sockets)
  end)

  it("a loss right after the dial does not bring the cure of an older one forward", function()
    start(1)
    last():accept()
    last():drop()
    clock:advance(1)
    last():accept({ ping_interval = 1000, ping_timeout = 1000 })
    last():drop()
    clock:advance(1)
    last():accept()
    ping(40)
    assert.equal(3, #websocket.sockets)
    clock:advance(8)
    assert.equal(4, #websocket.sockets)
  end)

  it("it does so at a moment when no command is in flight", function()
    idle = false
    local waiters = lose_and_return()
    ping(100)
    assert.equal(2, #websocket.sockets)
    assert.equal(1, #waiters)
    waiters[1]()
    clock:advance(0)
    assert.equal(3, #websocket.sockets)
  end)

  it("it waits for that moment a minute at most: the replies of what still runs come in the new session", function()
    idle = false
    local waiters = lose_and_return()
    last():emit(5, "greet", {})
    ping(105)
    assert.equal(2, #websocket.sockets)
    clock:advance(4)
    assert.equal(3, #websocket.sockets)
    answer(requests[1], "late")
    last():accept()
    assert.same({ '42["ada","late"]' }, last():take())
    waiters[1]()
    ping(120)
    assert.equal(3, #websocket.sockets)
  end)

  it("it is cured too where the server may have accepted a handshake whose answer was lost", function()
    start(1)
    last():handshake({})
    clock:advance(20)
    clock:advance(1)
    last():accept()
    ping(25)
    assert.equal(2, #websocket.sockets)
    clock:advance(4)
    assert.equal(3, #websocket.sockets)
  end)

  it("it dials when the server has confirmed the good-bye; where it does not, that too is an unclean loss", function()
    lose_and_return()
    last().deaf = true
    ping(45)
    clock:advance(4)
    assert.equal("41", last().sent[#last().sent])
    clock:advance(2.4)
    assert.equal(2, #websocket.sockets)
    clock:advance(0.1)
    assert.equal(3, #websocket.sockets)
    last():accept()
    -- The second's last ping came 6.5 s ago.
    ping(40)
    assert.equal(3, #websocket.sockets)
    clock:advance(3.5)
    assert.equal(4, #websocket.sockets)
  end)

  it("it forgets the cure of a connection that is gone by then", function()
    idle = false
    local waiters = lose_and_return()
    ping(50)
    last():drop()
    clock:advance(1)
    last():accept()
    waiters[1]()
    assert.equal("connected", link.state)
    assert.same({}, last():take())
  end)

  it("it is cured from the last loss on, when more than one follow", function()
    lose_and_return()
    ping(40)
    last():drop()
    clock:advance(1)
    last():accept()
    ping(45)
    assert.equal(3, #websocket.sockets)
    clock:advance(4)
    assert.equal(4, #websocket.sockets)
  end)

  it("it needs no cure where it comes back later than that", function()
    start(60)
    last():accept()
    last():drop()
    clock:advance(60)
    last():accept()
    ping(120)
    assert.equal(2, #websocket.sockets)
  end)

  for name, finish in pairs({
    ["a refusal"] = function()
      last():refuse("Invalid DOCKHOST_API_KEY")
    end,
    ["the server's own good-bye"] = function()
      last():accept()
      last():receive("41")
    end,
    ["a connection that was never made"] = function()
      last():drop("no", "connect")
    end,
  }) do
    it("is not the same as " .. name .. ": no cure", function()
      start(1)
      finish()
      clock:advance(1)
      last():accept()
      ping(120)
      assert.equal(2, #websocket.sockets)
    end)
  end
end)

describe("a machine that came up a moment ago", function()
  it("is dialled once more when a socket from before its loss of power must be dead", function()
    clock.seconds = 12
    start(1)
    last():accept()
    clock:advance(30)
    last():receive("2")
    clock:advance(7.9)
    assert.equal(1, #websocket.sockets)
    clock:advance(0.1)
    assert.equal(2, #websocket.sockets)
    last():accept()
    clock:advance(30)
    last():receive("2")
    clock:advance(30)
    assert.equal(2, #websocket.sockets)
  end)

  it("needs that no more once such a socket is dead", function()
    clock.seconds = 51
    start(1)
    last():accept()
    clock:advance(30)
    last():receive("2")
    clock:advance(40)
    assert.equal(1, #websocket.sockets)
  end)
end)

describe("a key that expires", function()
  local function key_until(seconds)
    local function encode(text)
      local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
      local bits = text:gsub(".", function(char)
        local digits = {}
        for i = 7, 0, -1 do
          table.insert(digits, char:byte() >> i & 1)
        end
        return table.concat(digits)
      end)
      bits = bits .. ("0"):rep(-#bits % 6)
      return (bits:gsub("%d%d%d%d%d%d", function(group)
        local n = tonumber(group, 2)
        return alphabet:sub(n + 1, n + 1)
      end))
    end
    settings.api_key = "e30." .. encode(json.encode({ exp = math.floor(clock.time() + seconds) })) .. ".sig"
  end

  local DAY = 86400
  local function warned()
    return #log:find("warn", "expires in"), #log:find("error", "expire")
  end

  it("is warned about 7 days and 1 day before, and when it has", function()
    key_until(10 * DAY)
    start()
    last():accept()
    local function wait(days)
      last().state = "open"
      link.link.session.alive_by = nil
      link.link.session.deadline = nil
      link.link:arm()
      clock:advance(days * DAY)
    end
    assert.same({ 0, 0 }, { warned() })
    wait(3.1)
    assert.same({ 1, 0 }, { warned() })
    wait(6)
    assert.same({ 1, 1 }, { warned() })
    wait(1)
    assert.same({ 1, 2 }, { warned() })
    assert.matches("has expired", log:find("error")[2].message)
  end)

  it("is not warned about again with each connection", function()
    key_until(3.5 * DAY)
    start()
    for _ = 1, 5 do
      last():drop("no", "connect")
      clock:advance(10)
    end
    assert.same({ 1, 0 }, { warned() })
  end)

  it("is shown: when", function()
    key_until(3 * DAY)
    start()
    assert.equal(math.floor(clock.time() + 3 * DAY), link.expiry)
  end)

  it("may expire later than any timer can wait", function()
    key_until(1e12)
    start()
    assert.is_true(clock:next_in() < 1e9)
  end)
end)

describe("a script's own event", function()
  it("is sent with all its arguments", function()
    start()
    last():accept()
    assert.is_true((link:emit("progress", { percent = 5 }, nil, "x")))
    assert.same({ '42["progress",{"percent":5},null,"x"]' }, last():take())
  end)

  it("fails without a connection, and is not kept", function()
    start()
    local ok, message = link:emit("progress")
    assert.is_nil(ok)
    assert.equal("not connected to the main server", message)
    last():accept()
    assert.same({}, last():take())
  end)

  for _, name in ipairs({ "connect", "disconnect", "newListener", "" }) do
    it("can't be named " .. name, function()
      start()
      last():accept()
      assert.is_nil((link:emit(name)))
      assert.same({}, last():take())
    end)
  end

  it("fails where it is larger than the server accepts", function()
    start()
    last():accept()
    local ok, message = link:emit("progress", ("x"):rep(1000000))
    assert.is_nil(ok)
    assert.matches("larger than the main server accepts", message)
    assert.same({}, last():take())
  end)

  it("fails where it can't be encoded", function()
    start()
    last():accept()
    local ok, message = link:emit("progress", print)
    assert.is_nil(ok)
    assert.matches("JSON cannot hold", message)
  end)
end)

describe("stopping", function()
  it("says 41, and tells when the peer has it", function()
    local done = 0
    start()
    last():accept()
    link:stop(function()
      done = done + 1
    end)
    assert.same({ "41" }, last():take())
    assert.equal(0, done)
    last():drop()
    assert.equal(1, done)
    clock:advance(100)
    assert.equal(1, #websocket.sockets)
  end)

  for name, prepare in pairs({
    ["it waits"] = function()
      last():drop("no", "connect")
    end,
    ["it dials"] = function() end,
    ["the farewell can't be sent"] = function()
      last():accept()
      last().full = true
    end,
  }) do
    it("is done at once while " .. name, function()
      local done = 0
      start()
      prepare()
      link:stop(function()
        done = done + 1
      end)
      assert.equal(1, done)
      clock:advance(100)
      assert.equal(1, #websocket.sockets)
    end)
  end

  it("is done at once while it resolves the name", function()
    local done = 0
    resolver.turn = function() end
    start()
    link:stop(function()
      done = done + 1
    end)
    assert.equal(1, done)
    assert.is_true(resolver.asked[1].closed)
  end)
end)

describe("replies that were kept", function()
  -- Loses the connection with commands in flight, and answers them.
  local function offline_replies(count, value)
    start()
    last():accept()
    for i = 1, count do
      last():receive('42["stop_container",{"USERNAME":"u' .. i .. '"}]')
    end
    last():drop()
    for i = 1, count do
      requests[i].answer(value, "u" .. i, value)
    end
  end

  local function sent()
    local count = 0
    for _, frame in ipairs(last().sent) do
      count = count + (frame:find("^42") and 1 or 0)
    end
    return count
  end

  it("are sent though one of them can't be, and the cure is planned", function()
    offline_replies(3, { success = true })
    clock:advance(10)
    local socket, first = last(), true
    local send = socket.send
    function socket.send(self, data)
      if data:find("^42") and first then
        first = false
        error("not enough memory", 0)
      end
      return send(self, data)
    end
    socket:accept()
    assert.equal(2, sent())
    assert.is_table(link.cure)
  end)

  it("are sent no faster than the server reads them", function()
    offline_replies(3, { success = true })
    clock:advance(10)
    last().unread = 2 * 1024 * 1024
    last():accept()
    assert.equal(0, sent())
    last().unread = 0
    clock:advance(0.1)
    assert.equal(3, sent())
  end)

  it("wait on when the connection is lost before the server has read", function()
    offline_replies(2, { success = true })
    clock:advance(10)
    last().unread = 2 * 1024 * 1024
    last():accept()
    last():drop()
    clock:advance(10)
    last():accept()
    assert.equal(2, sent())
  end)

  it("are dropped by their bytes, the oldest first, with a word", function()
    offline_replies(5, { success = true, message = ("x"):rep(8 * 1024 * 1024), data = {} })
    local words = 0
    for _, entry in ipairs(log:find("warn")) do
      words = words + (entry.message:find("a reply was dropped", 1, true) and 1 or 0)
    end
    assert.equal(2, words)
  end)
end)

it("a renewal while the key is read dials the new server", function()
  settings.api_key, settings.api_key_file = nil, "/etc/key"
  local finish
  start(nil, function()
    return task.wait(function(done)
      finish = done
    end)
  end)
  resolver.names["new.example"] = { "192.0.2.9" }
  local server = { host = "new.example", port = 443, tls = true, namespace = "/", text = "wss://new.example" }
  settings = { server = server, api_key = "new" }
  link:renew()
  finish("first")
  resolver:turn()
  assert.equal("new.example", last().options.host)
end)
