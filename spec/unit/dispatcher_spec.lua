local json = require("dockhost.json")
local node_support = require("node_support")
local task = require("dockhost.task")

local KEY = node_support.KEY

local node
after_each(function()
  node:finish()
end)

-- A node whose only interesting commands are those of the spec; they may have any name.
local function with(commands, dialect)
  node = node_support.new({ commands = commands, dialect = dialect })
  return node
end

-- A command that waits until the spec lets it go on.
local function waiting(started)
  return {
    params = { username = "username" },
    run = function(params)
      return task.wait(function(done)
        table.insert(started, { user = params.username, done = done })
      end)
    end,
  }
end

describe("a reply", function()
  it("has exactly success, message and data", function()
    with({ greet = {
      params = { username = "username" },
      run = function(params)
        return { name = params.username }, "hello"
      end,
    } })
    local reply = node:call("greet", { username = "ada" })
    assert.same({ success = true, message = "hello", data = { name = "ada" } }, reply)
  end)

  it("of a failure has the handler's message and details", function()
    with({ greet = {
      run = function()
        return nil, "not now", 409, { why = "busy" }
      end,
    } })
    assert.same({ success = false, message = "not now", data = { why = "busy" } }, node:call("greet", {}))
  end)

  it("names the user as the event that serves where no acknowledgement was asked for", function()
    with({ greet = { run = function()
      return {}, "hello"
    end } })
    for _, field in ipairs({ "username", "USERNAME" }) do
      local sent = node:send("greet", { [field] = "ada" }, { acknowledged = false })
      assert.equal("ada", sent.answers[1].event)
      assert.equal("hello", sent.answers[1].event_value.message)
    end
  end)

  it("takes a null for no name", function()
    with({ greet = { params = { username = "username" }, run = function()
      return {}
    end } })
    local sent = node:send("greet", { username = json.null, USERNAME = "ada" })
    assert.equal("ada", sent.answers[1].event)
    assert.is_true(sent.reply.success)
  end)

  it("reaches a user whose name we refuse under that name", function()
    with({ greet = { params = { username = "username" }, run = error } })
    local name = ("n"):rep(129)
    local sent = node:send("greet", { username = name })
    assert.equal(name, sent.answers[1].event)
    assert.is_false(sent.reply.success)
    assert.matches("128 bytes", sent.reply.message)
  end)

  for what, payload in pairs({
    ["no payload"] = false,
    ["a payload that is text"] = "ada",
    ["no name"] = {},
    ["a reserved name"] = { username = "disconnect" },
    ["an empty name"] = { USERNAME = "" },
    ["a name that is no text"] = { username = { "ada" } },
  }) do
    it("is a command-error with " .. what, function()
      with({ greet = { params = { username = "username" }, run = error } })
      local sent = node:send("greet", payload or nil)
      local answer = sent.answers[1]
      assert.is_false(answer.value.success)
      assert.equal("command-error", answer.event)
      assert.same({
        success = false,
        message = answer.value.message,
        data = {},
        command = "greet",
      }, answer.event_value)
    end)
  end

  it("of a command without a user goes to command-error too, as a success", function()
    with({ ping = { run = function()
      return { pong = true }
    end } })
    assert.same({ success = true, message = "done", data = { pong = true }, command = "ping" },
      node:send("ping", {}).answers[1].event_value)
  end)

  it("says what is wrong with a parameter, with 400", function()
    with({ greet = { params = { age = "integer" }, run = error } }, {
      deployed_greet = {
        command = "greet",
        reply = function(outcome)
          return outcome.status
        end,
      },
    })
    assert.equal("age: must be an integer", node:call("greet", { age = "x" }).message)
    assert.equal(400, node:call("deployed_greet", { age = "x" }))
  end)
end)

describe("who asks", function()
  local heard, statuses

  local function ask(event, payload)
    heard, statuses = {}, {}
    node.node.observers:add(function(topic, value)
      if topic == "command" then
        table.insert(heard, value)
      end
    end)
    node.dispatcher:dispatch({
      event = event,
      payload = payload,
      acknowledged = true,
      source = "console",
      fits = function()
        return true
      end,
      answer = function(_, _, _, status)
        table.insert(statuses, status)
      end,
    })
    node:settle()
  end

  it("gets the status beside the reply, and observers hear who asked", function()
    with({ greet = { params = { username = "username?" }, run = function(params)
      if params.username then
        return nil, "no", 409
      end
      return {}, "yes", 202
    end } })
    ask("greet", {})
    assert.same({ 202 }, statuses)
    assert.same({ "console", "console" }, { heard[1].source, heard[2].source })
    ask("greet", { username = "ada" })
    assert.same({ 409 }, statuses)
    ask("greet", { username = 5 })
    assert.same({ 400 }, statuses)
    ask("dance", {})
    assert.same({ 404 }, statuses)
  end)
end)

describe("an unknown event", function()
  before_each(function()
    with()
  end)

  it("is answered with a failure where an answer was asked for", function()
    assert.same({ success = false, message = "unknown command: no-such", data = {} }, node:call("no-such", {}))
  end)

  it("is ignored otherwise, with a line for who debugs", function()
    node:send("no-such", { username = "ada" }, { acknowledged = false, expected = 0 })
    assert.equal("no-such", node.log:find("debug", "unknown event")[1].fields.event)
    assert.equal(0, #node.log:find("warn"))
  end)
end)

describe("one reply", function()
  local function failing(fn)
    with({ break_it = { params = { username = "username?" }, run = fn } })
    return node:call("break_it", { username = "ada" })
  end

  for name, value in pairs({
    ["text"] = "attempt to index a nil value (secret path)",
    ["a table"] = { "secret" },
    ["nil"] = false,
    ["a function"] = print,
  }) do
    it("comes when the handler raises " .. name .. ", without internals", function()
      local reply = failing(function()
        error(value or nil)
      end)
      assert.is_false(reply.success)
      assert.matches("^internal error; this node's log has the details under command 1$", reply.message)
      assert.same({}, reply.data)
      assert.equal(1, #node.log:find("error", "command 1 (break_it) failed"))
    end)
  end

  it("comes with a traceback in the log", function()
    failing(function()
      error("oops")
    end)
    assert.matches("dispatcher_spec", node.log:find("error")[1].traceback)
  end)

  it("comes when the handler yields by itself", function()
    assert.is_false(failing(function()
      coroutine.yield()
    end).success)
  end)

  it("comes when the handler returns something odd", function()
    local reply = failing(function()
      return 7, {}
    end)
    assert.is_false(reply.success)
    assert.matches("returned a number as its data: return a table, or nil", reply.message)
  end)

  it("comes when what is returned can't be sent", function()
    local reply = failing(function()
      return { callback = print }
    end)
    assert.is_false(reply.success)
    assert.matches("^internal error", reply.message)
    assert.equal(1, #node.log:find("error", "JSON cannot hold a function"))
  end)

  it("comes when the heap is too full for what was returned", function()
    with({ big = { params = { username = "username" }, run = function()
      return { big = true }
    end } })
    local answers = {}
    node.dispatcher:dispatch({
      event = "big",
      payload = { username = "ada" },
      fits = function(value)
        assert(not value.data.big, "not enough memory")
        return true
      end,
      answer = function(value)
        table.insert(answers, value)
      end,
    })
    assert.equal(1, #answers)
    assert.matches("^internal error", answers[1].message)
  end)

  it("is not tried twice, and the next command runs, when the sending fails", function()
    with({ greet = { params = { username = "username" }, run = function()
      return {}
    end } })
    local tries = 0
    node.dispatcher:dispatch({
      event = "greet",
      payload = { username = "ada" },
      fits = function()
        return true
      end,
      answer = function()
        tries = tries + 1
        error("oops")
      end,
    })
    assert.equal(1, tries)
    assert.is_true(node:call("greet", { username = "ada" }).success)
  end)

  it("comes when the dialect's function fails", function()
    with({}, { check_if_container_exists = { reply = function()
      error("oops")
    end } })
    local reply = node:call("check_if_container_exists", { USERNAME = "ada" })
    assert.is_boolean(reply.success)
    assert.equal(1, #node.log:find("error", "the dialect can't shape a reply"))
  end)

  it("comes when a fallback fails", function()
    with({ check = {
      run = function()
        return nil, "away", 503
      end,
      fallback = function()
        error("oops")
      end,
    } })
    assert.equal("away", node:call("check", {}).message)
  end)

  it("comes when an undo step fails, and the other steps are run, the last first", function()
    local undone = {}
    with({ make = { run = function(_, ctx)
      ctx.on_undo(function()
        table.insert(undone, "first")
      end)
      ctx.on_undo(function()
        error("oops")
      end)
      ctx.on_undo(function()
        ctx.sleep(1)
        table.insert(undone, "last")
      end)
      return nil, "failed", 500
    end } })
    assert.equal("failed", node:call("make", {}).message)
    assert.same({ "last", "first" }, undone)
    assert.equal(1, #node.log:find("warn", "an undo step failed"))
  end)

  it("comes when a last step fails", function()
    with({ make = { run = function(_, ctx)
      ctx.on_end(function()
        error("oops")
      end)
      return {}, "made"
    end } })
    assert.equal("made", node:call("make", {}).message)
    assert.equal(1, #node.log:find("warn", "a last step failed"))
  end)

  it("undoes nothing after a success", function()
    with({ make = { run = function(_, ctx)
      ctx.on_undo(error)
      return {}
    end } })
    assert.is_true(node:call("make", {}).success)
  end)
end)

describe("scripts' functions", function()
  it("all run under the guard of a coroutine, where they can be stopped", function()
    local guarded = {}
    local function note(name)
      guarded[name] = select(2, coroutine.running()) == false
    end
    with({
      check = {
        fallback = function()
          note("fallback")
          return { long = ("x"):rep(100) }
        end,
        trim = function(data)
          note("trim")
          return { long = data.long:sub(1, #data.long // 2) }
        end,
        run = function(_, ctx)
          note("run")
          ctx.on_undo(function()
            note("undo")
          end)
          return nil, "away", 503
        end,
      },
    }, {
      check_it = {
        command = "check",
        reply = function(outcome)
          note("reply")
          return outcome.data
        end,
      },
    })
    node:call("check_it", {}, { limit = 40 })
    assert.same({ run = true, undo = true, fallback = true, trim = true, reply = true }, guarded)
  end)

  it("can't hold up the reply by waiting where nothing may wait", function()
    with({}, { check_if_container_exists = { reply = function()
      task.wait(function() end)
    end } })
    node:call("check_if_container_exists", { USERNAME = "ada" })
    assert.matches("own coroutine", node.log:find("error", "the dialect")[1].fields.reason)
    with({}, { check_if_container_exists = { reply = function()
      coroutine.yield()
    end } })
    node:call("check_if_container_exists", { USERNAME = "ada" })
    assert.equal(1, #node.log:find("error", "the dialect"))
  end)
end)

describe("the deadline", function()
  it("answers 504 before 290 s, and undoes what was begun", function()
    local undone = false
    with({ hang = { params = { username = "username" }, run = function(_, ctx)
      ctx.on_undo(function()
        undone = true
      end)
      task.wait(function() end)
    end } }, { hang_it = { command = "hang", reply = function(outcome)
      return outcome.status
    end } })
    local sent = node:send("hang_it", { username = "ada" })
    node:advance(270)
    assert.equal(0, #sent.answers)
    node:advance(20)
    assert.equal(504, sent.reply)
    assert.is_true(undone)
  end)

  it("holds too when the undoing hangs", function()
    with({ hang = { run = function(_, ctx)
      ctx.on_undo(function()
        ctx.sleep(1000)
      end)
      ctx.sleep(1000)
    end } })
    local sent = node:send("hang", {})
    node:advance(290)
    assert.is_false(sent.reply.success)
  end)

  it("holds for who waits in line", function()
    local started = {}
    with({ wait = waiting(started) })
    local first = node:send("wait", { username = "ada" })
    node:advance(100)
    local second = node:send("wait", { username = "ada" })
    node:advance(190)
    assert.matches("did not finish in time", first.reply.message)
    assert.equal(0, #second.answers)
    assert.equal(2, #started)
    node:advance(100)
    assert.matches("did not finish in time", second.reply.message)
  end)

  it("is told to the handler, in seconds since the epoch", function()
    with({ tell = { run = function(_, ctx)
      return { left = ctx.deadline - ctx.time() }
    end } })
    local left = node:call("tell", {}).data.left
    assert.is_true(left > 60 and left < 290)
  end)

  it("lets no late answer through", function()
    local started = {}
    with({ wait = waiting(started) })
    local sent = node:send("wait", { username = "ada" })
    node:advance(290)
    started[1].done({}, "late")
    node:settle()
    assert.equal(1, #sent.answers)
  end)
end)

describe("commands of one user", function()
  local started
  before_each(function()
    started = {}
    with({ wait = waiting(started) })
  end)

  it("run one after the other, in order of arrival", function()
    local sent = {}
    for i = 1, 3 do
      sent[i] = node:send("wait", { username = "ada" })
    end
    assert.equal(1, #started)
    for i = 1, 3 do
      started[i].done({ n = i })
      assert.equal(i, sent[i].reply.data.n)
    end
  end)

  it("do not wait for those of another", function()
    node:send("wait", { username = "ada" })
    node:send("wait", { username = "bob" })
    assert.equal(2, #started)
    started[2].done({})
    started[1].done({})
  end)

  it("are 16 in the queue at most, more are refused with 429", function()
    local sent = {}
    for i = 1, 17 do
      sent[i] = node:send("wait", { username = "ada" })
    end
    local refused = node:send("wait", { username = "ada" })
    assert.is_false(refused.reply.success)
    assert.matches("too many commands are waiting", refused.reply.message)
    for i = 1, 17 do
      assert.equal(0, #sent[i].answers)
      started[i].done({})
    end
    assert.is_true(sent[17].reply.success)
    assert.equal(17, #started)
  end)

  it("wait in line by containerId too", function()
    local ada = node.docker:add({
      name = "ada",
      image = node_support.IMAGE,
      labels = { ["dockhost.managed"] = "true" },
    })
    node:send("wait", { username = "ada" })
    local sent = node:send("stop-container", { containerId = ada.id })
    node:settle()
    assert.equal("running", ada.state)
    started[1].done({})
    node:settle()
    assert.is_true(sent.reply.success)
    assert.equal("ada", sent.answers[1].event)
  end)
end)

describe("commands of many users", function()
  local MOST = 256
  local started, sent

  local function flood(payload)
    started, sent = {}, {}
    local command = waiting(started)
    command.params = { username = "username?" }
    with({
      wait = command,
      check = {
        params = { username = "username" },
        fallback = function()
          return { there = true }
        end,
        run = error,
      },
    }, { wait_for = { command = "wait", reply = function(outcome)
      return outcome.status
    end } })
    for i = 1, MOST do
      sent[i] = node:send("wait", payload(i))
    end
  end

  local function finish()
    for _, wait in ipairs(started) do
      wait.done({})
    end
  end

  for what, payload in pairs({
    ["of users"] = function(i)
      return { username = "user" .. i }
    end,
    ["without a user"] = function()
      return {}
    end,
  }) do
    it("are 256 under way at most, more are refused with 429: " .. what, function()
      flood(payload)
      assert.equal(MOST, #started)
      assert.equal(429, node:call("wait_for", payload(MOST + 1)))
      assert.equal("too many commands are under way on this node", node:call("wait", payload(MOST + 1)).message)
      started[1].done({})
      local later = node:send("wait_for", payload(MOST + 2))
      finish()
      assert.equal(200, later.reply)
      for i = 1, MOST do
        assert.is_true(sent[i].reply.success)
      end
    end)
  end

  it("make a check beyond them fall back", function()
    flood(function(i)
      return { username = "user" .. i }
    end)
    assert.same({ there = true }, node:call("check", { username = "ada" }).data)
    finish()
  end)

  it("count too while they wait in line or are undone", function()
    with({ fail = { params = { username = "username" }, run = function(_, ctx)
      ctx.on_undo(function()
        ctx.sleep(5)
      end)
      return nil, "no luck", 409
    end } })
    for i = 1, MOST do
      node:send("fail", { username = "user" .. i % 128 })
    end
    assert.matches("too many commands are under way", node:call("fail", { username = "ada" }).message)
    node:advance(10)
    assert.equal("no luck", node:call("fail", { username = "ada" }).message)
  end)
end)

it("a containerId that names nothing of ours is 404, before anything runs", function()
  with({ ["delete-container"] = { params = { containerId = "container-id" }, run = error } })
  local foreign = node.docker:add({ name = "postgres" })
  local sent = node:send("delete-container", { containerId = foreign.id })
  node:settle()
  assert.equal("no container has this id", sent.reply.message)
  assert.equal("command-error", sent.answers[1].event)
  assert.same({ "postgres" }, node.docker:names())
end)

describe("a limit", function()
  local started
  before_each(function()
    started = {}
    local command = waiting(started)
    command.limit = 2
    with({ wait = command })
  end)

  it("lets so many work at once, the rest in order", function()
    for _, user in ipairs({ "a1", "b1", "c1", "d1" }) do
      node:send("wait", { username = user })
    end
    assert.equal(2, #started)
    started[2].done({})
    assert.equal("c1", started[3].user)
    started[1].done({})
    assert.equal("d1", started[4].user)
    started[3].done({})
    started[4].done({})
  end)

  it("is the new one after a reload that changed it", function()
    node.scripts.commands.wait.limit = 1
    node:send("wait", { username = "a1" })
    node:send("wait", { username = "b1" })
    assert.equal(1, #started)
    node.scripts.commands.wait.limit = 3
    for _, user in ipairs({ "c1", "d1", "e1", "f1" }) do
      node:send("wait", { username = user })
    end
    assert.equal(4, #started)
    node:advance(290)
    node:advance(290)
    assert.equal(6, #started)
  end)

  it("loses no place to those who fail, are cancelled or reach their deadline", function()
    local sent = {}
    for i = 1, 6 do
      sent[i] = node:send("wait", { username = "user" .. i })
    end
    node:advance(290)
    for i = 1, 6 do
      assert.equal(1, #sent[i].answers)
    end
    local before = #started
    node:send("wait", { username = "late1" })
    node:send("wait", { username = "late2" })
    assert.equal(before + 2, #started)
    started[before + 1].done({})
    started[before + 2].done({})
  end)
end)

describe("overtaking", function()
  local started, undone, undoing
  before_each(function()
    started, undone, undoing = {}, false, nil
    local make = waiting(started)
    local run = make.run
    make.run = function(params, ctx)
      ctx.partial.note = "half"
      ctx.on_undo(function()
        if undoing then
          ctx.sleep(undoing)
        end
        undone = true
      end)
      return run(params)
    end
    with({
      make = make,
      unmake = {
        params = { username = "username" },
        cancels = "make",
        run = function(_, ctx)
          return { cancelled = ctx.cancelled and ctx.cancelled.note or "none", undone = undone }
        end,
      },
    }, { make_it = { command = "make", reply = function(outcome)
      return outcome.status
    end } })
  end)

  it("cancels the command that runs, which answers 409 first and is undone", function()
    local made = node:send("make_it", { username = "ada" })
    undoing = 3
    local unmade = node:send("unmake", { username = "ada" })
    assert.equal(0, #made.answers)
    node:advance(3)
    assert.equal(409, made.reply)
    assert.same({ cancelled = "half", undone = true }, unmade.reply.data)
  end)

  it("cancels those that wait in line as well", function()
    local first = node:send("make_it", { username = "ada" })
    local second = node:send("make_it", { username = "ada" })
    local unmade = node:send("unmake", { username = "ada" })
    assert.equal(409, first.reply)
    assert.equal(409, second.reply)
    assert.is_true(unmade.reply.success)
    assert.equal(1, #started)
  end)

  it("spares those that come after it, and other users'", function()
    local other = node:send("make_it", { username = "bob" })
    node:send("make_it", { username = "ada" })
    node:send("unmake", { username = "ada" })
    local later = node:send("make_it", { username = "ada" })
    assert.equal(0, #other.answers)
    assert.equal(0, #later.answers)
    started[1].done({})
    started[3].done({})
    assert.equal(200, later.reply)
  end)

  it("is nothing where there is nothing to overtake", function()
    assert.same({ cancelled = "none", undone = false }, node:call("unmake", { username = "ada" }).data)
  end)
end)

describe("a check", function()
  local asked
  before_each(function()
    asked = {}
    with({
      check = {
        params = { username = "username" },
        fallback = function(params, ctx)
          table.insert(asked, { params.username, ctx ~= nil and ctx.containers ~= nil })
          return { there = true }
        end,
        run = function(params)
          if params.username == "odd" then
            return nil, "bad", 404
          end
          return nil, "Docker does not answer", 503
        end,
      },
      wait = waiting(asked),
    })
  end)

  it("that could not be made answers its fallback", function()
    local reply = node:call("check", { username = "ada" })
    assert.same({ success = true, message = "Docker does not answer", data = { there = true } }, reply)
    assert.same({ { "ada", true } }, asked)
    local fields = node.log:find("info", "check")[1].fields
    assert.same({ true, 200, "Docker does not answer" }, { fields.assumed, fields.status, fields.message })
  end)

  it("that was made stands", function()
    assert.is_false(node:call("check", { username = "odd" }).success)
    assert.same({}, asked)
  end)

  it("with a wrong parameter is refused", function()
    assert.is_false(node:call("check", { username = "disconnect" }).success)
    assert.same({}, asked)
  end)

  it("falls back, with all that it may ask, when the queue is full", function()
    for _ = 1, 17 do
      node:send("wait", { username = "ada" })
    end
    local sent = node:send("check", { username = "ada" })
    assert.same({ there = true }, sent.reply.data)
    assert.same({ "ada", true }, asked[#asked])
    node:advance(300)
  end)

  it("falls back when the node shuts down", function()
    node.dispatcher:close()
    assert.same({ there = true }, node:call("check", { username = "ada" }).data)
    assert.same({ { "ada", true } }, asked)
  end)
end)

describe("a step of a command's end", function()
  for _, name in ipairs({ "on_end", "on_undo" }) do
    it("must be a function, for " .. name, function()
      with({ careless = { params = { username = "username" }, run = function(_, ctx)
        ctx[name]("not a function")
        return {}
      end } })
      assert.matches("internal error", node:call("careless", { username = "ada" }).message)
    end)
  end
end)

it("a last step that fails with an error that can't be told ends the command all the same", function()
  with({ careless = { params = { username = "username" }, run = function(_, ctx)
    ctx.on_end(function()
      error(setmetatable({}, { __tostring = error }))
    end)
    return {}
  end } })
  assert.is_true(node:call("careless", { username = "ada" }).success)
end)

describe("a reply that takes for ever to write", function()
  it("is an internal error", function()
    with({ nested = { run = function()
      return { text = "x" }
    end } })
    local call = node.tasks.call
    function node.tasks.call(self, fn, ...)
      local value = ...
      if type(value) == "table" and value.data and value.data.text then
        return false, "stopped: it ran 1.0 s without yielding"
      end
      return call(self, fn, ...)
    end
    assert.matches("internal error", node:call("nested", {}).message)
    assert.matches("can't be sent: stopped", node.log:find("error")[1].message)
  end)
end)

describe("a reply that is too large", function()
  it("becomes a small failure", function()
    with({ big = { params = { username = "username" }, run = function()
      return { text = ("x"):rep(1000) }
    end } })
    local sent = node:send("big", { username = "ada" }, { limit = 500 })
    local message = "the reply is larger than the main server accepts"
    assert.same({ success = false, message = message, data = {} }, sent.reply)
    assert.same(sent.reply, sent.answers[1].event_value)
  end)

  it("becomes one too where the message is what is large", function()
    with({ big = { run = function()
      return nil, ("x"):rep(1000), 500
    end } })
    assert.matches("larger than the main server accepts", node:call("big", {}, { limit = 500 }).message)
  end)

  it("becomes one too where nobody can be named, and the log has what was sent", function()
    with({ big = { run = function()
      return { text = ("x"):rep(1000) }
    end } })
    local sent = node:send("big", {}, { limit = 500, acknowledged = false })
    node:settle()
    assert.equal("command-error", sent.answers[1].event)
    assert.same({ success = false, message = "the reply is larger than the main server accepts", data = {},
      command = "big" }, sent.answers[1].event_value)
    assert.equal(500, node.log:find("info", "big")[1].fields.status)
  end)

  local function trimming(trim)
    with({ lines = {
      run = function()
        return { lines = json.array({ "1", "2", "3", "4", "5", "6", "7", "8" }) }
      end,
      trim = trim,
    } })
    return node:call("lines", {}, { limit = 70 })
  end

  it("is trimmed where the command knows how", function()
    local reply = trimming(function(data)
      table.remove(data.lines, 1)
      return data
    end)
    assert.is_true(reply.success)
    assert.equal("8", reply.data.lines[#reply.data.lines])
    assert.is_true(#json.encode(reply) <= 70)
  end)

  for name, trim in pairs({
    ["has nothing left"] = function()
      return nil
    end,
    ["fails"] = function()
      error("oops")
    end,
    ["returns no table"] = function()
      return 7
    end,
    ["never makes it smaller"] = function(data)
      return data
    end,
  }) do
    it("is a failure where the trimming " .. name, function()
      assert.is_false(trimming(trim).success)
    end)
  end
end)

describe("shutting down", function()
  it("refuses what comes, with 503", function()
    with()
    node.dispatcher:close()
    assert.equal("this node is shutting down", node:call("list-containers", {}).message)
  end)

  it("lets what runs finish, and tells when nothing does", function()
    local started, idle = {}, 0
    with({ wait = waiting(started) })
    node:send("wait", { username = "ada" })
    node:send("wait", { username = "bob" })
    node.dispatcher:close()
    node.dispatcher:when_idle(function()
      idle = idle + 1
    end)
    started[1].done({})
    assert.equal(0, idle)
    started[2].done({})
    assert.equal(1, idle)
  end)

  it("cancels and undoes what does not finish", function()
    local undone = false
    with({ hang = { run = function(_, ctx)
      ctx.on_undo(function()
        undone = true
      end)
      task.wait(function() end)
    end } })
    local sent = node:send("hang", {})
    node.dispatcher:cancel_all()
    assert.equal("this node is shutting down", sent.reply.message)
    assert.is_true(undone)
  end)

  it("is told at once where nothing runs", function()
    with()
    local idle = false
    node.dispatcher:when_idle(function()
      idle = true
    end)
    assert.is_true(idle)
  end)

  it("is told after the reply has gone", function()
    local started, order = {}, {}
    with({ wait = waiting(started) })
    local sent = node:send("wait", { username = "ada" })
    node.dispatcher:when_idle(function()
      table.insert(order, #sent.answers)
    end)
    started[1].done({})
    assert.same({ 1 }, order)
  end)
end)

describe("ctx", function()
  it("has what script authors were promised", function()
    local seen
    with({ look = { run = function(_, ctx)
      seen = ctx
      return {}
    end } })
    node:call("look", {})
    assert.equal("look", seen.event)
    assert.same(node.settings, seen.config)
    for _, name in ipairs({ "debug", "info", "warn", "error" }) do
      assert.is_function(seen.log[name])
    end
    for _, name in ipairs({ "sleep", "http", "emit", "on_undo" }) do
      assert.is_function(seen[name])
    end
    assert.is_function(seen.ports.reserve)
    assert.is_function(seen.docker.container_list)
    assert.is_number(seen.deadline)
  end)

  it("tells the event as it came, not the command's name", function()
    local seen
    with({ look = { run = function(_, ctx)
      seen = ctx.event
      return {}
    end } }, { look_at = { command = "look" } })
    node:call("look_at", {})
    assert.equal("look_at", seen)
  end)
end)

describe("scripts that are exchanged while commands run", function()
  it("leave them on the code that they began with", function()
    local started = {}
    with({ wait = waiting(started) }, { wait_for = { command = "wait", reply = function()
      return "old"
    end } })
    local sent = node:send("wait_for", { username = "ada" })
    node:use_scripts({ commands = {}, dialect = {} })
    started[1].done({})
    assert.equal("old", sent.reply)
    assert.is_false(node:call("wait_for", { username = "ada" }).success)
  end)
end)

it("each command is one line in the log, with its user, status and time, and why it failed", function()
  with({ wait = { params = { username = "username" }, run = function(_, ctx)
    ctx.sleep(1.5)
    return nil, "no luck", 409
  end } })
  node:call("wait", { username = "ada", sshPublicKey = KEY })
  local record = node.log:find("info", "wait")[1]
  assert.same({ id = 1, user = "ada", status = 409, ms = 1500, message = "no luck" }, record.fields)
end)

describe("the lines of a command", function()
  -- Those of a level that have that text, each with the id.
  local function assert_marked(id, level, text)
    local lines = node.log:find(level, text)
    assert.is_true(#lines > 0, text)
    for _, line in ipairs(lines) do
      assert.equal(id, line.fields.id, line.message)
    end
  end

  it("have its id: its coming, what it asks Docker, what it logs, its undoing, its fault, its end", function()
    with({
      ask = { run = function(_, ctx)
        ctx.docker:version()
        ctx.on_undo(function()
          ctx.docker:network_inspect("bridge")
          error("no undo")
        end)
        ctx.log.warn("from the script")
        error("oops")
      end },
    })
    node:call("ask", {})
    for level, texts in pairs({
      debug = { "ask came", "undoing what it began", "GET /version", "GET /v1.41/networks/bridge" },
      warn = { "from the script", "an undo step failed" },
      error = { "oops" },
      info = { "ask" },
    }) do
      for _, text in ipairs(texts) do
        assert_marked(1, level, text)
      end
    end
  end)

  it("are told apart where commands run side by side", function()
    with({ ask = { params = { username = "username" }, run = function(params, ctx)
      ctx.sleep(1)
      ctx.docker:network_inspect(params.username)
      return {}
    end } })
    node:send("ask", { username = "ada" })
    node:send("ask", { username = "bob" })
    node:advance(2)
    assert_marked(1, "debug", "/networks/ada")
    assert_marked(2, "debug", "/networks/bob")
  end)
end)
