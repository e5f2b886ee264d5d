-- What speaks of the metrics, against the list of them: README, the alert rules and their tests, the dashboard.
local json = require("dockhost.json")
local measures = require("dockhost.measures")
local node_support = require("node_support")

local function text_of(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local RULES = text_of("packaging/prometheus/dockhost.rules.yml")
local TESTS = text_of("spec/prometheus/rules.test.yml")
local DASHBOARD = json.decode(text_of("packaging/grafana/dockhost.json"))

local defined = {}
for _, definition in ipairs(measures.LIST) do
  defined[definition.name] = definition
end

-- What comes with each sample from Prometheus itself.
local TARGET = { job = true, instance = true }

local function definition_of(name)
  for _, suffix in ipairs({ "_bucket", "_sum", "_count" }) do
    local base = name:sub(-#suffix) == suffix and defined[name:sub(1, -#suffix - 1)]
    if base and base.type == "histogram" then
      return base, suffix == "_bucket"
    end
  end
  return defined[name]
end

local function check_labels(name, definition, is_bucket, selector)
  local labels = { le = is_bucket or nil }
  for _, label in ipairs(definition.labels or {}) do
    labels[label] = true
  end
  for label in selector:gsub('"[^"]*"', '""'):gmatch("([%w_]+)%s*[=!]") do
    assert(labels[label] or TARGET[label], name .. " has no label " .. label .. ": " .. selector)
  end
end

-- Fails where a text names what does not exist: a metric, or a label of one. Returns how many metrics it names.
local function check(text)
  local count = 0
  for name, at in text:gmatch("%f[%w_]([%l_]+)()") do
    if name:find("^dockhost_") or name:find("^process_") then
      local definition, is_bucket = definition_of(name)
      assert(definition, "there is no metric " .. name .. ": " .. text)
      -- Prose may name a histogram as a whole.
      local is_sample = definition.type ~= "histogram" or name ~= definition.name or not text:match("^[{%[]", at)
      assert(is_sample, "a histogram has no sample " .. name)
      check_labels(name, definition, is_bucket, text:match("^%b{}", at) or "")
      count = count + 1
    end
  end
  return count
end

-- Calls fn(field, value) for each string in a tree.
local function each_string(tree, fn)
  for field, value in pairs(tree) do
    if type(value) == "table" then
      each_string(value, fn)
    elseif type(value) == "string" then
      fn(field, value)
    end
  end
end

describe("README's table of metrics", function()
  it("has every metric, in order, with its type and its labels", function()
    local section = assert(text_of("README.md"):match("\n## Metrics\n(.-)\n## "))
    local rows = {}
    for name, kind, labels in section:gmatch("\n| `([%w_]+)` | (%w+) | ([^|]*)|") do
      table.insert(rows, { name = name, type = kind, labels = labels })
    end
    for i, definition in ipairs(measures.LIST) do
      local row = rows[i] or {}
      assert.equal(definition.name, row.name)
      assert.equal(definition.type, row.type, row.name)
      local labels = {}
      for label in row.labels:gmatch("`([%w_]+)`") do
        table.insert(labels, label)
      end
      assert.same(definition.labels or {}, labels, row.name)
    end
    assert.equal(#measures.LIST, #rows)
  end)

  it("has every reason of a reconnection", function()
    local row = assert(text_of("README.md"):match("\n| `dockhost_reconnects_total` |[^\n]*"))
    local node = node_support.new()
    node.node.connection = nil
    node.node:measure()
    local reasons = 0
    for reason in node.node.metrics:text():gmatch('\ndockhost_reconnects_total{reason="([%l-]+)"}') do
      assert.truthy(row:find("`" .. reason .. "`", 1, true), reason)
      reasons = reasons + 1
    end
    assert.is_true(reasons > 10)
    node:finish()
  end)
end)

describe("the alert rules", function()
  local alerts = {}
  for name, body in (RULES .. "\n      - "):gmatch("alert: (%w+)\n(.-)\n      %f[-]") do
    table.insert(alerts, { name = name, body = body })
  end

  it("name only metrics and labels that exist", function()
    local count = 0
    for line in RULES:gmatch("[^\n]+") do
      count = count + check(line)
    end
    assert.is_true(count > #alerts)
  end)

  it("say each what is wrong with which node, and what to do", function()
    local _, expected = RULES:gsub("%- alert: ", "")
    assert.is_true(expected > 10)
    assert.equal(expected, #alerts)
    for _, alert in ipairs(alerts) do
      assert.matches("\n +summary: '{{ $labels%.instance }}: ", alert.body, alert.name)
      assert.matches("\n +description: >%-\n +[%u`]", alert.body, alert.name)
      assert.matches("severity: %l+}", alert.body, alert.name)
    end
  end)

  it("have each a test, of metrics that exist", function()
    for _, alert in ipairs(alerts) do
      assert.truthy(TESTS:find('alertname="' .. alert.name .. '",instance=', 1, true), alert.name)
    end
    for line in TESTS:gmatch("series: ('[^\n]-')") do
      check(line)
    end
  end)
end)

describe("the dashboard", function()
  it("names only metrics and labels that exist", function()
    local expressions = 0
    each_string(DASHBOARD, function(field, value)
      if field == "expr" then
        expressions = expressions + 1
        assert.is_true(check(value) > 0, value)
      else
        check(value)
      end
    end)
    assert.is_true(expressions > 30)
  end)

  it("asks the chosen Prometheus for the chosen nodes", function()
    local ids = {}
    for _, panel in ipairs(DASHBOARD.panels) do
      assert.is_nil(ids[panel.id])
      ids[panel.id] = true
      for _, target in ipairs(panel.targets or {}) do
        assert.equal("${datasource}", target.datasource.uid)
        local expression = target.expr
        for selector in expression:gmatch("_[%l]+(%b{})") do
          assert.truthy(selector:find('instance=~"$instance"', 1, true), expression)
        end
      end
    end
    local names = {}
    for _, variable in ipairs(DASHBOARD.templating.list) do
      names[variable.name] = variable.type
    end
    assert.same({ datasource = "datasource", instance = "query" }, names)
  end)

  it("shows every metric of the node's own", function()
    local text = text_of("packaging/grafana/dockhost.json")
    for name, definition in pairs(defined) do
      local shown = definition.type == "histogram" and name .. "_bucket" or name
      assert.truthy(name:find("^process_") or text:find(shown .. "{", 1, true), name)
    end
  end)

  it("has panels that lie side by side", function()
    local taken = {}
    for _, panel in ipairs(DASHBOARD.panels) do
      local at = panel.gridPos
      assert.is_true(at.x + at.w <= 24)
      for x = at.x, at.x + at.w - 1 do
        for y = at.y, at.y + at.h - 1 do
          local cell = x .. "," .. y
          assert.is_nil(taken[cell], panel.title)
          taken[cell] = true
        end
      end
    end
  end)
end)
