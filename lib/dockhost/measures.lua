-- What this node tells Prometheus: what it heard from the observers since the console was started, and what is read
-- when the page is asked for. Nothing is asked of Docker for it.
local heard = require("dockhost.measures.heard")
local metrics = require("dockhost.metrics")
local read = require("dockhost.measures.read")

local measures = {}

local COMMAND_BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 290 }
local CALL_BOUNDS = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30 }

-- { name, type, help, labels?, bounds? }, in the order of the page. README's table, the alert rules and the dashboard
-- name no other.
measures.LIST = {
  { "dockhost_build_info", "gauge", "The versions of this program and of the libraries that it runs on; always 1.",
    { "version", "lua", "libwebsockets", "curl" } },

  { "dockhost_connection_state", "gauge", "1 for the state of the connection to the main server, 0 for the others.",
    { "state" } },
  { "dockhost_connection_accepted_total", "counter", "Times that the main server accepted this node." },
  { "dockhost_connection_accepted_timestamp_seconds", "gauge", "When the main server accepted this node last." },
  { "dockhost_connection_round_trip_seconds", "gauge", "The round-trip time to the main server, as TCP measures it." },
  { "dockhost_reconnects_total", "counter", "Connections that were lost or could not be made, and why.",
    { "reason" } },
  { "dockhost_key_expiry_timestamp_seconds", "gauge", "When the API key expires, where it tells." },

  { "dockhost_commands_total", "counter",
    "Commands that were answered: success, rejected (a status of 4xx) or failed (5xx).", { "event", "outcome" } },
  { "dockhost_command_duration_seconds", "histogram", "Time from a command's arrival to its reply.", { "event" },
    COMMAND_BOUNDS },
  { "dockhost_commands_in_flight", "gauge", "Commands that are not answered yet, those that wait included." },
  { "dockhost_commands_waiting", "gauge",
    "Commands that wait for another one of the same user, or for a place among those that may run at once." },
  { "dockhost_replies_waiting", "gauge", "Replies that are kept until the main server is connected again." },

  { "dockhost_docker_up", "gauge", "Whether Docker answers." },
  { "dockhost_docker_requests_total", "counter",
    "Answers of Docker's API, by the class of their status; 5xx also where none came.",
    { "method", "endpoint", "status" } },
  { "dockhost_docker_request_duration_seconds", "histogram",
    "Time of the requests to Docker's API, but for those that follow something.", { "method", "endpoint" },
    CALL_BOUNDS },
  { "dockhost_image_pulls_total", "counter", "Pulls of images that ended: success or failure.", { "outcome" } },

  { "dockhost_containers", "gauge", "Containers of this node, as Docker told of them last.", { "state" } },
  { "dockhost_containers_max", "gauge", "How many containers this node takes." },
  { "dockhost_port_triples_free", "gauge",
    "How many more containers the range of ports has room for: an estimate, see README." },
  { "dockhost_port_triples_max", "gauge", "How many containers the whole range of ports has room for." },

  { "dockhost_script_reloads_total", "counter", "Reloads of the scripts: success or failure.", { "outcome" } },
  { "dockhost_script_last_reload_successful", "gauge", "Whether the scripts that serve are those on disk." },
  { "dockhost_log_lines_total", "counter", "Lines of the log.", { "level" } },
  { "dockhost_log_dropped_lines_total", "counter", "Lines of the log that its reader was too slow to take." },

  { "dockhost_event_loop_lag_seconds", "histogram", "How late timers were." },
  { "dockhost_event_loop_turn_seconds", "histogram",
    "How long the event loop worked before it waited again: all else had to wait meanwhile." },
  { "dockhost_lua_heap_bytes", "gauge", "Memory that Lua holds; scripts are stopped at 128 MiB." },

  { "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds." },
  { "process_open_fds", "gauge", "Number of open file descriptors." },
  { "process_max_fds", "gauge", "Maximum number of open file descriptors." },
  { "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes." },
  { "process_resident_memory_bytes", "gauge", "Resident memory size in bytes." },
  { "process_threads", "gauge", "Number of OS threads in the process." },
  { "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds." },
}

for i, row in ipairs(measures.LIST) do
  measures.LIST[i] = { name = row[1], type = row[2], help = row[3], labels = row[4], bounds = row[5] }
end

local Measures = {}
Measures.__index = Measures

-- (node, see node.lua) -> measures, which count from now on
function measures.new(node)
  local families = metrics.new(measures.LIST)
  heard.listen(families, node)
  return setmetatable({ families = families, node = node }, Measures)
end

-- In kilobytes: more than a page leaves behind.
local RUBBISH = 200

-- The page. What it took is looked for at once: the heap of an idle node would grow by half a megabyte before.
function Measures:text()
  read.all(self.families, self.node)
  local text = self.families:text()
  collectgarbage("step", RUBBISH)
  return text
end

return measures
