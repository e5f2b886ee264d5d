local fake_host = require("fake_host")
local fake_log = require("fake_log")
local node = require("dockhost.node")
local node_support = require("node_support")
local script_files = require("script_files")
local task = require("dockhost.task")

local host, log, tasks, subject, settings, errors
after_each(function()
  assert.same({}, errors)
end)
before_each(function()
  host, log, errors = fake_host.new(), fake_log.new(), {}
  tasks = task.new({
    resume = fake_host.resume,
    on_error = function(message)
      table.insert(errors, message)
    end,
  })
  script_files.add(host.files, script_files.shipped, "/s")
  settings = {
    docker = { kind = "unix", path = "/var/run/docker.sock" },
    image = fake_host.IMAGE,
    api_key = "secret",
    port_start = 3000,
    port_end = 4000,
    max_containers = 5,
    pull = "missing",
    memory = 0,
    cpus = 0,
    pids = 0,
  }
  subject = node.new({ host = host, tasks = tasks, log = log, settings = settings, directories = { "/s" } })
end)

local function run(fn)
  local results
  tasks:spawn(fn, function(ok, ...)
    assert(ok, ...)
    results = table.pack(...)
  end)
  host:settle()
  while not results do
    host.clock:advance(assert(host.clock:next_in(), "this waits for nothing and does not end"))
  end
  return table.unpack(results, 1, results.n)
end

local function load_scripts()
  return run(function()
    return subject:load_scripts()
  end)
end

local function call(event, payload)
  return run(function()
    return task.wait(function(done)
      subject.dispatcher:dispatch({
        event = event,
        payload = payload,
        fits = function()
          return true
        end,
        answer = done,
      })
    end)
  end)
end

describe("scripts", function()
  it("are loaded and serve", function()
    local set = load_scripts()
    assert.equal(set, subject.scripts)
    assert.is_true(call("list-containers", {}).success)
  end)

  it("stay the running ones, all of them, when one of the new ones fails", function()
    load_scripts()
    local before = subject.scripts
    host.files["/s/commands/new.lua"] = "return { run = function() return {}, 'new' end }"
    host.files["/s/dialect.lua"] = "return {"
    local ok, problems = load_scripts()
    assert.is_nil(ok)
    assert.matches("^/s/dialect.lua:", problems[1])
    assert.equal(before, subject.scripts)
    assert.is_nil(subject.scripts.commands.new)
  end)

  it("are swapped all at once", function()
    load_scripts()
    host.files["/s/commands/new.lua"] = "return { run = function() return {}, 'new' end }"
    load_scripts()
    assert.equal("new", call("new", {}).message)
  end)

  it("are loaded under the guard, with a second for each file", function()
    local seconds
    host.guard.resume = function(co, limit, ...)
      seconds = limit
      return fake_host.resume(co, ...)
    end
    load_scripts()
    assert.equal(1, seconds)
  end)

  it("do not see the key", function()
    host.files["/s/commands/tell.lua"] = [[return { run = function(_, ctx)
      return { key = ctx.config.api_key or "none", image = ctx.config.image }
    end }]]
    load_scripts()
    assert.same({ key = "none", image = fake_host.IMAGE }, call("tell", {}).data)
  end)

  it("may ask HTTP servers", function()
    host.files["/s/commands/fetch.lua"] = [[return { run = function(_, ctx)
      local answer, why = ctx.http({ url = "http://far/x", method = "POST", body = "b" })
      return answer or { why = why }
    end }]]
    load_scripts()
    assert.same({ why = "there is no network in specs" }, call("fetch", {}).data)
    host.web = function(request)
      return 201, { server = "far" }, request.method .. request.url .. request.body
    end
    assert.same({ status = 201, headers = { server = "far" }, body = "POSThttp://far/xb" }, call("fetch", {}).data)
  end)

  it("may emit events only where there is a connection", function()
    host.files["/s/commands/tell.lua"] = [[return { run = function(_, ctx)
      local ok, why = ctx.emit("progress", 5)
      return { ok = ok or false, why = why }
    end }]]
    load_scripts()
    assert.same({ ok = false, why = "not connected to a main server" }, call("tell", {}).data)
  end)
end)

describe("new settings", function()
  it("count for what comes: capacity, ports, image, what scripts see", function()
    load_scripts()
    local changed = {}
    for name, value in pairs(settings) do
      changed[name] = value
    end
    changed.port_start, changed.max_containers, changed.image = 3500, 1, "other/image"
    host.docker:add_image("other/image")
    subject:use(changed)
    local reply = call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    assert.equal(3500, reply.data.ports.ssh)
    assert.equal("other/image", host.docker:find("ada").image)
    assert.matches("full", call("create-container", { username = "bob", sshPublicKey = node_support.KEY }).message)
  end)
end)

describe("the address in the local network", function()
  it("is a physical interface's", function()
    assert.equal("10.0.0.5", subject:lan_address())
  end)

  it("is what the operator said", function()
    settings.lan_ip = "192.0.2.9"
    assert.equal("192.0.2.9", subject:lan_address())
  end)

  it("is none where the interfaces can't be read", function()
    host.lan.interfaces = function()
      return nil, "netlink: Permission denied", "EPERM"
    end
    assert.is_nil(subject:lan_address())
  end)
end)

describe("the wait before the next try", function()
  before_each(function()
    load_scripts()
  end)

  local function delay_of(fn)
    subject.scripts.reconnect = fn
    return subject:reconnect_delay(3, "closed")
  end

  it("is what reconnect.lua says", function()
    assert.equal(3.5, delay_of(function(attempt, reason)
      return reason == "closed" and attempt + 0.5
    end))
  end)

  for name, fn in pairs({
    ["fails"] = error,
    ["returns nothing"] = function() end,
    ["fails with what can't be told"] = function()
      error(setmetatable({}, { __tostring = error }))
    end,
    ["returns text"] = function()
      return "5"
    end,
    ["returns less than nothing"] = function()
      return -1
    end,
    ["returns no number"] = function()
      return 0 / 0
    end,
    ["returns for ever"] = function()
      return math.huge
    end,
    ["yields"] = function()
      coroutine.yield()
    end,
  }) do
    it("is 10 s where it " .. name .. ", and the log says so", function()
      assert.equal(10, delay_of(fn))
      assert.equal(1, #log:find("error", "reconnect.lua failed"))
    end)
  end
end)

describe("a file", function()
  it("is read by the one who waits for it", function()
    local text, message, code = run(function()
      return subject.read("/no/such", 10)
    end)
    assert.is_nil(text)
    assert.matches("No such file", message)
    assert.equal("ENOENT", code)
  end)

  it("that can't be begun to be read is a failure", function()
    host.file.read = function()
      return nil, "no threads are left", "EAGAIN"
    end
    local read = node.reader(host)
    assert.same({ nil, "no threads are left", "EAGAIN" }, { run(function()
      return read("/x", 10)
    end) })
  end)

  it("whose reader is cancelled is not read any further", function()
    local closed = false
    host.file.read = function()
      return { close = function()
        closed = true
      end }
    end
    local read = node.reader(host)
    tasks:spawn(function()
      read("/x", 10)
    end, function() end):cancel("shutdown")
    assert.is_true(closed)
  end)

  it("whose reader is cancelled is not waited for", function()
    local reading = tasks:spawn(function()
      subject.read("/s/dialect.lua", 1000)
    end, function() end)
    reading:cancel("shutdown")
    host:settle()
    assert.is_true(reading.ended)
  end)
end)

it("what a failed create left behind is the monitor's", function()
  load_scripts()
  subject:start_monitor()
  host.clock:advance(0)
  host.docker:fail("PUT", "/archive$", 500, "broken")
  host.docker:fail("DELETE", "", 500, "busy")
  assert.matches("broken", call("create-container", { username = "ada", sshPublicKey = node_support.KEY }).message)
  assert.same({ "ada" }, host.docker:names())
  host.clock:advance(20)
  assert.same({}, host.docker:names())
  subject.monitor:stop()
  host.clock:assert_idle()
end)

describe("hooks", function()
  before_each(function()
    for _, name in ipairs({ "connected", "disconnected", "container-created", "container-started",
      "container-stopped", "container-deleted" }) do
      host.files["/s/hooks/" .. name .. ".lua"] = [[return function(event, ctx)
        local list = ctx.store:get("heard") or {}
        table.insert(list, { name = ctx.event, event = event })
        ctx.store:set("heard", list)
      end]]
    end
    load_scripts()
  end)

  local function heard()
    return subject.dispatcher.services.store:get("heard") or {}
  end

  it("hear of the connection's coming and going", function()
    settings.server = { host = "main.example", port = 443, tls = true, namespace = "/", text = "wss://main.example" }
    subject:start_connection()
    host.clock:advance(0)
    assert.same({}, heard())
    host.sockets:last():accept()
    host:settle()
    assert.same({ { name = "hooks/connected", event = { server = "wss://main.example", recovered = false } } }, heard())
    host.sockets:last():drop("reset by peer", "network")
    host:settle()
    assert.equal("hooks/disconnected", heard()[2].name)
    assert.equal("wss://main.example", heard()[2].event.server)
    assert.matches("reset by peer", heard()[2].event.reason)
    host.clock:advance(5)
    host.sockets:last():refuse("Invalid DOCKHOST_API_KEY")
    host:settle()
    assert.equal(2, #heard())
  end)

  it("hear of every container of ours, and of no other", function()
    subject:start_monitor()
    host.clock:advance(0)
    local reply = call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    call("stop-container", { username = "ada" })
    call("delete-container", { username = "ada" })
    host.docker:add({ name = "foreign", image = "other" })
    host.clock:advance(1)
    local names = {}
    for _, each in ipairs(heard()) do
      table.insert(names, each.name)
      assert.equal("ada", each.event.username)
      assert.equal(reply.data.containerId, each.event.containerId)
    end
    assert.same({ "hooks/container-created", "hooks/container-started", "hooks/container-stopped",
      "hooks/container-deleted" }, names)
    subject.monitor:stop()
    host.clock:assert_idle()
  end)
end)

describe("a job", function()
  it("runs with the node's parts", function()
    host.files["/s/jobs/count.lua"] = [[return { every = 60, run = function(ctx)
      ctx.log.info("counted", { containers = #ctx.containers:list() })
    end }]]
    load_scripts()
    subject.jobs:use(subject.scripts)
    host.clock:advance(120)
    assert.equal(2, #log:find("info", "counted"))
    assert.equal("script", log:find("info", "counted")[1].name)
    subject.jobs:stop()
    host.clock:assert_idle()
  end)
end)

describe("the store", function()
  it("is one for all scripts, and outlives a reload", function()
    host.files["/s/commands/keep.lua"] = [[return { run = function(_, ctx)
      return { ok = ctx.store:set("x", 5) }
    end }]]
    load_scripts()
    call("keep", {})
    host.files["/s/commands/tell.lua"] = "return { run = function(_, ctx) return { x = ctx.store:get('x') } end }"
    load_scripts()
    assert.equal(5, call("tell", {}).data.x)
  end)
end)
