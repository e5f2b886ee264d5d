-- Reads what is measured only when the page is asked for. Docker is not asked: its events keep what is known of the
-- containers.
local heard = require("dockhost.measures.heard")

local read = {}

local CONNECTION_STATES = { "connected", "connecting", "waiting", "offline", "local" }
local CONTAINER_STATES = { "created", "running", "paused", "restarting", "removing", "exited", "dead" }

local function flag(value)
  return value and 1 or 0
end

local function build(families, node)
  local libraries = node.host.process.libraries()
  families.dockhost_build_info:set(1, node.host.process.version, libraries.lua, libraries.libwebsockets,
    libraries.curl)
end

-- Of a gauge that may be unknown.
local function set_or_leave_out(family, value)
  family:clear()
  if value then
    family:set(value)
  end
end

local function connection(families, node)
  local link = node.connection
  local status = link and link:status() or { state = "local" }
  for _, state in ipairs(CONNECTION_STATES) do
    families.dockhost_connection_state:set(flag(state == status.state), state)
  end
  families.dockhost_replies_waiting:set(link and link.outbox:count() or 0)
  set_or_leave_out(families.dockhost_key_expiry_timestamp_seconds, status.key_expires)
  local socket = status.state == "connected" and link.link and link.link.socket
  set_or_leave_out(families.dockhost_connection_round_trip_seconds, socket and socket:latency())
end

local function commands(families, node)
  for event in pairs(node.scripts.commands) do
    heard.expect(families, event)
  end
  for event in pairs(node.scripts.dialect) do
    heard.expect(families, event)
  end
  families.dockhost_commands_in_flight:set(node.dispatcher.running)
  families.dockhost_commands_waiting:set(node.dispatcher:waiting())
end

-- How many are in which state, and how many in all.
local function count_states(states)
  local counts, all = {}, 0
  for _, state in pairs(states) do
    counts[state], all = (counts[state] or 0) + 1, all + 1
  end
  return counts, all
end

-- How many triples the range has, as it is cut from its start, and how many have no port that something listens on or
-- that a container is known to have. Of one that is stopped the ports are not known before somebody asks for them, so
-- each container counts as one triple at least.
local function triples(node, containers)
  local first, last = node.ports.range()
  local taken, listening = {}, node.ports.listening() or {}
  local function take(port)
    if port >= first and port <= last then
      taken[(port - first) // 3] = true
    end
  end
  for port in pairs(listening) do
    take(port)
  end
  for _, known in pairs(node.containers.bindings.known) do
    for _, port in ipairs(known.bound) do
      take(port)
    end
  end
  local used, most = 0, (last - first + 1) // 3
  for at in pairs(taken) do
    used = used + flag(at < most)
  end
  return most, math.max(0, most - math.max(used, containers))
end

local function docker(families, node)
  local up = node.monitor and node.monitor.up
  families.dockhost_docker_up:set(flag(up))
  families.dockhost_containers_max:set(node.settings.max_containers)
  if not up and families.dockhost_containers:is_empty() then
    -- It has never answered.
    return
  end
  local counts, all = count_states(node.containers.states)
  families.dockhost_containers:clear()
  for _, state in ipairs(CONTAINER_STATES) do
    counts[state] = counts[state] or 0
  end
  for state, count in pairs(counts) do
    families.dockhost_containers:set(count, state)
  end
  local most, free = triples(node, all)
  families.dockhost_port_triples_max:set(most)
  families.dockhost_port_triples_free:set(free)
end

local function program(families, node)
  local host = node.host
  families.dockhost_event_loop_lag_seconds:take(host.loop.lag())
  families.dockhost_event_loop_turn_seconds:take(host.loop.turns())
  families.dockhost_lua_heap_bytes:set(math.floor(collectgarbage("count") * 1024))
  families.dockhost_log_dropped_lines_total:set(host.log.dropped())
end

local function process(families, node)
  local figures = node.host.process.figures()
  for name, figure in pairs(figures and {
    process_cpu_seconds_total = figures.cpu,
    process_open_fds = figures.descriptors,
    process_max_fds = figures.most_descriptors,
    process_virtual_memory_bytes = figures.virtual,
    process_resident_memory_bytes = figures.resident,
    process_threads = figures.threads,
    process_start_time_seconds = figures.started,
  } or {}) do
    families[name]:set(figure)
  end
end

-- (families, node)
function read.all(families, node)
  for _, part in ipairs({ build, connection, commands, docker, program, process }) do
    part(families, node)
  end
end

return read
