local node_support = require("node_support")
local task = require("dockhost.task")

local node, background, ends
before_each(function()
  node = node_support.new()
  background = node.node.background
  ends = {}
end)
after_each(function()
  node:finish()
end)

local function start(fn, more)
  local run = {
    name = "jobs/probe",
    set = node.scripts,
    fn = fn,
    on_end = function(...)
      table.insert(ends, { ... })
    end,
  }
  for name, value in pairs(more or {}) do
    run[name] = value
  end
  run = background:run(run)
  node:settle()
  return run
end

local function wait()
  return task.wait(function() end)
end

it("runs with a ctx like a command's", function()
  local seen
  start(function(ctx)
    seen = ctx
  end)
  assert.equal("jobs/probe", seen.event)
  assert.equal("jobs/probe 1", seen.id)
  assert.equal(node_support.IMAGE, seen.config.image)
  assert.equal(node.clock.time() + 278, seen.deadline)
  assert.same({ { true } }, ends)
end)

it("waits as commands do", function()
  start(function(ctx)
    ctx.sleep(5)
    assert(ctx.docker:version())
  end)
  assert.same({}, ends)
  node:advance(5)
  assert.same({ { true } }, ends)
end)

it("ends with a line and a traceback where it fails, and undoes the last step first", function()
  local order = {}
  start(function(ctx)
    ctx.on_undo(function()
      table.insert(order, "first")
    end)
    ctx.on_undo(function()
      table.insert(order, "second")
    end)
    ctx.on_end(function()
      table.insert(order, "end")
    end)
    ctx.sleep(1)
    error("oops")
  end)
  node:advance(1)
  assert.same({ "second", "first", "end" }, order)
  local record = node.log:find("error", "jobs/probe failed: ")[1]
  assert.matches("oops", record.message)
  assert.matches("traceback", record.traceback)
  assert.is_false(ends[1][1])
  assert.matches("oops", ends[1][2])
end)

it("undoes nothing where it succeeds, and does the last steps", function()
  local order = {}
  start(function(ctx)
    ctx.on_undo(function()
      table.insert(order, "undo")
    end)
    ctx.on_end(function()
      table.insert(order, "end")
    end)
  end)
  assert.same({ "end" }, order)
end)

it("goes on with the other steps where one fails", function()
  local undone, ended = false, false
  start(function(ctx)
    ctx.on_undo(function()
      undone = true
    end)
    ctx.on_undo(function()
      error("no undo")
    end)
    ctx.on_end(function()
      error("no end")
    end)
    ctx.on_end(function()
      ended = true
    end)
    error({})
  end)
  assert.is_true(undone and ended)
  assert.matches("no undo", node.log:find("warn", "an undo step failed")[1].fields.reason)
  assert.matches("no end", node.log:find("warn", "a last step failed")[1].fields.reason)
  assert.equal(1, #node.log:find("error", "an error value that is not a string"))
  assert.equal(1, #ends)
end)

it("is stopped after 278 s, with a line that says so", function()
  start(wait)
  node:advance(277)
  assert.same({}, ends)
  node:advance(1)
  assert.equal(1, #node.log:find("warn", "jobs/probe did not finish within 278 s and was stopped"))
  assert.same({ { false, "cancelled: deadline" } }, ends)
end)

for _, delay in ipairs({ 0, 1 }) do
  it("gives an undo that never ends 10 s, where it failed after " .. delay .. " s", function()
    start(function(ctx)
      ctx.on_undo(wait)
      if delay > 0 then
        ctx.sleep(delay)
      end
      error("oops")
    end)
    node:advance(delay)
    node:advance(9)
    assert.same({}, ends)
    node:advance(1)
    assert.is_false(ends[1][1])
  end)
end

it("gives back the ports that it held", function()
  start(function(ctx)
    assert(ctx.ports:reserve(3000))
    ctx.sleep(1)
  end)
  assert.is_truthy(next(node.ports.held))
  node:advance(1)
  assert.is_nil(next(node.ports.held))
end)

it("tells its failure elsewhere where that is asked for", function()
  local told
  start(error, { on_error = function(...)
    told = { ... }
  end })
  assert.equal("an error value that is not a string", told[1])
  assert.equal(0, #node.log:find("error"))
end)

describe("cancelling all", function()
  it("ends what runs, with its undoing, and a line that tells of it", function()
    local undone = 0
    for _ = 1, 3 do
      start(function(ctx)
        ctx.on_undo(function()
          undone = undone + 1
        end)
        wait()
      end)
    end
    background:cancel_all("shutdown")
    assert.equal(3, undone)
    assert.equal(3, #ends)
    assert.equal(0, #node.log:find("error") + #node.log:find("warn"))
    local lines = node.log:find("info", "jobs/probe was stopped before its end: the node shuts down")
    assert.equal(3, #lines)
    assert.matches("^jobs/probe [123]$", lines[1].fields.id)
  end)

  it("leaves an undoing that is under way alone", function()
    local undone = false
    start(function(ctx)
      ctx.on_undo(function()
        ctx.sleep(3)
        undone = true
      end)
      error("oops")
    end)
    background:cancel_all("shutdown")
    node:advance(3)
    assert.is_true(undone)
  end)
end)

describe("being idle", function()
  it("is told at once where nothing runs, else after the last run's undoing", function()
    local idle = 0
    local function told()
      idle = idle + 1
    end
    background:when_idle(told)
    assert.equal(1, idle)
    start(function(ctx)
      ctx.on_undo(function()
        ctx.sleep(3)
      end)
      ctx.sleep(1)
      error("oops")
    end)
    start(function(ctx)
      ctx.sleep(2)
    end)
    background:when_idle(told)
    node:advance(3)
    assert.equal(1, idle)
    node:advance(1)
    assert.equal(2, idle)
  end)
end)
