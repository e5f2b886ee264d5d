local queue = require("dockhost.queue")

describe("queue", function()
  local line, started
  before_each(function()
    line, started = queue.new({ limit = 2 }), {}
  end)

  local function join(key, job)
    return line:join(key, job, function(given)
      table.insert(started, given)
    end)
  end

  it("starts the first at once and the others in order, as those before them leave", function()
    for _, job in ipairs({ "a", "b", "c" }) do
      assert.is_true(join("ada", job))
    end
    assert.same({ "a" }, started)
    line:leave("ada", "a")
    assert.same({ "a", "b" }, started)
    line:leave("ada", "b")
    assert.same({ "a", "b", "c" }, started)
  end)

  it("does not let one key wait for another", function()
    join("ada", "a")
    join("bob", "b")
    assert.same({ "a", "b" }, started)
  end)

  it("refuses more than the limit behind the one that runs, with 429", function()
    for _, job in ipairs({ "a", "b", "c" }) do
      join("ada", job)
    end
    local ok, message, status = join("ada", "d")
    assert.is_nil(ok)
    assert.matches("too many", message)
    assert.equal(429, status)
    line:leave("ada", "a")
    assert.is_true(join("ada", "d"))
  end)

  it("lets one leave from the middle without starting anything", function()
    for _, job in ipairs({ "a", "b", "c" }) do
      join("ada", job)
    end
    line:leave("ada", "b")
    assert.same({ "a" }, started)
    line:leave("ada", "a")
    assert.same({ "a", "c" }, started)
  end)

  it("shrugs at one who never joined", function()
    join("ada", "a")
    line:leave("ada", "x")
    line:leave("bob", "x")
    assert.same({ "a" }, line:jobs("ada"))
  end)

  it("lists a key's jobs, the running one first, and counts all", function()
    join("ada", "a")
    join("ada", "b")
    join("bob", "c")
    assert.same({ "a", "b" }, line:jobs("ada"))
    assert.same({}, line:jobs("eve"))
    assert.equal(3, line:count())
    assert.equal(1, line:waiting())
  end)

  it("keeps nothing of a key whose line is empty", function()
    join("ada", "a")
    line:leave("ada", "a")
    assert.is_nil(next(line.lines))
    assert.equal(0, line:count())
  end)
end)
