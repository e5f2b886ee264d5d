local node_support = require("node_support")

local node, jobs, turns
before_each(function()
  node = node_support.new()
  jobs = node.node.jobs
  turns = {}
end)
after_each(function()
  node:finish()
end)

-- A set of scripts with these jobs: { name = { every =, text =, run = } }.
local function use(list)
  local set = { jobs = {}, files = {}, container = node.scripts.container }
  for name, job in pairs(list) do
    set.jobs[name] = {
      every = job.every or 10,
      run = job.run or function()
        table.insert(turns, job.text or name)
      end,
    }
    set.files["jobs/" .. name .. ".lua"] = { text = job.text or name }
  end
  jobs:use(set)
end

it("has its turn every so many seconds, and not at once", function()
  use({ a = { every = 10 } })
  node:advance(9)
  assert.same({}, turns)
  node:advance(21)
  assert.same({ "a", "a", "a" }, turns)
end)

it("waits for nobody: each has turns of its own", function()
  use({ a = { every = 10 }, b = { every = 4 } })
  node:advance(12)
  assert.same({ "b", "b", "a", "b" }, turns)
end)

it("leaves a turn out while it still runs, and says so", function()
  local runs = 0
  use({ slow = { every = 10, run = function(ctx)
    runs = runs + 1
    ctx.sleep(25)
  end } })
  node:advance(39)
  assert.equal(1, runs)
  assert.equal("slow", node.log:find("warn", "this turn is left out")[1].fields.job)
  assert.equal(2, #node.log:find("warn", "this turn is left out"))
  node:advance(1)
  assert.equal(2, runs)
  jobs:stop()
  node:advance(25)
end)

it("has its next turn after one that failed", function()
  use({ bad = { every = 10, run = function()
    table.insert(turns, "bad")
    error("oops")
  end } })
  node:advance(20)
  assert.same({ "bad", "bad" }, turns)
  assert.equal(2, #node.log:find("error", "jobs/bad failed: "))
end)

describe("a new set of scripts", function()
  it("leaves an unchanged job its turn", function()
    use({ a = { every = 10 } })
    node:advance(6)
    use({ a = { every = 10 }, b = { every = 3 } })
    node:advance(4)
    assert.same({ "b", "a" }, turns)
  end)

  it("has an unchanged job see the new set", function()
    local seen
    local list = { a = { run = function(ctx)
      seen = ctx.describe()
    end } }
    use(list)
    node.scripts.container = function()
      return "new"
    end
    use(list)
    node:advance(10)
    assert.equal("new", seen)
  end)

  it("starts a changed job anew", function()
    use({ a = { every = 10, text = "old" } })
    node:advance(6)
    use({ a = { every = 10, text = "new" } })
    node:advance(9)
    assert.same({}, turns)
    node:advance(1)
    assert.same({ "new" }, turns)
  end)

  it("stops a removed job", function()
    use({ a = {} })
    use({})
    node:advance(60)
    assert.same({}, turns)
    node.clock:assert_idle()
  end)

  it("lets a job in flight end on its own code, and the new one wait for that", function()
    use({ a = { every = 10, text = "old", run = function(ctx)
      ctx.sleep(15)
      table.insert(turns, "old")
    end } })
    node:advance(10)
    use({ a = { every = 10, text = "new" } })
    node:advance(10)
    assert.same({}, turns)
    node:advance(10)
    assert.same({ "old", "new" }, turns)
  end)
end)

it("has no more turns once stopped, whatever is loaded then", function()
  use({ a = {}, b = {} })
  jobs:stop()
  use({ a = {}, c = {} })
  node:advance(60)
  assert.same({}, turns)
end)
