-- Counts what the observers are told (see observers.lua), and the lines of the log.
local endpoint = require("dockhost.measures.endpoint")
local OTHER = require("dockhost.metrics").OTHER

local heard = {}

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do
    found[word] = true
  end
  return found
end

local OUTCOMES = { "success", "rejected", "failed" }
local LEVELS = { "debug", "info", "warn", "error" }
local METHODS = set("GET HEAD POST PUT DELETE")
-- The codes of host.websocket and session.lua, and those of link.lua.
local REASONS = set([[
  closed connect full handshake heartbeat left protocol refused resolve server timeout tls too-large
]])

local function outcome_of(value)
  if value.success then
    return "success"
  end
  return value.status < 500 and "rejected" or "failed"
end

local function known(words, word)
  return words[word] and word or OTHER
end

-- What goes on until somebody ends it tells nothing of Docker's speed, and a pull little.
local function is_timed(name, path)
  return name ~= "/events" and name ~= "/images/create" and not path:find("[?&]follow=[1t]")
    and not (name == "/containers/{id}/stats" and not path:find("[?&]stream=[0f]"))
end

local TOPICS = {
  command = function(families, value)
    if value.seconds then
      families.dockhost_commands_total:add(1, value.event, outcome_of(value))
      families.dockhost_command_duration_seconds:observe(value.seconds, value.event)
    end
  end,
  call = function(families, value)
    local method, name = known(METHODS, value.method), endpoint(value.path)
    families.dockhost_docker_requests_total:add(1, method, name, value.status // 100 .. "xx")
    if is_timed(name, value.path) then
      families.dockhost_docker_request_duration_seconds:observe(value.seconds, method, name)
    end
  end,
  connection = function(families, value, node)
    if value.event == "accepted" then
      families.dockhost_connection_accepted_total:add(1)
      families.dockhost_connection_accepted_timestamp_seconds:set(node.host.loop.time())
    elseif value.event then
      families.dockhost_reconnects_total:add(1, known(REASONS, value.code))
    end
  end,
  pull = function(families, value)
    if value.ended then
      families.dockhost_image_pulls_total:add(1, value.message and "failure" or "success")
    end
  end,
  scripts = function(families, value)
    families.dockhost_script_reloads_total:add(1, value.loaded and "success" or "failure")
    families.dockhost_script_last_reload_successful:set(value.loaded and 1 or 0)
  end,
}

-- Counters begin at 0: a first step from nothing would not be seen as one.
local function begin(families)
  for reason in pairs(REASONS) do
    families.dockhost_reconnects_total:add(0, reason)
  end
  for _, outcome in ipairs({ "success", "failure" }) do
    families.dockhost_image_pulls_total:add(0, outcome)
    families.dockhost_script_reloads_total:add(0, outcome)
  end
  for _, level in ipairs(LEVELS) do
    families.dockhost_log_lines_total:add(0, level)
  end
  families.dockhost_connection_accepted_total:add(0)
  families.dockhost_script_last_reload_successful:set(1)
end

-- The same for the events of commands, which a reload may have added to.
function heard.expect(families, event)
  for _, outcome in ipairs(OUTCOMES) do
    families.dockhost_commands_total:add(0, event, outcome)
  end
end

-- (families, node): counts from now on.
function heard.listen(families, node)
  begin(families)
  node.observers:add(function(topic, value)
    local count = TOPICS[topic]
    if count then
      count(families, value, node)
    end
  end)
  node.log:tap(function(record)
    families.dockhost_log_lines_total:add(1, record.level)
  end)
end

return heard
