-- The `ctx` of a handler: what a script may use, and what is undone or released when its command ends.
local config = require("dockhost.config")
local exec = require("dockhost.exec")
local facade = require("dockhost.facade")
local task = require("dockhost.task")

local context = {}

local RETRY_SECONDS = 0.5

-- Calls `attempt` until it no longer fails because Docker is away (status 503); `failed` hears of each such failure.
local function persist(services, attempt, failed)
  while true do
    local results = table.pack(attempt())
    if results[1] ~= nil or results[3] ~= 503 then
      return table.unpack(results, 1, results.n)
    end
    failed(results)
    services.sleep(RETRY_SECONDS)
  end
end

-- Tries again while Docker is away, for `seconds` at most; then the last failure stands.
local function hold(services, seconds, attempt)
  local last = table.pack(nil, "Docker does not answer", 503)
  local results = table.pack(task.wait(function(done)
    local patient
    local timer = services.timer.start(seconds, function()
      patient:cancel("held long enough")
      done(true, table.unpack(last, 1, last.n))
    end)
    patient = services.tasks:spawn(persist, function(ok, ...)
      timer:close()
      if ok or not task.is_cancelled((...)) then
        done(ok, ...)
      end
    end, services, attempt, function(failure)
      last = failure
    end)
    return function()
      timer:close()
      patient:cancel("the command was cancelled")
    end
  end))
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

-- A triple of ports that is given back when the command ends: by then the container's bindings hold it.
local function reserve(services, ctx, start)
  local bound, message, status = services.containers:bound_ports()
  if not bound then
    return nil, message, status
  end
  local triple, why, code = services.ports:reserve(start, bound)
  if not triple then
    return nil, why, code
  end
  ctx.on_end(function()
    services.ports:release(triple)
  end)
  return triple
end

local function add_step(steps, fn)
  if type(fn) ~= "function" then
    error("a function is needed, not a " .. type(fn), 3)
  end
  table.insert(steps, fn)
end

-- What of a ctx is made when it is first asked for: most commands use little of it.
-- (ctx, job, services, settings) -> value
local PARTS = {
  config = function(_, _, _, settings)
    return config.copy(settings)
  end,
  log = function(_, job)
    return job.log:script()
  end,
  -- The create body of a new instance, by the container.lua that the command began with.
  describe = function(ctx, job)
    return function(instance)
      return job.set.container(instance, ctx.config)
    end
  end,
  on_undo = function(_, job)
    return function(fn)
      add_step(job.undo, fn)
    end
  end,
  on_end = function(_, job)
    return function(fn)
      add_step(job.ends, fn)
    end
  end,
  exec = function(_, _, services)
    return exec.new(services)
  end,
  hold = function(_, _, services)
    return function(seconds, attempt)
      return hold(services, seconds, attempt)
    end
  end,
  ports = function(ctx, _, services)
    return {
      reserve = function(_, start)
        return reserve(services, ctx, start)
      end,
    }
  end,
}
for _, name in ipairs({ "docker", "containers", "instances", "images", "store" }) do
  PARTS[name] = function(_, _, services)
    return facade.new(services[name])
  end
end

local function metatable_of(job, services, settings)
  return {
    __index = function(ctx, name)
      local make = PARTS[name]
      if make then
        local part = make(ctx, job, services, settings)
        ctx[name] = part
        return part
      end
    end,
    __pairs = function(ctx)
      for name in pairs(PARTS) do
        local _ = ctx[name]
      end
      return next, ctx
    end,
  }
end

-- context.new(job, services) -> ctx. It adds to the job's lists `undo` and `ends`.
function context.new(job, services)
  return setmetatable({
    event = job.request.event,
    id = job.id,
    tar = services.tar,
    http = services.http,
    sleep = services.sleep,
    time = services.time,
    deadline = job.deadline,
    cancelled = job.cancelled_other,
    partial = job.partial,
    emit = services.emit,
  }, metatable_of(job, services, services.config()))
end

return context
