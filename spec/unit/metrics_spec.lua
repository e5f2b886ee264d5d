-- dockhost.metrics: families and their text, literally as the exposition format 0.0.4 has it.
local metrics = require("dockhost.metrics")

local function page(definition, fill)
  local registry = metrics.new({ definition })
  fill(registry[definition.name])
  return registry:text()
end

describe("metrics", function()
  it("writes a counter and a gauge without labels", function()
    local registry = metrics.new({
      { name = "a_total", type = "counter", help = "Of a." },
      { name = "b", type = "gauge", help = "Of b." },
      { name = "never_set", type = "gauge", help = "Not shown." },
    })
    registry.a_total:add(1)
    registry.a_total:add(2)
    registry.b:set(5)
    registry.b:set(0.25)
    assert.equal([[
# HELP a_total Of a.
# TYPE a_total counter
a_total 3
# HELP b Of b.
# TYPE b gauge
b 0.25
]], registry:text())
  end)

  it("keeps the values of labels apart, and sorts them", function()
    assert.equal([[
# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="GET",status="2xx"} 2
calls_total{method="GET",status="5xx"} 0
calls_total{method="POST",status="2xx"} 1
]], page({ name = "calls_total", type = "counter", help = "Calls.", labels = { "method", "status" } }, function(calls)
      calls:add(1, "POST", "2xx")
      calls:add(1, "GET", "2xx")
      calls:add(0, "GET", "5xx")
      calls:add(1, "GET", "2xx")
    end))
  end)

  it("escapes what would end a label's value, a help or a line, and bytes that are no text", function()
    assert.equal([[
# HELP g Back\\slash, line\nend, "quote".
# TYPE g gauge
g{label="a\\b\"c\nd]] .. "\u{FFFD}é" .. [["} 1
]], page({ name = "g", type = "gauge", help = 'Back\\slash, line\nend, "quote".', labels = { "label" } }, function(g)
      g:set(1, 'a\\b"c\nd\xFFé')
    end))
  end)

  it("writes every number so that it reads as the same", function()
    local values = { 0, -1, 1 << 53, 0.1, 1 / 3, 1e21, 1e-7, 1795520000.123, 3.0, math.huge, -math.huge, 0 / 0 }
    local texts = { "0", "-1", "9007199254740992", "0.1", "0.33333333333333331", "1e+21", "1e-07", "1795520000.123",
      "3", "+Inf", "-Inf", "NaN" }
    for i, value in ipairs(values) do
      local text = page({ name = "g", type = "gauge", help = "G." }, function(g)
        g:set(value)
      end)
      assert.equal("g " .. texts[i], text:match("\n(g .-)\n"))
    end
  end)

  it("writes a histogram: cumulative, each bound inclusive, with the sum and the count", function()
    local definition = { name = "t_seconds", type = "histogram", help = "T." }
    definition.labels, definition.bounds = { "event" }, { 0.5, 1 }
    assert.equal([[
# HELP t_seconds T.
# TYPE t_seconds histogram
t_seconds_bucket{event="a",le="0.5"} 2
t_seconds_bucket{event="a",le="1"} 2
t_seconds_bucket{event="a",le="+Inf"} 3
t_seconds_sum{event="a"} 2.75
t_seconds_count{event="a"} 3
t_seconds_bucket{event="b",le="0.5"} 0
t_seconds_bucket{event="b",le="1"} 1
t_seconds_bucket{event="b",le="+Inf"} 1
t_seconds_sum{event="b"} 1
t_seconds_count{event="b"} 1
]], page(definition, function(family)
      family:observe(0.25, "a")
      family:observe(0.5, "a")
      family:observe(2, "a")
      family:observe(1, "b")
    end))
  end)

  it("takes a histogram that was counted elsewhere", function()
    assert.equal([[
# HELP lag_seconds Lag.
# TYPE lag_seconds histogram
lag_seconds_bucket{le="0.01"} 7
lag_seconds_bucket{le="1"} 9
lag_seconds_bucket{le="+Inf"} 10
lag_seconds_sum 3.5
lag_seconds_count 10
]], page({ name = "lag_seconds", type = "histogram", help = "Lag." }, function(family)
      family:take({ bounds = { 0.01, 1 }, counts = { 7, 2, 1 }, sum = 3.5 })
    end))
  end)

  it("forgets all values of a gauge", function()
    local registry = metrics.new({ { name = "g", type = "gauge", help = "G.", labels = { "state" } } })
    registry.g:set(1, "here")
    assert.is_false(registry.g:is_empty())
    registry.g:clear()
    assert.is_true(registry.g:is_empty())
    assert.equal("", registry:text())
  end)

  for kind, count in pairs({ counter = "add", histogram = "observe" }) do
    it("bounds the labels of a " .. kind .. ": what is too much is counted together", function()
      local definition = { name = "n", type = kind, help = "N.", labels = { "a", "b" }, bounds = { 1 } }
      local registry = metrics.new({ definition })
      for n = 1, 10000 do
        registry.n[count](registry.n, 1, "event-" .. n, "x")
      end
      registry.n[count](registry.n, 1, "event-7", "x")
      local samples, sum = 0, 0
      for line in registry:text():gmatch("\nn[^\n]* (%d+)%f[\n]") do
        samples, sum = samples + 1, sum + tonumber(line)
      end
      local each = kind == "counter" and 1 or 4
      assert.equal(257 * each, samples)
      assert.equal(10001 * each, sum)
      local name = kind == "counter" and "n" or "n_count"
      assert.truthy(registry:text():find(name .. '{a="other",b="other"} 9744\n', 1, true))
      assert.truthy(registry:text():find(name .. '{a="event-7",b="x"} 2\n', 1, true))
    end)
  end
end)
