-- `dockhost stats [USER]`: what the running containers use.
local cli = require("dockhost.cli")
local json = require("dockhost.json")
local stats = require("dockhost.stats")
local stream = require("dockhost.cli.stream")
local task = require("dockhost.task")
local text = require("dockhost.text")

local verb = {}

-- CPU use needs two samples.
local FIRST_SECONDS, SECONDS = 1, 2
local AT_ONCE = 8
local HEADER = { "USER", "CPU", "MEMORY", "LIMIT", "PROCESSES", "RECEIVED", "SENT" }
local HOME, CLEAR_LINE, CLEAR_REST = "\27[H", "\27[K\n", "\27[J"

local function row(entry)
  return {
    entry.username,
    ("%.1f %%"):format(entry.cpuPercent),
    text.bytes(entry.memoryBytes),
    entry.memoryLimit > 0 and text.bytes(entry.memoryLimit) or "-",
    entry.pids,
    text.bytes(entry.rxBytes),
    text.bytes(entry.txBytes),
  }
end

local function shown(app, entries)
  if app.parsed.json then
    return json.encode({ containers = json.array(entries) }) .. "\n"
  end
  local rows = { HEADER }
  for i, entry in ipairs(entries) do
    rows[i + 1] = row(entry)
  end
  local lines = text.columns(rows)
  if app.parsed.follow and app.host.process.isatty(1) then
    return HOME .. lines:gsub("\n", CLEAR_LINE) .. CLEAR_REST
  end
  return lines
end

-- The running containers that are asked for, or nil, message, status.
local function watched(app)
  local list, message, status = app.node.containers:list()
  if not list then
    return nil, message, status
  end
  local user, running = app.parsed.positional[1], {}
  local state
  for _, instance in ipairs(list) do
    if not user or instance.username == user then
      state = instance.state
      table.insert(running, state == "running" and instance or nil)
    end
  end
  if user and not state then
    return nil, "this user has no container", 404
  elseif user and not running[1] then
    return nil, ("the container of %s is %s: it uses nothing"):format(user, state), 409
  end
  return running
end

-- Samples by container id.
local function sample(app, running)
  local samples = {}
  local results = task.each(app.tasks, running, AT_ONCE, function(instance)
    return app.node.docker:container_stats(instance.id)
  end)
  for instance, result in pairs(results) do
    samples[instance.id] = result[1] and result[2] or nil
  end
  return samples
end

local function entries_of(running, before, now)
  local entries = {}
  for _, instance in ipairs(running) do
    local first, second = before[instance.id], now[instance.id]
    if first and second then
      local entry = stats.usage(first, second)
      entry.username, entry.containerId = instance.username, instance.id
      table.insert(entries, entry)
    end
  end
  return entries
end

local function watch(app, put)
  local before, seconds = {}, FIRST_SECONDS
  while true do
    local running, message, status = watched(app)
    if not running then
      return stream.complain(app, app.parsed.positional[1], message, status)
    end
    local now = sample(app, running)
    if next(before) or not running[1] then
      put(shown(app, entries_of(running, before, now)))
      if not app.parsed.follow then
        return cli.OK
      end
      seconds = SECONDS
    end
    before = now
    app.node.sleep(seconds)
  end
end

-- (app) -> exit code
function verb.perform(app)
  return stream.run(app, function(put)
    if app.parsed.follow and not app.parsed.json and app.host.process.isatty(1) then
      put("\27[2J")
    end
    return watch(app, put)
  end)
end

return verb
