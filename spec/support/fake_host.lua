-- The host's primitives on the other fakes, for specs of what is wired together from them: the nodes and the verbs of
-- the command line. It has the fields of types/host.lua that these use.
--
--   local host = fake_host.new{ environ = { DOCKHOST_API_KEY = "k" }, files = { ["/etc/key"] = "k" } }
--   host.clock, host.docker, host.sockets (a fake_websocket), host.names (the fake_resolver's), host.lines (the log),
--   host.told (what a supervisor is)
--   host.web = function(request) return 200, {}, "body" end     -- what HTTP servers other than Docker's answer
--   host:settle()              -- delivers what files, names and Docker have to answer
--   host:raise("TERM")         -- a signal
--   host:touch(path)           -- a file has changed; path nil and a directory: that went
--   host:play{ fn, fn, … }     -- what happens, one after the other, each time that the loop has nothing else to do
--
-- `loop.run` delivers and lets the time go on until `loop.stop`; in between it plays what it was told to.
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local fake_resolver = require("fake_resolver")
local fake_server = require("fake_server")
local fake_tar = require("fake_tar")
local fake_websocket = require("fake_websocket")

local fake_host = {}

fake_host.IDENTITY = "4026531836:100:5000"
fake_host.NODE = "0123456789abcdef0123456789abcdef"
fake_host.IMAGE = "sohampirale/instance"

local Host = {}
Host.__index = Host

-- As host.guard.resume: a failure comes with its traceback.
function fake_host.resume(co, ...)
  local results = table.pack(coroutine.resume(co, ...))
  if not results[1] then
    -- Tostring may raise.
    results[3] = debug.traceback(co, type(results[2]) == "string" and results[2] or nil)
    results.n = 3
    coroutine.close(co)
  end
  return table.unpack(results, 1, results.n)
end

-- Delivers `...` to fn with the next `settle`, unless the handle is closed.
local function later(self, fn, ...)
  local handle, values = {}, table.pack(...)
  function handle.close()
    handle.closed = true
  end
  table.insert(self.pending, function()
    if not handle.closed then
      fn(table.unpack(values, 1, values.n))
    end
  end)
  return handle
end

local function file_of(self)
  local file = {}
  function file.read(path, limit, fn)
    local text = self.files[path]
    if not text then
      return later(self, fn, nil, path .. ": No such file or directory", "ENOENT")
    elseif #text > limit then
      return later(self, fn, nil, path .. ": larger than " .. limit .. " bytes", "too-large")
    end
    return later(self, fn, text)
  end
  function file.list(directory, fn)
    local names, seen = {}, {}
    for path in pairs(self.files) do
      local name = path:sub(1, #directory + 1) == directory .. "/" and path:sub(#directory + 2):match("^[^/]+")
      if name and not seen[name] then
        seen[name] = true
        table.insert(names, name)
      end
    end
    table.sort(names)
    return later(self, fn, names)
  end
  function file.mkdir()
    return true
  end
  function file.writable(path)
    if self.unwritable == path then
      return nil, "can't write to " .. path .. ": Permission denied", "EACCES"
    end
    return true
  end
  function file.lock()
    if self.locked then
      return nil, "another process has it", "busy"
    end
    return {
      close = function() end,
      id = function()
        return fake_host.NODE
      end,
    }
  end
  return file
end

local function http_of(self)
  local http = {}
  function http.request(options)
    if options.unix_socket then
      return self.docker.request(options)
    end
    return later(self, function()
      options.on_done(self.web(options))
    end)
  end
  return http
end

local function loop_of(self)
  local loop = { now = self.clock.now, time = self.clock.time }
  function loop.on_error() end
  function loop.lag()
    return { bounds = { 0.01, 1 }, counts = { 7, 2, 1 }, sum = 3.5 }
  end
  loop.turns = loop.lag
  function loop.stop()
    self.stopped = true
  end
  function loop.run()
    while not self.stopped do
      self:settle()
      local happening = not self.stopped and table.remove(self.happenings, 1)
      if happening then
        happening()
      elseif not self.stopped then
        self.clock:advance(assert(self.clock:next_in(), "the loop has nothing to wait for and was not stopped"))
      end
    end
    self.stopped = false
  end
  return loop
end

-- Handlers by a name, as of signals and directories.
local function listeners(self, kind)
  self[kind] = {}
  return function(name, fn)
    local handle = {}
    self[kind][name] = fn
    function handle.close()
      if self[kind][name] == fn then
        self[kind][name] = nil
      end
    end
    return handle
  end
end

function fake_host.new(options)
  options = options or {}
  local clock = fake_clock.new()
  local self = setmetatable({
    clock = clock,
    docker = fake_docker.new({ time = clock.time }),
    sockets = fake_websocket.new(),
    server = fake_server.new(),
    names = fake_resolver.new({ ["main.example"] = { "192.0.2.1" } }),
    files = options.files or {},
    lines = {},
    told = {},
    pending = {},
    happenings = {},
    web = function()
      return nil, "there is no network in specs", "connect"
    end,
  }, Host)
  clock.settle = function()
    self:settle()
  end
  self.loop, self.file, self.timer = loop_of(self), file_of(self), clock.timer
  self.http, self.websocket, self.resolver = http_of(self), self.sockets, self.names
  self.port = { listening = self.docker.listening, bindable = self.docker.bindable }
  self.tar = { pack = fake_tar.pack }
  self.signal, self.watch = { on = listeners(self, "signals") }, { start = listeners(self, "watched") }
  self.claims = {}
  self.claim = {
    take = function(name)
      if self.claims[name] then
        return nil, "another process has that name", "busy"
      end
      self.claims[name] = true
      return { close = function()
        self.claims[name] = nil
      end }
    end,
    is_taken = function(name)
      return self.claims[name] == true
    end,
  }
  self.output = { write = function(text, fn)
    io.stdout:write(text)
    return later(self, fn, not self.unread or nil, self.unread and "can't write the output: Broken pipe",
      self.unread and "EPIPE")
  end }
  self.lan = { interfaces = function()
    return { { name = "eth0", address = "10.0.0.5", physical = true, up = true, loopback = false } }
  end }
  self.log = {
    write = function(line)
      table.insert(self.lines, line)
    end,
    dropped = function()
      return 0
    end,
  }
  self.guard = {
    resume = function(co, _, ...)
      return fake_host.resume(co, ...)
    end,
    limit_memory = function(bytes)
      self.memory_limit = bytes
    end,
  }
  self.process = {
    version = "0.0.0",
    environ = function()
      local copy = {}
      for name, value in pairs(options.environ or {}) do
        copy[name] = value
      end
      return copy
    end,
    conceal = function(name)
      options.environ[name] = nil
    end,
    isatty = function()
      return false
    end,
    identity = function()
      return fake_host.IDENTITY
    end,
    alive = function()
      return true
    end,
    notify = function(text)
      table.insert(self.told, text)
      return true
    end,
    figures = function()
      return { resident = 9000000, virtual = 90000000, cpu = 0.25, threads = 1, started = clock.time(), descriptors = 9,
        most_descriptors = 1024 }
    end,
    libraries = function()
      return { lua = "5.4.4", libwebsockets = "4.1.6", curl = "7.88.1" }
    end,
  }
  self.docker:add_image(fake_host.IMAGE)
  return self
end

function Host:settle()
  repeat
    local pending = self.pending
    self.pending = {}
    for _, deliver in ipairs(pending) do
      deliver()
    end
    self.docker:settle()
    local asked = self.names:turn()
  until #self.pending == 0 and asked == 0 and #self.docker.queue == 0
end

function Host:play(happenings)
  table.move(happenings, 1, #happenings, #self.happenings + 1, self.happenings)
end

function Host:raise(name)
  assert(self.signals[name], "nobody listens to " .. name)()
end

function Host:touch(path, directory)
  directory = directory or path:match("^(.*)/[^/]*$")
  assert(self.watched[directory], "nobody watches " .. directory)(path and path:match("[^/]*$"))
end

-- The log as one text.
function Host:logged()
  return table.concat(self.lines, "\n")
end

return fake_host
