local lost_answer = require("dockhost.lost_answer")

-- A ctx whose Docker gives these answers to inspect, one after the other; `hold` tries until they are used up.
local function ctx_with(answers)
  local ctx = { docker = {}, asked = 0 }
  function ctx.docker.container_inspect(_, id)
    assert.equal("c1", id)
    ctx.asked = ctx.asked + 1
    return table.unpack(answers[ctx.asked], 1, 3)
  end
  function ctx.hold(seconds, attempt)
    ctx.held = seconds
    local results
    repeat
      results = table.pack(attempt())
    until results[1] or results[3] ~= 503 or ctx.asked == #answers
    return table.unpack(results, 1, results.n)
  end
  return ctx
end

local AWAY = { nil, "Docker does not answer", 503 }
local BROKEN = { nil, "not JSON", 500 }
local GONE = { nil, "no such container", 404 }

local function is_running(inspected)
  return inspected and inspected.running
end

local function is_gone(inspected)
  return not inspected
end

describe("what Docker did without an answer", function()
  it("is asked until it is as wanted", function()
    local ctx = ctx_with({ AWAY, BROKEN, { { running = false } }, { { running = true } } })
    assert.is_true(lost_answer.settled(ctx, "c1", is_running))
    assert.equal(4, ctx.asked)
  end)

  it("is not known where that does not come, within 10 s", function()
    local ctx = ctx_with({ { { running = false } }, { { running = false } } })
    assert.is_nil(lost_answer.settled(ctx, "c1", is_running))
    assert.equal(10, ctx.held)
  end)

  it("may be that the container is gone, which a Docker that is away does not say", function()
    assert.is_true(lost_answer.settled(ctx_with({ GONE }), "c1", is_gone))
    assert.is_nil(lost_answer.settled(ctx_with({ AWAY, BROKEN }), "c1", is_gone))
  end)
end)
