-- What the limits on scripts cost: the speed of handlers under the watchdog, as a ratio to the same without it.
-- Usage: build/host-lua bench/limits.lua
local guard = require("host.guard")
local loop = require("host.loop")

local ROUNDS <const> = 15
local SLICE_SECONDS <const> = 1

local function arithmetic()
  local x = 0
  for i = 1, 2000000 do
    x = (x * 31 + i) % 1000003
  end
  return x
end

local function tables_and_text()
  local parts = {}
  for i = 1, 100000 do
    parts[i] = { name = "user-" .. i, n = i }
  end
  table.sort(parts, function(a, b)
    return a.name < b.name
  end)
  return #parts
end

-- Many short turns, as of commands that wait for Docker.
local function turns(resume)
  local co = coroutine.create(function()
    while true do
      coroutine.yield()
    end
  end)
  for _ = 1, 100000 do
    resume(co)
  end
end

local function plain(co, ...)
  return coroutine.resume(co, ...)
end

local function guarded(co, ...)
  return guard.resume(co, SLICE_SECONDS, ...)
end

local function once(work)
  return function(resume)
    assert(resume(coroutine.create(work)))
  end
end

local function seconds(work, resume)
  collectgarbage()
  local began = loop.now()
  work(resume)
  return loop.now() - began
end

local function median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

-- Both in turn, so that a slow moment of the machine meets both.
local function measure(work)
  local without, with = {}, {}
  for i = 1, ROUNDS do
    without[i], with[i] = seconds(work, plain), seconds(work, guarded)
  end
  return median(without), median(with)
end

local WORKS = {
  { "arithmetic, 2 million rounds", once(arithmetic) },
  { "100,000 tables, texts, a sort", once(tables_and_text) },
  { "100,000 turns of a coroutine", turns },
}

guard.limit_memory(128 * 1024 * 1024)
print(("%-32s %10s %10s %8s"):format("handler", "plain ms", "limits ms", "cost %"))
for _, work in ipairs(WORKS) do
  local without, with = measure(work[2])
  print(("%-32s %10.2f %10.2f %8.1f"):format(work[1], without * 1000, with * 1000, (with / without - 1) * 100))
end
