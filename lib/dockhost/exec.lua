-- Runs a program inside a container (Engine API: POST /containers/{id}/exec, POST /exec/{id}/start).
local docker_stream = require("dockhost.docker_stream")

local exec = {}

local MOST_OUTPUT = 1024 * 1024
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

-- exec.new(services) -> ctx.exec: (container id, { cmd = { program, argument… }, user =, dir =,
-- env = { "A=b" }, on_output = function(text, "stdout"|"stderr") }) -> exit code, output | nil, message, status.
-- `output` is the end of both streams, 1 MiB at most, where there is no `on_output`. A program that the command does
-- not wait for goes on.
function exec.new(services)
  return function(container, options)
    check(container, options)
    local id, message, status = create(services.docker, container, options)
    if not id then
      return nil, message, status
    end
    local add, ending = docker_stream.ending(MOST_OUTPUT)
    local take, sound = options.on_output or add, true
    local feed = docker_stream.frames(function(text, kind)
      take(text, STREAMS[kind])
    end)
    local ok, why, code = services.docker:stream("POST", "/exec/" .. id .. "/start", {
      body = { Detach = false },
    }, function(chunk)
      sound = feed(chunk) ~= false
    end)
    if not ok then
      return nil, why, code
    elseif not sound then
      return nil, "Docker sent a malformed stream of output", 500
    end
    local result, problem, failed = exit_code(services, id)
    if not result then
      return nil, problem, failed
    end
    return result, ending()
  end
end

return exec
