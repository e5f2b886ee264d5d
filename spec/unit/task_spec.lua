local fake_clock = require("fake_clock")
local task = require("dockhost.task")

-- A scheduler whose errors are collected.
local function scheduler()
  local errors = {}
  local tasks = task.new({
    on_error = function(message, traceback)
      table.insert(errors, { message, traceback })
    end,
  })
  return tasks, errors
end

-- An operation that ends when the spec says so.
local function operation()
  local op = { aborted = 0 }
  function op.wait()
    return task.wait(function(done)
      op.done = done
      return function()
        op.aborted = op.aborted + 1
      end
    end)
  end
  return op
end

local function recorder()
  local ended = {}
  return ended, function(...)
    table.insert(ended, table.pack(...))
  end
end

describe("a task", function()
  it("runs at once and hands its results to on_end", function()
    local ended, on_end = recorder()
    scheduler():spawn(function(a, b)
      return a + b, nil, "x"
    end, on_end, 1, 2)
    assert.same({ { true, 3, nil, "x", n = 4 } }, ended)
  end)

  it("waits for a callback and gets its values, nils included", function()
    local op = operation()
    local ended, on_end = recorder()
    scheduler():spawn(function()
      return op.wait()
    end, on_end)
    assert.equal(0, #ended)
    op.done(nil, "message", nil)
    assert.same({ { true, nil, "message", nil, n = 4 } }, ended)
  end)

  it("does not yield for what is there at once", function()
    local ended, on_end = recorder()
    scheduler():spawn(function()
      return task.wait(function(done)
        done("now")
      end)
    end, on_end)
    assert.same({ { true, "now", n = 2 } }, ended)
  end)

  it("takes the first answer alone", function()
    local first, second = operation(), operation()
    local got = {}
    scheduler():spawn(function()
      got[1] = first.wait()
      got[2] = second.wait()
    end)
    first.done("a")
    first.done("b")
    assert.same({ "a" }, got)
    second.done("c")
    assert.same({ "a", "c" }, got)
  end)

  it("can't be resumed by a bare yield: that fails it", function()
    local ended, on_end = recorder()
    scheduler():spawn(function()
      coroutine.yield("anything")
    end, on_end)
    assert.is_false(ended[1][1])
    assert.matches("yielded outside of a wait", ended[1][2])
  end)

  it("closes its variables when a bare yield fails it", function()
    local closed = false
    scheduler():spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        closed = true
      end })
      coroutine.yield()
    end, function() end)
    assert.is_true(closed)
  end)

  it("tells who waits outside of a task what is wrong", function()
    assert.error_matches(function()
      task.wait(function() end)
    end, "must be called from a command's own coroutine")
  end)

  it("refuses to wait in a coroutine that a script made itself", function()
    local ended, on_end = recorder()
    scheduler():spawn(function()
      return coroutine.resume(coroutine.create(function()
        task.wait(function() end)
      end))
    end, on_end)
    assert.is_false(ended[1][2])
    assert.matches("own coroutine", ended[1][3])
  end)

  it("is known while it runs", function()
    local seen
    local tasks = scheduler()
    local spawned = tasks:spawn(function()
      local op = operation()
      seen = { task.current(), op }
      op.wait()
    end)
    assert.equal(spawned, seen[1])
    assert.is_nil(task.current())
  end)
end)

describe("a failing task", function()
  it("gives its error to on_end, whatever it is", function()
    for _, value in ipairs({ "text", 12, { code = 1 }, true }) do
      local ended, on_end = recorder()
      scheduler():spawn(function()
        error(value, 0)
      end, on_end)
      assert.is_false(ended[1][1])
      assert.equal(value, ended[1][2])
    end
  end)

  it("is reported where nobody takes its end", function()
    local tasks, errors = scheduler()
    tasks:spawn(function()
      error("lost", 0)
    end)
    assert.equal("lost", errors[1][1])
  end)

  it("passes on the traceback that the host gives", function()
    local tasks = task.new({
      resume = function(co)
        local ok, message = coroutine.resume(co)
        return ok, message, "the traceback"
      end,
    })
    local ended, on_end = recorder()
    tasks:spawn(function()
      error("x", 0)
    end, on_end)
    assert.same({ { false, "x", "the traceback", n = 3 } }, ended)
  end)

  it("does not keep others from running when it can't even be resumed, nor be reported", function()
    local complaints, ran = 0, false
    local tasks = task.new({
      resume = function(co)
        if complaints == 0 then
          error("not enough memory")
        end
        return coroutine.resume(co)
      end,
      on_error = function()
        complaints = complaints + 1
        error("not enough memory")
      end,
    })
    tasks:spawn(function() end)
    tasks:spawn(function()
      ran = true
    end)
    assert.equal(1, complaints)
    assert.is_true(ran)
  end)

  it("does not keep others from running when its on_end fails", function()
    local tasks, errors = scheduler()
    local ran = false
    tasks:spawn(function() end, function()
      error("in on_end")
    end)
    tasks:spawn(function()
      ran = true
    end)
    assert.matches("in on_end", errors[1][1])
    assert.is_true(ran)
  end)
end)

describe("a call", function()
  it("runs a function to its end under the guard of the tasks, and returns what pcall would", function()
    local resumed = 0
    local tasks = task.new({
      resume = function(...)
        resumed = resumed + 1
        return coroutine.resume(...)
      end,
    })
    assert.same({ true, 3, nil, n = 3 }, table.pack(tasks:call(function(a, b)
      return a + b, nil
    end, 1, 2)))
    assert.equal(1, resumed)
    assert.same({ false, "oops" }, { tasks:call(error, "oops", 0) })
  end)

  it("can't wait, nor yield", function()
    local tasks = scheduler()
    local ok, message = tasks:call(function()
      task.wait(function() end)
    end)
    assert.is_false(ok)
    assert.matches("own coroutine", message)
    local closed = false
    ok, message = tasks:call(function()
      local _ <close> = setmetatable({}, { __close = function()
        closed = true
      end })
      coroutine.yield()
    end)
    assert.is_false(ok)
    assert.matches("yielded", message)
    assert.is_true(closed)
  end)
end)

describe("the order of tasks", function()
  it("runs what a task wakes after it, not inside it", function()
    local tasks = scheduler()
    local op, order = operation(), {}
    tasks:spawn(function()
      op.wait()
      table.insert(order, "woken")
    end)
    tasks:spawn(function()
      op.done()
      table.insert(order, "waker")
    end)
    assert.same({ "waker", "woken" }, order)
  end)

  it("runs spawned tasks after the one that spawned them, in their order", function()
    local tasks = scheduler()
    local order = {}
    tasks:spawn(function()
      for i = 1, 3 do
        tasks:spawn(function()
          table.insert(order, i)
        end)
      end
      table.insert(order, "parent")
    end)
    assert.same({ "parent", 1, 2, 3 }, order)
  end)
end)

describe("cancelling", function()
  local tasks, op, ended, on_end
  before_each(function()
    tasks, op = scheduler(), operation()
    ended, on_end = recorder()
  end)

  it("ends the wait with an error that names the reason, and aborts what was waited for", function()
    local spawned = tasks:spawn(function()
      op.wait()
    end, on_end)
    spawned:cancel("deadline")
    assert.equal(1, op.aborted)
    assert.is_true(task.is_cancelled(ended[1][2]))
    assert.equal("deadline", ended[1][2].reason)
    assert.equal("cancelled: deadline", tostring(ended[1][2]))
  end)

  it("ends each later wait too, so that a pcall can't swallow it", function()
    local later = {}
    local spawned = tasks:spawn(function()
      pcall(op.wait)
      later.ok, later.err = pcall(task.wait, function()
        later.started = true
      end)
    end, on_end)
    spawned:cancel("shutdown")
    assert.is_false(later.ok)
    assert.equal("shutdown", later.err.reason)
    assert.is_nil(later.started)
    assert.equal(1, #ended)
  end)

  it("keeps the first reason", function()
    local spawned = tasks:spawn(function()
      op.wait()
    end, on_end)
    spawned:cancel("overtaken")
    spawned:cancel("deadline")
    assert.equal("overtaken", ended[1][2].reason)
    assert.equal(1, #ended)
    assert.equal(1, op.aborted)
  end)

  it("is nothing once the task has ended", function()
    local spawned = tasks:spawn(function() end, on_end)
    assert.is_true(spawned.ended)
    spawned:cancel("late")
    assert.same({ { true, n = 1 } }, ended)
    assert.is_nil(spawned.cancelled)
  end)

  it("ignores an answer that comes afterwards", function()
    local spawned = tasks:spawn(function()
      return op.wait()
    end, on_end)
    spawned:cancel("deadline")
    op.done("late")
    assert.equal(1, #ended)
    assert.is_false(ended[1][1])
  end)

  it("lets an answer stand that came before it, and ends the next wait", function()
    local got, spawned
    spawned = tasks:spawn(function()
      got = op.wait()
      op.wait()
    end, on_end)
    -- From inside another task, so that the woken one has not run yet when it is cancelled.
    tasks:spawn(function()
      op.done("place")
      spawned:cancel("deadline")
    end)
    assert.equal("place", got)
    assert.equal(0, op.aborted)
    assert.equal("deadline", ended[1][2].reason)
  end)

  it("reaches a task that has not begun", function()
    tasks:spawn(function()
      local spawned = tasks:spawn(function()
        op.wait()
      end, on_end)
      spawned:cancel("early")
    end)
    assert.equal("early", ended[1][2].reason)
    assert.is_nil(op.done)
  end)

  it("reaches a task that is cancelled while its wait begins", function()
    local spawned
    tasks:spawn(function()
      spawned = tasks:spawn(function()
        task.wait(function()
          spawned:cancel("meanwhile")
          return function()
            op.aborted = op.aborted + 1
          end
        end)
      end, on_end)
    end)
    assert.equal(1, #ended)
    assert.equal("meanwhile", ended[1][2].reason)
    assert.equal(1, op.aborted)
  end)

  it("is not reported as an error where nobody takes the end", function()
    local errors
    tasks, errors = scheduler()
    tasks:spawn(function()
      op.wait()
    end):cancel("shutdown")
    assert.same({}, errors)
  end)

  it("is told from other errors", function()
    assert.is_false(task.is_cancelled("cancelled"))
    assert.is_false(task.is_cancelled(nil))
    assert.is_false(task.is_cancelled({}))
  end)
end)

describe("a semaphore", function()
  local tasks, door, inside, leave
  before_each(function()
    tasks, door, inside, leave = scheduler(), task.semaphore(2), {}, {}
  end)

  local function enter(name)
    return tasks:spawn(function()
      leave[name] = door:enter()
      table.insert(inside, name)
    end, function() end)
  end

  it("lets in as many as it may, the others in order of arrival", function()
    for _, name in ipairs({ "a", "b", "c", "d" }) do
      enter(name)
    end
    assert.same({ "a", "b" }, inside)
    leave.b()
    assert.same({ "a", "b", "c" }, inside)
    leave.a()
    assert.same({ "a", "b", "c", "d" }, inside)
  end)

  it("gives a place back once", function()
    enter("a")
    enter("b")
    leave.a()
    leave.a()
    for _, name in ipairs({ "c", "d" }) do
      enter(name)
    end
    assert.same({ "a", "b", "c" }, inside)
  end)

  it("loses no place when one who waits is cancelled", function()
    enter("a")
    enter("b")
    local waiting = enter("c")
    enter("d")
    waiting:cancel("deadline")
    leave.a()
    assert.same({ "a", "b", "d" }, inside)
  end)

  it("loses no place when one is cancelled who has just got it", function()
    local one = task.semaphore(1)
    local release, ends = nil, {}
    tasks:spawn(function()
      release = one:enter()
    end)
    -- As the dispatcher does it: the place is given back when the task has ended.
    local second = tasks:spawn(function()
      table.insert(ends, (one:enter()))
      task.wait(function() end)
    end, function()
      for _, fn in ipairs(ends) do
        fn()
      end
    end)
    tasks:spawn(function()
      release()
      second:cancel("deadline")
    end)
    local entered = false
    tasks:spawn(function()
      one:enter()
      entered = true
    end)
    assert.is_true(entered)
  end)
end)

describe("flights", function()
  local tasks, flights, op, runs
  before_each(function()
    tasks, op, runs = scheduler(), operation(), 0
    flights = task.flights(tasks)
  end)

  local function fly(key, results)
    return tasks:spawn(function()
      return flights:run(key, function()
        runs = runs + 1
        return op.wait()
      end)
    end, function(...)
      table.insert(results, table.pack(...))
    end)
  end

  it("do once what several want at once, for all of them", function()
    local results = {}
    for _ = 1, 3 do
      fly("image", results)
    end
    op.done(nil, "why", 503)
    assert.equal(1, runs)
    assert.same({ true, nil, "why", 503, n = 4 }, results[1])
    assert.same(results[1], results[2])
    assert.same(results[1], results[3])
  end)

  it("do it again for who comes later", function()
    local results = {}
    fly("image", results)
    op.done(true)
    fly("image", results)
    op.done(true)
    assert.equal(2, runs)
    assert.equal(2, #results)
  end)

  it("keep keys apart", function()
    fly("a", {})
    fly("b", {})
    assert.equal(2, runs)
  end)

  it("go on for the others when one is cancelled, even the first", function()
    local results = {}
    local first = fly("image", results)
    fly("image", results)
    first:cancel("deadline")
    assert.equal(0, op.aborted)
    op.done("pulled")
    assert.equal(2, #results)
    assert.is_true(task.is_cancelled(results[1][2]))
    assert.same({ true, "pulled", n = 2 }, results[2])
  end)

  it("fail for all when the work fails, and leave nothing behind", function()
    local results = {}
    local function fail()
      tasks:spawn(function()
        return flights:run("image", function()
          op.wait()
          error("broken", 0)
        end)
      end, function(...)
        table.insert(results, table.pack(...))
      end)
    end
    fail()
    fail()
    op.done()
    assert.same({ { false, "broken", n = 2 }, { false, "broken", n = 2 } }, results)
    assert.is_nil(next(flights.active))
  end)

  it("need no wait where the work is done at once", function()
    local result
    tasks:spawn(function()
      result = flights:run("x", function()
        return "here"
      end)
    end)
    assert.equal("here", result)
  end)
end)

it("the fake clock tells of timers that nobody closed", function()
  local clock = fake_clock.new()
  local fired = {}
  clock.timer.start(2, function()
    table.insert(fired, "two")
  end)
  clock.timer.start(1, function()
    table.insert(fired, "one")
    clock.timer.start(0.5, function()
      table.insert(fired, "one and a half")
    end)
  end)
  local never = clock.timer.start(5, error)
  clock:advance(3)
  assert.same({ "one", "one and a half", "two" }, fired)
  assert.error_matches(function()
    clock:assert_idle()
  end, "1 timers are open; the first is due in 2 s .*task_spec")
  never:close()
  clock:assert_idle()
end)

describe("task.each", function()
  -- Starts it over the items; each waits for an operation of its own.
  local function start(items, most)
    local tasks = scheduler()
    local ops, order, ended = {}, {}, {}
    local run = tasks:spawn(function()
      return task.each(tasks, items, most, function(item)
        table.insert(order, item)
        ops[item] = operation()
        local value = ops[item].wait()
        if value == "fail" then
          error("failed", 0)
        end
        return item, value
      end)
    end, function(...)
      table.insert(ended, table.pack(...))
    end)
    return ops, order, ended, run
  end

  it("runs some side by side, the others in order, and tells what became of each", function()
    local ops, order, ended = start({ "a", "b", "c" }, 2)
    assert.same({ "a", "b" }, order)
    ops.b.done("fail")
    assert.same({ "a", "b", "c" }, order)
    ops.a.done(1)
    assert.same({}, ended)
    ops.c.done(2)
    local results = ended[1][2]
    assert.same({ true, "a", 1, n = 3 }, results.a)
    assert.same({ true, "c", 2, n = 3 }, results.c)
    assert.same({ false, "failed" }, { table.unpack(results.b, 1, 2) })
  end)

  it("waits for nothing where there is nothing", function()
    local _, _, ended = start({}, 2)
    assert.same({ { true, {}, n = 2 } }, ended)
  end)

  it("ends at once where nothing has to be waited for", function()
    local tasks = scheduler()
    local ended, on_end = recorder()
    tasks:spawn(function()
      return task.each(tasks, { 1, 2, 3 }, 2, function(item)
        return item * 2
      end)
    end, on_end)
    assert.same({ true, 6, n = 2 }, ended[1][2][3])
  end)

  it("aborts all where it is cancelled", function()
    local ops, order, ended, run = start({ "a", "b", "c" }, 2)
    run:cancel("shutdown")
    assert.same({ 1, 1 }, { ops.a.aborted, ops.b.aborted })
    assert.same({ "a", "b" }, order)
    assert.is_true(task.is_cancelled(ended[1][2]))
  end)
end)
