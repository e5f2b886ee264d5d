-- Runs a program inside a container (Engine API: POST /containers/{id}/exec, POST /exec/{id}/start). The output comes
-- to a stream's own task and is handed over in the command's, where a script's function may wait and may fail.
local docker_stream = require("dockhost.docker_stream")
local task = require("dockhost.task")

local exec = {}

local MOST_OUTPUT = 1024 * 1024
local MOST_WAITING = 4 * 1024 * 1024
-- What a piece costs besides its bytes.
local PIECE_BYTES = 256
-- Docker tells the end of the output a moment before it knows the exit code.
local TRIES = 20
local PAUSE_SECONDS = 0.05

local STREAMS = { [0] = "stdout", "stdout", "stderr" }

local function create(docker, id, options)
  local created, message, status = docker:json("POST", "/containers/" .. id .. "/exec", {
    body = {
      AttachStdout = true,
      AttachStderr = true,
      Cmd = options.cmd,
      User = options.user,
      WorkingDir = options.dir,
      Env = options.env,
    },
    timeout = 20,
  })
  if not created then
    return nil, message, status
  end
  return created.Id
end

-- Starts it in a task. Returns that and a function that waits for the next piece of output: text, stream; at the end
-- nil and what `docker:stream` returned.
local function start(services, id)
  local waiting, bytes, ended, wake = {}, 0, nil, nil
  local function tell()
    if wake then
      wake()
    end
  end
  local stream
  local feed = docker_stream.frames(function(text, kind)
    bytes = bytes + #text + PIECE_BYTES
    table.insert(waiting, { text, STREAMS[kind] })
    tell()
  end)
  stream = services.tasks:spawn(function()
    local sound = true
    local ok, message, status = services.docker:stream("POST", "/exec/" .. id .. "/start", {
      body = { Detach = false },
    }, function(chunk)
      sound = feed(chunk) ~= false
      if bytes > MOST_WAITING then
        stream:cancel("the output comes faster than it is taken")
      end
    end)
    if ok and not sound then
      return nil, "Docker sent a malformed stream of output", 500
    end
    return ok, message, status
  end, function(ok, ...)
    ended = ok and table.pack(...) or table.pack(nil, "the output was cut: " .. tostring((...)), 500)
    tell()
  end)
  return stream, function()
    if not waiting[1] and not ended then
      task.wait(function(done)
        wake = done
        return function()
          stream:cancel("the command was cancelled")
        end
      end)
      wake = nil
    end
    local piece = table.remove(waiting, 1)
    if piece then
      bytes = bytes - #piece[1] - PIECE_BYTES
      return piece[1], piece[2]
    end
    return nil, ended
  end
end

local function exit_code(services, id)
  for _ = 1, TRIES do
    local state, message, status = services.docker:json("GET", "/exec/" .. id .. "/json", { timeout = 20 })
    if not state then
      return nil, message, status
    elseif state.Running ~= true then
      return math.tointeger(state.ExitCode) or -1
    end
    services.sleep(PAUSE_SECONDS)
  end
  return nil, "the program closed its output and still runs", 504
end

local function check(container, options)
  if type(container) ~= "string" or not container:find("^[%w_.-]+$") then
    error("exec needs the id of a container", 3)
  end
  local cmd = type(options) == "table" and options.cmd
  if type(cmd) ~= "table" or type(cmd[1]) ~= "string" then
    error("exec needs { cmd = { program, argument… } }", 3)
  end
end

-- exec.new(services, on_end) -> ctx.exec: (container id, { cmd = { program, argument… }, user =, dir =,
-- env = { "A=b" }, on_output = function(text, "stdout"|"stderr") }) -> exit code, output | nil, message, status.
-- `output` is the end of both streams, 1 MiB at most, where there is no `on_output`. A program that the command does
-- not wait for goes on.
function exec.new(services, on_end)
  return function(container, options)
    check(container, options)
    local id, message, status = create(services.docker, container, options)
    if not id then
      return nil, message, status
    end
    local stream, next_piece = start(services, id)
    on_end(function()
      stream:cancel("the command has ended")
    end)
    local add, ending = docker_stream.ending(MOST_OUTPUT)
    local take = options.on_output or add
    local text, detail = next_piece()
    while text do
      take(text, detail)
      text, detail = next_piece()
    end
    if not detail[1] then
      return nil, detail[2], detail[3]
    end
    local code, why, failed = exit_code(services, id)
    if not code then
      return nil, why, failed
    end
    return code, ending()
  end
end

return exec
