local delivery = require("dockhost.delivery")
local task = require("dockhost.task")

local tasks, push, done, closed, ended
before_each(function()
  tasks, closed, ended = task.new({ on_error = function() end }), 0, nil
end)

-- Runs an operation in a task; the spec plays its callbacks.
local function begin(handle)
  return tasks:spawn(function()
    return delivery.run(task.wait, function(push_it, done_with)
      push, done = push_it, done_with
      handle = handle or {}
      handle.close = function() closed = closed + 1 end
      return handle
    end)
  end, function(...)
    ended = table.pack(...)
  end)
end

describe("delivery", function()
  it("gives what was pushed to its function, in order, and then the end", function()
    begin()
    local got = {}
    local function take(...)
      table.insert(got, table.concat({ ... }, "+"))
    end
    push(1, take, "a")
    push(1, take, "b", "c")
    done("status", nil, "body")
    assert.same({ "a", "b+c" }, got)
    assert.same({ true, "status", nil, "body", n = 4 }, ended)
    assert.equal(0, closed)
  end)

  it("calls the functions in the task: they may wait, and what comes meanwhile is kept", function()
    begin()
    local got, go_on = {}, nil
    push(1, function()
      task.wait(function(ready) go_on = ready end)
    end)
    push(1, table.insert, got, "later")
    done(true)
    assert.same({}, got)
    go_on()
    assert.same({ "later" }, got)
    assert.same({ true, true, n = 2 }, ended)
  end)

  it("fails its task alone where a function does, and closes the operation", function()
    local owner = begin()
    push(1, error, "boom", 0)
    assert.is_false(ended[1])
    assert.equal("boom", ended[2])
    coroutine.close(owner.thread)
    assert.equal(1, closed)
  end)

  it("closes the operation when the task is cancelled", function()
    begin():cancel("deadline")
    assert.is_false(ended[1])
    assert.is_true(closed >= 1)
  end)

  it("returns why the operation did not begin", function()
    tasks:spawn(function()
      return delivery.run(task.wait, function() return nil, "refused", "connect" end)
    end, function(...)
      ended = table.pack(...)
    end)
    assert.same({ true, nil, "refused", "connect", n = 4 }, ended)
  end)

  it("gives up what comes faster than it is taken, by bytes and by pieces", function()
    for _, flood in ipairs({ { 3, 8 * 1024 * 1024 }, { 70000, 1 } }) do
      begin()
      local go_on
      push(1, function()
        task.wait(function(ready) go_on = ready end)
      end)
      for _ = 1, flood[1] do
        push(flood[2], function() end)
      end
      go_on()
      assert.same({ true, nil, "it comes faster than it is taken", "too-large", n = 4 }, ended)
      ended = nil
    end
    assert.equal(2, closed)
  end)

  it("holds what can be held while more waits than is taken, and lets it go on when all is", function()
    local holds, go_on = {}, nil
    begin({ hold = function(_, held) table.insert(holds, held) end })
    push(1, function()
      task.wait(function(ready) go_on = ready end)
    end)
    push(200 * 1024, function() end)
    assert.same({}, holds)
    push(100 * 1024, function() end)
    push(100 * 1024, function() end)
    assert.same({ true }, holds)
    go_on()
    assert.same({ true, false }, holds)
    push(300 * 1024, function() end)
    assert.same({ true, false, true, false }, holds)
    done("end")
    assert.equal("end", ended[2])
  end)
end)
