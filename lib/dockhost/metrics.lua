-- Counters, gauges and histograms, and the text in which Prometheus reads them (exposition format 0.0.4). A family is
-- one metric with all values of its labels; of these it holds a bounded number.
local utf8text = require("dockhost.utf8text")

local metrics = {}

metrics.CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

-- How many combinations of labels a family takes; further ones are counted together, with this in place of each label.
local MOST_SERIES = 256
metrics.OTHER = "other"

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ['"'] = '\\"' }

local function number_text(value)
  if value ~= value then
    return "NaN"
  elseif value == math.huge then
    return "+Inf"
  elseif value == -math.huge then
    return "-Inf"
  end
  local whole = math.tointeger(value)
  if whole then
    return ("%d"):format(whole)
  end
  local short = ("%.15g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

-- 'event="a",outcome="b"': what tells the series of a family apart, as it is written.
local function label_text(names, values)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = name .. '="' .. utf8text.repair(tostring(values[i])):gsub('[\\\n"]', ESCAPES) .. '"'
  end
  return table.concat(parts, ",")
end

local function sample(name, labels, value)
  return name .. (labels ~= "" and "{" .. labels .. "} " or " ") .. number_text(value)
end

local Family = {}
Family.__index = Family

local function new_family(definition)
  local names = definition.labels or {}
  local others = {}
  for i = 1, #names do
    others[i] = metrics.OTHER
  end
  return setmetatable({
    definition = definition,
    names = names,
    others = label_text(names, others),
    series = {},
    count = 0,
  }, Family)
end

-- The key of a series that may be set: that of `values`, or of the rest when there are too many.
local function key_of(self, values)
  local key = label_text(self.names, values)
  if self.series[key] == nil and self.count >= MOST_SERIES then
    key = self.others
  end
  if self.series[key] == nil then
    self.count = self.count + 1
  end
  return key
end

-- (amount, label values…): 0 makes a counter be there before it counts, so that its first step is seen as one.
function Family:add(amount, ...)
  local key = key_of(self, { ... })
  self.series[key] = (self.series[key] or 0) + amount
end

-- (value, label values…)
function Family:set(value, ...)
  self.series[key_of(self, { ... })] = value
end

-- (histogram as host.loop.lag returns it, label values…): one that is counted elsewhere
Family.take = Family.set

function Family:is_empty()
  return self.count == 0
end

-- Forgets all values: of a gauge whose labels may be gone.
function Family:clear()
  self.series, self.count = {}, 0
end

local function empty_histogram(bounds)
  local counts = {}
  for i = 1, #bounds + 1 do
    counts[i] = 0
  end
  return { bounds = bounds, counts = counts, sum = 0 }
end

-- (seconds, label values…), of a histogram
function Family:observe(seconds, ...)
  local key = key_of(self, { ... })
  local histogram = self.series[key]
  if not histogram then
    histogram = empty_histogram(self.definition.bounds)
    self.series[key] = histogram
  end
  local at = 1
  while histogram.bounds[at] and seconds > histogram.bounds[at] do
    at = at + 1
  end
  histogram.counts[at] = histogram.counts[at] + 1
  histogram.sum = histogram.sum + seconds
end

local function write_histogram(lines, name, labels, histogram)
  local before = labels ~= "" and labels .. "," or ""
  local count = 0
  for i, own in ipairs(histogram.counts) do
    count = count + own
    local bound = number_text(histogram.bounds[i] or math.huge)
    lines[#lines + 1] = sample(name .. "_bucket", before .. 'le="' .. bound .. '"', count)
  end
  lines[#lines + 1] = sample(name .. "_sum", labels, histogram.sum)
  lines[#lines + 1] = sample(name .. "_count", labels, count)
end

local function write_family(lines, family)
  local definition = family.definition
  local name, keys = definition.name, {}
  for key in pairs(family.series) do
    keys[#keys + 1] = key
  end
  if #keys == 0 then
    return
  end
  table.sort(keys)
  lines[#lines + 1] = "# HELP " .. name .. " " .. definition.help:gsub("[\\\n]", ESCAPES)
  lines[#lines + 1] = "# TYPE " .. name .. " " .. definition.type
  for _, key in ipairs(keys) do
    if definition.type == "histogram" then
      write_histogram(lines, name, key, family.series[key])
    else
      lines[#lines + 1] = sample(name, key, family.series[key])
    end
  end
end

local Metrics = {}

-- metrics.new(list of { name =, type = "counter" | "gauge" | "histogram", help =, labels = list?, bounds = list? }): a
-- table with the family of each name.
function metrics.new(definitions)
  local self = setmetatable({}, { __index = Metrics })
  for i, definition in ipairs(definitions) do
    local family = new_family(definition)
    self[i], self[definition.name] = family, family
  end
  return self
end

-- The page. A family without values is left out.
function Metrics:text()
  local lines = {}
  for _, family in ipairs(self) do
    write_family(lines, family)
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

return metrics
