local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")
local node_support = require("node_support")
local script_files = require("script_files")

local KEY = node_support.KEY

local host, environ
before_each(function()
  environ = {
    HOME = "/root",
    MAIN_SERVER_BACKEND_URL = "wss://main.example",
    DOCKHOST_API_KEY = "the-secret-key",
  }
  host = fake_host.new({ environ = environ })
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

-- Runs the node while `happenings` come to pass, one after the other.
local function run(...)
  host:play({ ... })
  local code, printed = captured.run(cli.main, host, "/share", { "run" })
  assert.equal("", printed.stdout)
  assert.equal("", printed.stderr)
  return code
end

local function socket()
  return host.sockets:last()
end

local function accept()
  socket():accept()
end

local function terminate()
  host:raise("TERM")
end

-- The peer answers the close frame.
local function gone()
  socket():drop()
end

local function create(user)
  return function()
    socket():emit(nil, "start_container", { USERNAME = user, SSH_PUB_KEY = KEY, startingPortNo = 3100 })
  end
end

-- Lets the time go on by itself.
local function wait(seconds)
  return function()
    host.sockets:confirm()
    host.clock:advance(seconds)
  end
end

-- The frames that the client has sent, decoded: the events alone.
local function events()
  local found = {}
  for _, frame in ipairs(socket():take()) do
    if frame:sub(1, 2) == "42" then
      table.insert(found, json.decode(frame:sub(3)))
    end
  end
  return found
end

describe("run", function()
  it("connects, serves and leaves", function()
    local code = run(accept, create("ada"), function()
      local reply = events()[1]
      assert.equal("ada", reply[1])
      assert.same({ 201, 3100 }, { reply[2].status, reply[2].PORT_NO })
      assert.same({ "ada" }, host.docker:names())
      terminate()
      assert.equal("41", socket().sent[#socket().sent])
    end, gone)
    assert.equal(0, code)
    assert.matches("accepted by the main server at wss://main.example", host:logged())
    assert.matches("shutting down", host:logged())
  end)

  it("says who it is, with the address in the local network", function()
    run(accept, function()
      assert.same({ DOCKHOST_API_KEY = "the-secret-key", LAN_IP = "10.0.0.5" }, socket().auth)
    end, terminate, gone)
  end)

  it("has a local mode, where it says how to get work done", function()
    environ.MAIN_SERVER_BACKEND_URL = nil
    local began = host.clock.now()
    assert.equal(0, run(terminate))
    assert.equal(began, host.clock.now())
    assert.matches("local mode.*dockhost call", host:logged())
    assert.equal(0, #host.sockets.sockets)
  end)

  it("exits 78 for scripts that do not load at start", function()
    host.files["/share/lua/container.lua"] = "return 5"
    assert.equal(78, run())
    assert.matches("/share/lua/container.lua: must return a function", host:logged())
    assert.equal(0, #host.sockets.sockets)
  end)

  it("connects whether or not Docker answers", function()
    host.docker:down()
    run(accept, terminate, gone)
    assert.matches("accepted by the main server", host:logged())
    assert.matches("Docker does not answer", host:logged())
  end)

  it("labels what it makes with its state directory, while it holds the lock of that", function()
    local function label()
      return host.docker:find("ada").labels["dockhost.node"]
    end
    run(accept, create("ada"), function()
      assert.equal(fake_host.NODE, label())
    end, terminate, gone)
  end)

  it("does not where another node holds the lock", function()
    host.locked = true
    run(accept, create("ada"), function()
      assert.is_nil(host.docker:find("ada").labels["dockhost.node"])
    end, terminate, gone)
  end)

  it("says where the state directory can't be written to", function()
    host.file.lock = function()
      return { id = function()
        return nil, "No space left on device", "ENOSPC"
      end }
    end
    assert.equal(0, run(accept, terminate, gone))
    assert.matches("the state directory can't be written to: No space left on device", host:logged())
  end)

  it("warns where another node runs with the same state", function()
    host.locked = true
    run(accept, terminate, gone)
    assert.matches("another dockhost runs with the state directory /root/.local/state/dockhost", host:logged())
  end)

  it("runs where there is no place for its state, and says so", function()
    host.file.lock = function()
      return nil, "Read-only file system", "EROFS"
    end
    assert.equal(0, run(accept, terminate, gone))
    assert.matches("the state directory can't be used: Read%-only file system", host:logged())
    host.file.mkdir = function()
      return nil, "/root: Permission denied", "EACCES"
    end
    host.stopped = false
    environ.DOCKHOST_API_KEY = "the-secret-key"
    assert.equal(0, run(accept, terminate, gone))
    assert.matches("Permission denied; DOCKHOST_STATE names another", host:logged())
  end)

  it("runs where changes of the scripts can't be watched, and says what reloads them", function()
    host.watch.start = function()
      return nil, "the user limit on inotify instances was reached", "EMFILE"
    end
    assert.equal(0, run(accept, terminate, gone))
    assert.matches("%(SIGHUP reloads%): the user limit on inotify", host:logged())
  end)

  it("never logs the key, from the settings or from a file", function()
    environ.DOCKHOST_API_KEY, environ.DOCKHOST_API_KEY_FILE = nil, "/etc/key"
    environ.DEBUG = "dockhost:*"
    host.files["/etc/key"] = "the-key-of-the-file\n"
    host.files["/share/lua/commands/tell.lua"] = [[return { run = function(_, ctx)
      ctx.log.info("the-key-of-the-file")
      return {}
    end }]]
    run(accept, function()
      socket():emit(nil, "tell", {})
    end, terminate, gone)
    assert.matches("[redacted]", host:logged(), 1, true)
    assert.is_nil(host:logged():find("the-key-of-the-file", 1, true))
  end)
end)

describe("a signal to end", function()
  it("lets commands finish first", function()
    local release
    assert.equal(0, run(accept, function()
      release = host.docker:hang("POST", "/start$")
      create("ada")()
    end, terminate, function()
      assert.same({}, events())
      release()
    end, function()
      assert.equal(201, events()[1][2].status)
    end, gone))
    assert.same({ "ada" }, host.docker:names())
  end)

  it("cancels and undoes what has not finished after 5 s", function()
    assert.equal(0, run(accept, function()
      host.docker:hang("POST", "/start$")
      create("ada")()
    end, terminate, wait(5), function()
      assert.equal(503, events()[1][2].status)
    end, gone))
    assert.same({}, host.docker:names())
  end)

  it("ends within 10 s whatever hangs", function()
    local began
    assert.equal(0, run(accept, function()
      host.docker:hang("POST", "/start$")
      host.docker:hang("GET", "^/containers/" .. ("%x"):rep(12) .. "%x+/json$")
      create("ada")()
    end, function()
      began = host.clock.now()
      terminate()
    end))
    assert.is_true(host.clock.now() - began <= 10)
  end)

  it("refuses what still comes", function()
    local release
    run(accept, function()
      release = host.docker:hang("POST", "/start$")
      create("ada")()
    end, terminate, create("bob"), function()
      local reply = events()[1]
      assert.same({ "bob", 503 }, { reply[1], reply[2].status })
      release()
    end, gone)
    assert.same({ "ada" }, host.docker:names())
  end)

  it("ends at once when it comes again", function()
    local began
    assert.equal(0, run(accept, function()
      host.docker:hang("POST", "/start$")
      create("ada")()
      began = host.clock.now()
    end, terminate, terminate))
    assert.equal(began, host.clock.now())
    assert.matches("second signal", host:logged())
  end)

  it("ends a node that waits for its server", function()
    assert.equal(0, run(function()
      socket():drop("Connection refused", "connect")
    end, terminate))
  end)
end)

describe("scripts that change", function()
  local function add_command()
    host.files["/share/lua/commands/greet.lua"] = "return { run = function() return {}, 'hello' end }"
  end

  local function greet()
    socket():emit(1, "greet", {})
    host:settle()
    return json.decode(socket():take()[1]:sub(4))[1]
  end

  it("are loaded on SIGHUP, and the connection stays up", function()
    run(accept, function()
      assert.is_false(greet().success)
      add_command()
      host:raise("HUP")
    end, function()
      assert.equal("hello", greet().message)
    end, terminate, gone)
    assert.equal(1, #host.sockets.sockets)
    assert.matches("scripts reloaded", host:logged())
  end)

  it("are loaded once more for what changed while they were being loaded", function()
    run(accept, function()
      host:raise("HUP")
      host:raise("HUP")
      host:raise("HUP")
    end, terminate, gone)
    local _, times = host:logged():gsub("scripts reloaded", "")
    assert.equal(2, times)
  end)

  it("are loaded by themselves, once for many changes", function()
    run(accept, function()
      add_command()
      host:touch("/share/lua/commands/greet.lua")
      host:touch("/share/lua/commands/greet.lua")
      host:touch("/share/lua/dialect.lua")
    end, wait(1), function()
      assert.equal("hello", greet().message)
    end, terminate, gone)
    local _, times = host:logged():gsub("scripts reloaded", "")
    assert.is_true(times <= 2)
  end)

  it("are not loaded for an editor's temporary files", function()
    run(accept, function()
      for _, name in ipairs({ ".greet.lua.swp", "greet.lua~", "4913", ".#greet.lua" }) do
        host:touch("/share/lua/commands/" .. name)
      end
    end, wait(1), terminate, gone)
    assert.is_nil(host:logged():find("scripts reloaded"))
  end)

  it("are loaded when events were lost, and watched further when their directory was exchanged", function()
    run(accept, function()
      add_command()
      host:touch(nil, "/share/lua/commands")
    end, wait(1), function()
      assert.equal("hello", greet().message)
      host.files["/share/lua/commands/greet.lua"] = nil
      host:touch("/share/lua/commands/greet.lua")
    end, wait(1), function()
      assert.is_false(greet().success)
    end, terminate, gone)
  end)

  it("stay as they were when one fails, and the log says file, line and why", function()
    run(accept, function()
      add_command()
      host:raise("HUP")
    end, function()
      host.files["/share/lua/commands/greet.lua"] = "return {\n  run = }"
      host:raise("HUP")
    end, function()
      assert.equal("hello", greet().message)
    end, terminate, gone)
    assert.matches("/share/lua/commands/greet.lua:2: unexpected symbol", host:logged())
    assert.matches("the running ones stay", host:logged())
  end)

  it("finish what they began", function()
    local release
    run(accept, function()
      release = host.docker:hang("POST", "/start$")
      create("ada")()
    end, function()
      host.files["/share/lua/commands/create-container.lua"] = nil
      host.files["/share/lua/dialect.lua"] = "return {}"
      host:raise("HUP")
    end, function()
      release()
    end, function()
      assert.equal(201, events()[1][2].status)
    end, terminate, gone)
  end)
end)

describe("what a reload tells", function()
  -- The line of the one reload after `change`.
  local function told(change)
    host.files["/share/lua/commands/old.lua"] = "return { run = function() end }"
    run(accept, function()
      change()
      host:raise("HUP")
    end, terminate, gone)
    return host:logged():match("scripts reloaded[^\n]*")
  end

  it("is what was added, changed and removed", function()
    assert.equal('scripts reloaded added="commands/greet.lua, jobs/nightly.lua" changed=reconnect.lua ms=0 '
      .. "removed=commands/old.lua", told(function()
      host.files["/share/lua/commands/greet.lua"] = "return { run = function() end }"
      host.files["/share/lua/jobs/nightly.lua"] = "return { every = 60, run = function() end }"
      host.files["/share/lua/reconnect.lua"] = "return function() return 1 end"
      host.files["/share/lua/commands/old.lua"] = nil
    end))
  end)

  it("is that nothing has changed", function()
    assert.equal("scripts reloaded: none has changed", told(function() end))
  end)
end)

describe("jobs", function()
  local turns
  before_each(function()
    turns = 0
    host.web = function(request)
      turns = turns + 1
      return 200, {}, request.url
    end
  end)

  local function job(url, rest)
    host.files["/share/lua/jobs/ping.lua"] = ([[return { every = 10, run = function(ctx)
      ctx.http({ url = %q })
      %s
    end }]]):format(url, rest or "")
  end

  local function reload()
    host:raise("HUP")
  end

  it("have their turns while the node serves, whether or not it is connected", function()
    job("http://far/")
    run(wait(35), function()
      assert.equal(3, turns)
    end, terminate)
  end)

  it("keep their turn over a reload that does not change them", function()
    job("http://far/")
    run(accept, wait(6), reload, wait(5), function()
      assert.equal(1, turns)
    end, terminate, gone)
  end)

  it("start anew where a reload changes them, and stop where it removes them", function()
    job("http://far/1")
    run(accept, wait(6), function()
      job("http://far/2")
      reload()
    end, wait(9), function()
      assert.equal(0, turns)
    end, wait(2), function()
      assert.equal(1, turns)
      host.files["/share/lua/jobs/ping.lua"] = nil
      reload()
    end, wait(60), function()
      assert.equal(1, turns)
    end, terminate, gone)
  end)

  it("end on their own code", function()
    job("http://far/1", 'ctx.sleep(5) ctx.log.info("old code")')
    run(accept, wait(10), function()
      job("http://far/2", 'ctx.log.info("new code")')
      reload()
    end, wait(6), function()
      assert.matches("old code", host:logged())
      assert.is_nil(host:logged():find("new code"))
    end, wait(5), function()
      assert.matches("new code", host:logged())
    end, terminate, gone)
  end)

  it("stop at the shutdown; one that runs is cancelled, and undone before the end", function()
    job("http://far/", [[
      ctx.on_undo(function()
        ctx.sleep(2)
        ctx.log.info("undone")
      end)
      ctx.sleep(60)]])
    local began
    assert.equal(0, run(accept, wait(15), function()
      began = host.clock.now()
      terminate()
    end, wait(2), gone))
    assert.matches("undone", host:logged())
    assert.equal(1, turns)
    assert.is_true(host.clock.now() - began < 9)
  end)

  it("do not keep the node from ending, whatever hangs in one", function()
    job("http://far/", "ctx.on_undo(function() ctx.sleep(3600) end) ctx.sleep(3600)")
    local began
    assert.equal(0, run(accept, wait(15), function()
      began = host.clock.now()
      terminate()
    end))
    assert.is_true(host.clock.now() - began <= 10)
  end)
end)

describe("settings that change", function()
  it("are read on SIGHUP", function()
    run(accept, function()
      environ.DOCKHOST_MAX_CONTAINERS = "0"
      host:raise("HUP")
    end, create("ada"), function()
      assert.equal(503, events()[1][2].status)
    end, terminate, gone)
    assert.equal(1, #host.sockets.sockets)
  end)

  it("stay as they were when they do not stand", function()
    run(accept, function()
      environ.DOCKHOST_MAX_CONTAINERS = "none"
      host:raise("HUP")
    end, create("ada"), function()
      assert.equal(201, events()[1][2].status)
    end, terminate, gone)
    assert.matches("the settings were not reloaded", host:logged())
  end)

  it("make it dial again with a new key, or another server", function()
    host.names.names["other.example"] = { "192.0.2.7" }
    run(accept, function()
      environ.DOCKHOST_API_KEY = "new-key"
      host:raise("HUP")
    end, wait(0), function()
      accept()
      assert.equal("new-key", socket().auth.DOCKHOST_API_KEY)
      environ.MAIN_SERVER_BACKEND_URL = "wss://other.example"
      host:raise("HUP")
    end, wait(0), function()
      accept()
      assert.equal("192.0.2.7", socket().options.address)
    end, terminate, gone)
    assert.equal(3, #host.sockets.sockets)
  end)

  it("make it dial again with a new address in the local network", function()
    run(accept, function()
      environ.DOCKHOST_LAN_IP = "192.168.7.7"
      host:raise("HUP")
    end, wait(0), function()
      accept()
      assert.equal("192.168.7.7", socket().auth.LAN_IP)
    end, terminate, gone)
  end)

  it("make it dial again when the key's file has another key, and only then", function()
    environ.DOCKHOST_API_KEY, environ.DOCKHOST_API_KEY_FILE = nil, "/etc/dockhost/api-key"
    host.files["/etc/dockhost/api-key"] = "the-first-key"
    run(accept, function()
      host:raise("HUP")
    end, wait(0), function()
      assert.equal(1, #host.sockets.sockets)
      host.files["/etc/dockhost/api-key"] = "the-second-key"
      host:raise("HUP")
    end, wait(0), function()
      accept()
      assert.equal("the-second-key", socket().auth.DOCKHOST_API_KEY)
    end, terminate, gone)
  end)

  it("are warned about as at the start", function()
    run(accept, function()
      environ.DOCKHOST_PORT_STRAT = "2000"
      host:raise("HUP")
    end, wait(0), terminate, gone)
    assert.matches("DOCKHOST_PORT_STRAT is not a setting", host:logged())
  end)

  it("need a restart for Docker's address and for local mode, and say so", function()
    run(accept, function()
      environ.DOCKER_HOST = "tcp://192.0.2.1:2375"
      environ.MAIN_SERVER_BACKEND_URL = nil
      host:raise("HUP")
    end, create("ada"), function()
      assert.equal(201, events()[1][2].status)
      socket():drop()
    end, wait(1), accept, terminate, gone)
    assert.matches("needs a restart", host:logged())
    assert.equal(2, #host.sockets.sockets)
  end)

  it("include what is logged", function()
    run(accept, function()
      assert.is_nil(host:logged():find("debug", 1, true))
      environ.DEBUG, environ.DOCKHOST_LOG = "dockhost:*", "json"
      host:raise("HUP")
    end, create("ada"), terminate, gone)
    assert.matches('"level":"debug"', host:logged())
  end)
end)

describe("the file of the key", function()
  before_each(function()
    environ.DOCKHOST_API_KEY, environ.DOCKHOST_API_KEY_FILE = nil, "/etc/keys/node"
    host.files["/etc/keys/node"] = "old-key"
  end)

  for _, name in ipairs({ "node", "..data" }) do
    it("is tried at once when it changes: " .. name, function()
      run(function()
        socket():refuse("Invalid DOCKHOST_API_KEY")
      end, function()
        host.files["/etc/keys/node"] = "new-key"
        host:touch("/etc/keys/" .. name)
      end, wait(1), function()
        accept()
        assert.equal("new-key", socket().auth.DOCKHOST_API_KEY)
      end, terminate, gone)
    end)
  end

  it("is watched where the settings say after a reload", function()
    host.files["/etc/other/node"] = "other-key"
    run(accept, function()
      environ.DOCKHOST_API_KEY_FILE = "/etc/other/node"
      host:raise("HUP")
    end, wait(0), function()
      socket():refuse("Invalid DOCKHOST_API_KEY")
    end, function()
      host.files["/etc/other/node"] = "new-key"
      host:touch("/etc/other/node")
    end, wait(1), function()
      accept()
      assert.equal("new-key", socket().auth.DOCKHOST_API_KEY)
    end, terminate, gone)
  end)

  it("is not looked at for the sake of its neighbours", function()
    run(function()
      socket():refuse("Invalid DOCKHOST_API_KEY")
    end, function()
      host:touch("/etc/keys/other")
    end, wait(1), function()
      assert.equal(1, #host.sockets.sockets)
    end, terminate)
  end)
end)

describe("a supervisor", function()
  before_each(function()
    environ.NOTIFY_SOCKET = "/run/systemd/notify"
  end)

  it("is told when the node is ready, reloads, and stops", function()
    run(accept, function()
      host:raise("HUP")
    end, terminate, gone)
    assert.matches("^RELOADING=1\nMONOTONIC_USEC=%d+$", table.remove(host.told, 4))
    assert.same({
      "READY=1",
      "STATUS=not connected to wss://main.example",
      "STATUS=serving wss://main.example",
      "READY=1",
      "STOPPING=1",
    }, table.move(host.told, 1, 5, 1, {}))
  end)

  it("that does not exist costs nothing", function()
    environ.NOTIFY_SOCKET = nil
    package.loaded["dockhost.supervisor"] = nil
    run(accept, terminate, gone)
    assert.same({}, host.told)
    assert.is_nil(package.loaded["dockhost.supervisor"])
  end)
end)

describe("the console", function()
  local function port()
    local listener = host.server.listeners[1]
    return listener and listener:port()
  end

  local function token()
    return host.files["/root/.local/state/dockhost/console-token"] or fake_host.NODE
  end

  it("is served where the settings say, until the node ends", function()
    run(accept, function()
      assert.equal(3002, port())
      assert.equal(200, host.server:ask("GET", "/readyz").status)
    end, terminate, gone)
    assert.is_nil(port())
  end)

  it("is neither loaded nor served where it is off", function()
    environ.DOCKHOST_CONSOLE = "off"
    package.loaded["dockhost.console"] = nil
    run(accept, function()
      assert.is_nil(port())
    end, terminate, gone)
    assert.is_nil(package.loaded["dockhost.console"])
  end)

  it("does not keep the node from serving where another program has its address", function()
    host.server.taken["127.0.0.1:3002"] = true
    run(accept, create("ada"), function()
      assert.equal(201, events()[1][2].status)
    end, terminate, gone)
    assert.matches("the console can't listen at 127.0.0.1:3002", host:logged())
  end)

  it("moves, ends and begins with the settings", function()
    run(accept, function()
      environ.DOCKHOST_CONSOLE = "127.0.0.1:4000"
      host:raise("HUP")
    end, wait(0), function()
      assert.equal(4000, port())
      environ.DOCKHOST_CONSOLE = "off"
      host:raise("HUP")
    end, wait(0), function()
      assert.is_nil(port())
      environ.DOCKHOST_CONSOLE = nil
      host:raise("HUP")
    end, wait(0), function()
      assert.equal(3002, port())
    end, terminate, gone)
  end)

  it("is 503 while the node shuts down", function()
    local release
    run(accept, function()
      release = host.docker:hang("POST", "/start$")
      create("ada")()
    end, terminate, function()
      assert.equal(503, host.server:ask("GET", "/readyz").status)
      release()
    end, gone)
  end)

  it("is opened by an address that a terminal gets, and the log does not", function()
    host.process.isatty = function(descriptor)
      return descriptor == 1
    end
    host:play({ accept, terminate, gone })
    local _, printed = captured.run(cli.main, host, "/share", { "run" })
    assert.equal("The console: http://127.0.0.1:3002/?token=" .. token() .. "\n", printed.stdout)
    assert.is_nil(host:logged():find(token(), 1, true))
  end)

  it("keeps its token out of the log, whoever brings it there", function()
    run(accept, function()
      socket():emit(nil, "container-status", { username = token() })
    end, terminate, gone)
    assert.matches("container%-status", host:logged())
    assert.is_nil(host:logged():find(token(), 1, true))
  end)
end)
