local fake_clock = require("fake_clock")
local fake_log = require("fake_log")
local fake_resolver = require("fake_resolver")
local fake_websocket = require("fake_websocket")
local link = require("dockhost.link")
local task = require("dockhost.task")

local SERVER = { host = "main.example", port = 443, tls = true, namespace = "/", text = "wss://main.example" }

local clock, websocket, resolver, tasks, connected, events, ended, dialled, running
before_each(function()
  clock, websocket, tasks = fake_clock.new(), fake_websocket.new(), task.new({})
  resolver = fake_resolver.new({ ["main.example"] = { "192.0.2.1" }, ["two.example"] = { "2001:db8::1", "192.0.2.1" } })
  connected, events, ended = {}, {}, nil
end)
after_each(function()
  clock:assert_idle()
  websocket:assert_closed()
end)

local function dial(options)
  options = options or {}
  dialled = link.new({
    websocket = websocket,
    resolver = resolver,
    timer = clock.timer,
    now = clock.now,
    server = options.server or SERVER,
    auth = { DOCKHOST_API_KEY = "key", LAN_IP = "10.0.0.5" },
    pid = options.pid,
    offset = options.offset,
    trace = options.trace,
    on_connected = options.on_connected or function(effect)
      table.insert(connected, effect)
    end,
    on_event = function(effect)
      table.insert(events, effect)
    end,
  })
  running = tasks:spawn(function()
    return dialled:run()
  end, function(ok, result)
    ended = ok and result or { error = result }
  end)
  resolver:turn()
  return websocket:last()
end

describe("dialling", function()
  it("asks for the role, the transport and the server's own name at the address found", function()
    local socket = dial()
    assert.equal("main.example", socket.options.host)
    assert.equal("192.0.2.1", socket.options.address)
    assert.equal(443, socket.options.port)
    assert.is_true(socket.options.tls)
    assert.equal("/socket.io/?role=backend&EIO=4&transport=websocket", socket.options.path)
    assert.equal(4 * 1024 * 1024, socket.options.limit)
    socket:drop("no route", "connect")
  end)

  it("says who we are", function()
    local socket = dial()
    socket:accept()
    assert.same({ DOCKHOST_API_KEY = "key", LAN_IP = "10.0.0.5" }, socket.auth)
    assert.equal(1, #connected)
    socket:drop()
  end)

  it("uses the server's namespace", function()
    local server = { host = "main.example", port = 80, namespace = "/backend", text = "x" }
    local socket = dial({ server = server })
    socket:accept()
    assert.equal("/backend,", socket.namespace)
    assert.equal(1, #connected)
    socket:drop()
  end)

  it("asks to go on with the last session", function()
    local socket = dial({ pid = "p1", offset = "o1" })
    socket:accept({ pid = "p1" })
    assert.equal("p1", socket.auth.pid)
    assert.equal("o1", socket.auth.offset)
    assert.is_true(connected[1].recovered)
    socket:drop()
  end)
end)

describe("an end", function()
  it("by a name that has no address", function()
    dial({ server = { host = "gone.example", port = 80, namespace = "/", text = "x" } })
    assert.same({ code = "resolve", message = "no address is known for gone.example" }, ended)
  end)

  it("by a name that has an empty list of them", function()
    resolver.names["main.example"] = {}
    dial()
    assert.equal("resolve", ended.code)
    assert.is_string(ended.message)
  end)

  it("by a resolver that can't be asked", function()
    resolver.lookup = function()
      return nil, "no threads are left", "resolve"
    end
    dial()
    assert.same({ code = "resolve", message = "no threads are left" }, ended)
  end)

  it("by a connection that fails", function()
    dial():drop("Connection refused", "connect")
    assert.equal("connect", ended.code)
    assert.equal("Connection refused", ended.message)
    assert.is_falsy(ended.connected)
  end)

  it("by a websocket that can't be begun", function()
    websocket.refusal = "out of memory"
    dial()
    assert.equal("out of memory", ended.message)
  end)

  it("by a refusal of the key", function()
    dial():refuse("Invalid DOCKHOST_API_KEY")
    assert.equal("refused", ended.code)
    assert.equal("Invalid DOCKHOST_API_KEY", ended.message)
    assert.is_falsy(ended.connected)
  end)

  it("by a server that does not answer the handshake", function()
    local socket = dial()
    socket:open()
    clock:advance(19)
    assert.is_nil(ended)
    clock:advance(1)
    assert.equal("timeout", ended.code)
  end)

  it("by the loss of the heartbeat, and pings put it off", function()
    local socket = dial()
    socket:accept()
    clock:advance(44)
    socket:receive("2")
    assert.same({ "3" }, socket:take())
    clock:advance(44)
    assert.is_nil(ended)
    clock:advance(1)
    assert.equal("heartbeat", ended.code)
    assert.is_true(ended.connected)
    assert.is_falsy(ended.clean)
  end)

  it("by a malformed frame", function()
    local socket = dial()
    socket:accept()
    socket:receive("42[not json")
    assert.equal("protocol", ended.code)
    assert.is_true(ended.connected)
    socket:drop()
  end)

  it("by a malformed frame comes behind the replies of the same turn", function()
    local socket = dial()
    socket:accept()
    assert.is_true((dialled:send("430[]")))
    socket:receive("42[not json")
    assert.equal("closing", socket.state)
    socket:receive('42["late"]')
    assert.is_nil((dialled:send("431[]")))
    assert.same({ "430[]" }, socket:take())
    assert.same({}, events)
    socket:drop()
    assert.equal("protocol", ended.code)
  end)

  it("by the server's own word is clean", function()
    local socket = dial()
    socket:accept()
    socket:receive("41")
    assert.equal("server", ended.code)
    assert.is_true(ended.clean)
  end)

  it("by the network is not", function()
    local socket = dial()
    socket:accept()
    socket:drop("the connection was reset", "closed")
    assert.same({ code = "closed", message = "the connection was reset", opened = true, connected = true }, ended)
  end)

  it("by a peer that does not read", function()
    local socket = dial()
    socket:accept()
    socket.full = true
    assert.is_nil((dialled:send("42[]")))
    assert.equal("full", ended.code)
    assert.matches("does not read what it is sent", ended.message)
    assert.is_nil((dialled:send("42[]")))
  end)

  it("by cancelling, at each stage", function()
    dial({ server = { host = "main.example", port = 80, namespace = "/", text = "x" } })
    running:cancel("shutdown")
    assert.is_true(task.is_cancelled(ended.error))

    resolver.turn = function() end
    dial()
    running:cancel("shutdown")
    assert.is_true(task.is_cancelled(ended.error))
    assert.is_true(resolver.asked[1].closed)
  end)

  it("by cancelling when it is open", function()
    dial():accept()
    running:cancel("shutdown")
    assert.is_true(task.is_cancelled(ended.error))
  end)
end)

describe("several addresses", function()
  local SERVER_OF_TWO = { host = "two.example", port = 80, namespace = "/", text = "x" }

  it("are tried one after the other", function()
    dial({ server = SERVER_OF_TWO }):drop("Network is unreachable", "connect")
    assert.equal(2, #websocket.sockets)
    assert.equal("192.0.2.1", websocket:last().options.address)
    websocket:last():drop("Connection refused", "connect")
    assert.equal("Connection refused", ended.message)
  end)

  it("work when the first does not: the session on the second is a whole one", function()
    dial({ server = SERVER_OF_TWO }):drop("Network is unreachable", "connect")
    local socket = websocket:last()
    socket:accept()
    assert.equal(1, #connected)
    socket:emit(nil, "hello", { a = 1 })
    assert.equal("hello", events[1].name)
    assert.is_true((dialled:send("42[]")))
    clock:advance(45)
    assert.equal("heartbeat", ended.code)
  end)

  it("are not tried further where the first has answered", function()
    dial({ server = SERVER_OF_TWO }):refuse("Invalid DOCKHOST_API_KEY")
    assert.equal(1, #websocket.sockets)
    assert.equal("refused", ended.code)
  end)
end)

describe("an event", function()
  it("comes with its arguments and its id", function()
    local socket = dial()
    socket:accept()
    socket:emit(7, "greet", { a = 1 }, "x")
    assert.equal("greet", events[1].name)
    assert.equal(7, events[1].id)
    assert.same({ a = 1 }, events[1].args[1])
    socket:drop()
  end)

  it("does not come any more after the end", function()
    local socket = dial({ on_connected = function()
      dialled:leave()
    end })
    socket:accept()
    socket.state = "open"
    socket:emit(nil, "late")
    assert.same({}, events)
    socket:drop()
  end)
end)

it("a trace has each packet's type and size, and never what is in it", function()
  local log = fake_log.new()
  local socket = dial({ trace = log })
  socket:accept()
  socket:emit(5, "greet", { secret = "x" })
  dialled:send('435[{"secret":"x"}]')
  socket:drop()
  local seen = {}
  for i, record in ipairs(log:find("debug")) do
    seen[i] = record.message .. " " .. record.fields.packet
    for _, value in pairs(record.fields) do
      assert.is_nil(tostring(value):find("secret"))
    end
  end
  assert.same({ "received 0", "sent 40", "received 40", "received 42", "sent 43" }, seen)
  assert.equal(#'435[{"secret":"x"}]', log:find("debug")[5].fields.bytes)
end)

describe("leaving", function()
  it("says 41, closes the websocket, and tells when the peer has it", function()
    local gone = 0
    local socket = dial()
    socket:accept()
    assert.is_true(dialled:leave(function()
      gone = gone + 1
    end))
    assert.same({ "41" }, socket:take())
    assert.equal("closing", socket.state)
    assert.is_nil(ended)
    assert.equal(0, gone)
    assert.is_nil(dialled:leave())
    socket:drop("closed", "closed")
    assert.equal(1, gone)
    assert.equal("left", ended.code)
    assert.is_true(ended.clean)
  end)

  it("is not clean where the peer does not confirm it", function()
    local socket = dial()
    socket:accept()
    dialled:leave()
    clock:advance(2.4)
    assert.is_nil(ended)
    clock:advance(0.1)
    assert.equal("left", ended.code)
    assert.is_falsy(ended.clean)
    socket:drop("closed", "closed")
  end)

  it("says 41 too where the server may have accepted, though its word is still on its way", function()
    local socket = dial()
    socket:handshake({})
    assert.is_true(dialled:leave())
    assert.same({ "41" }, socket:take())
    socket:drop()
  end)

  it("is impossible before it is open, and after the end", function()
    local socket = dial()
    assert.is_nil(dialled:leave())
    socket:drop("x", "connect")
    assert.is_nil(dialled:leave())
  end)

  it("is impossible where the farewell can't be sent", function()
    local socket = dial()
    socket:accept()
    socket.full = true
    assert.is_nil(dialled:leave(error))
    assert.equal("full", ended.code)
  end)

  it("works at the very moment of acceptance", function()
    local socket = dial({ on_connected = function()
      dialled:leave()
    end })
    socket:accept()
    assert.same({ "41" }, socket:take())
    socket:drop()
    assert.equal("left", ended.code)
  end)
end)
