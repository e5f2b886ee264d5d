-- Results that go on: written as they come, however slow the reader is, until it goes away or a signal ends them.
local cli = require("dockhost.cli")
local task = require("dockhost.task")
local text = require("dockhost.text")

local stream = {}

-- How much may wait for the reader before its source has to wait.
local MOST_WAITING = 256 * 1024

local Writer = {}
Writer.__index = Writer

-- What has gathered meanwhile is one write.
local function write_on(self)
  local gathered = table.concat(self.waiting)
  self.waiting, self.bytes = {}, 0
  local job, message, code = self.output.write(gathered, function(ok, why, kind)
    self.job = nil
    if not ok then
      return self.fail(why, kind)
    elseif self.bytes > 0 then
      write_on(self)
    end
    if self.wake then
      self.wake()
    end
  end)
  self.job = job
  if not job then
    self.fail(message, code)
  end
end

local function wait_for_write(self)
  task.wait(function(done)
    self.wake = done
  end)
  self.wake = nil
end

-- Waits where the reader is far behind.
function Writer:put(piece)
  if piece == "" then
    return
  end
  table.insert(self.waiting, piece)
  self.bytes = self.bytes + #piece
  if not self.job then
    write_on(self)
  end
  while self.bytes > MOST_WAITING do
    wait_for_write(self)
  end
end

-- Waits until all is written.
function Writer:drain()
  while self.job do
    wait_for_write(self)
  end
end

local function new_writer(app, fail)
  return setmetatable({ output = app.host.output, fail = fail, waiting = {}, bytes = 0 }, Writer)
end

-- Runs `fn(put)` until it returns an exit code, or SIGINT, SIGTERM or the end of the reader ends it, which is no
-- failure. `put(text)` may wait.
function stream.run(app, fn)
  return task.wait(function(done)
    local work
    local writer = new_writer(app, function(message, code)
      if code ~= "EPIPE" then
        app.log:error(message)
      end
      work:cancel("nobody reads")
    end)
    work = app.tasks:spawn(function()
      local code = fn(function(piece)
        writer:put(piece)
      end)
      writer:drain()
      return code
    end, function(ok, code, traceback)
      if ok then
        return done(code)
      elseif task.is_cancelled(code) then
        return done(cli.OK)
      end
      app.log:trace(tostring(code), traceback)
      done(cli.SOFTWARE)
    end)
    for _, name in ipairs({ "INT", "TERM" }) do
      app.host.signal.on(name, function()
        work:cancel("interrupted")
      end)
    end
  end)
end

-- (app, user, message, status): says that what was asked of that user's container failed. Returns an exit code.
function stream.complain(app, user, message, status)
  if status ~= 404 or not user then
    app.log:error(message)
    return cli.FAILED
  end
  local names = {}
  for i, instance in ipairs(app.node.containers:list() or {}) do
    names[i] = instance.username
  end
  local closest = text.closest(user, names)
  local advice = closest and ("did you mean %s?"):format(closest) or "`dockhost ps` lists those that have one"
  app.log:error(("%s: %s: %s"):format(user, message, advice))
  return cli.FAILED
end

return stream
