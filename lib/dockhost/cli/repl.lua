-- `dockhost repl`: a prompt whose lines run as commands do: in a task, with a `ctx`, under the limits of scripts. The
-- loop turns only while a line runs.
local cli = require("dockhost.cli")
local sandbox = require("dockhost.sandbox")
local shown = require("dockhost.shown")

local repl = {}

-- Seen at once, whoever reads.
local function put(...)
  io.stdout:write(...)
  io.stdout:flush()
end

-- What lines see: what scripts do, and the globals that earlier lines made.
local function environment(app)
  local globals = {}
  function globals.print(...)
    local words = table.pack(...)
    for i = 1, words.n do
      words[i] = tostring(words[i])
    end
    put(table.concat(words, "\t"), "\n")
  end
  return setmetatable(globals, { __index = sandbox.new(app.log:child("script")), __metatable = false })
end

local function is_incomplete(message)
  return message:find("<eof>'?$") ~= nil
end

-- (text, globals) -> function | nil, message, whether more lines may complete it
local function compile(text, globals)
  local expression = text:match("^%s*=(.*)$")
  local chunk, message = load("return " .. (expression or text), "=input", "t", globals)
  if chunk or expression then
    return chunk, message, message and is_incomplete(message)
  end
  local more = is_incomplete(message)
  chunk, message = load(text, "=input", "t", globals)
  return chunk, message, message and (more or is_incomplete(message))
end

local function prompt(self, text)
  if self.interactive then
    put(text)
  end
  return io.stdin:read("L")
end

-- The next chunk of one or more lines -> function | nil, message | nothing at the end of the input
local function read_chunk(self)
  local text = prompt(self, "> ")
  if not text then
    return
  end
  while true do
    local chunk, message, incomplete = compile(text, self.globals)
    local line = not chunk and incomplete and prompt(self, ">> ")
    if not line then
      return chunk, message
    end
    text = text .. line
  end
end

local function complain(self, text)
  self.failed = true
  io.stderr:write(text, "\n")
end

local function print_results(results)
  for i = 1, results.n do
    put(shown.text(results[i]), "\n")
  end
end

-- Runs a chunk on the loop until it has ended; ctrl-C cancels it.
local function run_chunk(self, chunk)
  local app, results = self.app, nil
  local run = app.node.background:run({
    name = "repl",
    set = app.node.scripts,
    fn = function(ctx)
      self.globals.ctx = ctx
      results = table.pack(chunk())
    end,
    on_error = function(message, traceback)
      complain(self, message .. "\n" .. (traceback or ""))
    end,
    on_end = function()
      app.host.loop.stop()
    end,
  })
  local signal = app.host.signal.on("INT", function()
    run.task:cancel("interrupted")
  end)
  app.host.loop.run()
  signal:close()
  if results then
    print_results(results)
  end
end

local function converse(self)
  while true do
    local chunk, message = read_chunk(self)
    if chunk then
      run_chunk(self, chunk)
    elseif message then
      complain(self, message)
    else
      return
    end
  end
end

local function greet(self)
  if self.interactive then
    put("dockhost ", self.app.host.process.version,
      ": Lua with `ctx`, as in a command. Ctrl-C ends what a line waits for, ctrl-D leaves.\n")
  end
end

-- (host, share, parsed) -> exit code: of piped input, whether all of it worked
function repl.start(host, share, parsed)
  local app = cli.new_app(host, share, parsed)
  local code = cli.on_loop(app, function()
    local refused = cli.prepare(app)
    if refused then
      return refused
    end
    local set, errors = app.node:load_scripts()
    return set and cli.OK or require("dockhost.cli.call").complain(app, errors)
  end)
  if code ~= cli.OK then
    return code
  end
  local self = { app = app, globals = environment(app), interactive = host.process.isatty(0) }
  greet(self)
  converse(self)
  return self.failed and not self.interactive and cli.FAILED or cli.OK
end

return repl
