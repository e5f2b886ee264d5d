-- dockhost.measures: what the page says after what happens to a node on the fakes.
local measures = require("dockhost.measures")
local node_support = require("node_support")
local outbox = require("dockhost.outbox")

local node, observers

-- { ["name{labels}"] = value } of the page.
local function page()
  local values = {}
  for key, value in node.node.metrics:text():gmatch("([%a_]+%b{}) (%S+)\n") do
    values[key] = tonumber(value)
  end
  for key, value in node.node.metrics:text():gmatch("\n([%a_]+) (%S+)%f[\n]") do
    values[key] = tonumber(value)
  end
  return values
end

-- A connection that is in that state, on a socket with that latency.
local function connected(status, latency)
  node.node.connection = {
    link = { socket = { latency = function()
      return latency
    end } },
    outbox = outbox.new({ limit = 10, bytes = 1000 }),
    status = function()
      return status
    end,
  }
  return node.node.connection
end

before_each(function()
  node = node_support.new()
  node.node.connection = nil
  node.node.monitor = { up = true, sweep_in = function() end }
  node.node:measure()
  observers = node.node.observers
end)
after_each(function()
  node:finish()
end)

describe("the list of measures", function()
  it("follows the conventions of names", function()
    local seen = {}
    for _, definition in ipairs(measures.LIST) do
      local name = definition.name
      assert.matches("^[a-z][a-z_]*[a-z]$", name)
      assert.truthy(name:find("^dockhost_") or name:find("^process_"), name)
      assert.is_nil(seen[name])
      seen[name] = true
      assert.equal(definition.type == "counter", name:find("_total$") ~= nil, name)
      assert.equal(definition.type == "histogram", definition.bounds ~= nil or name:find("_event_loop_") ~= nil, name)
      assert.truthy(definition.type ~= "histogram" or name:find("_seconds$"), name)
      assert.matches("%.$", definition.help)
    end
  end)

  it("has a value of each on the page, once all has happened", function()
    connected({ state = "connected", key_expires = 1 }, 0.002)
    observers:tell("connection", { state = "connected", event = "accepted" })
    node:call("list-containers", {})
    local text = node.node.metrics:text()
    for _, definition in ipairs(measures.LIST) do
      assert.truthy(text:find("# HELP " .. definition.name .. " ", 1, true), definition.name)
    end
  end)
end)

describe("commands", function()
  it("are counted by event and outcome, and timed", function()
    node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    node:call("create-container", { username = "bob", sshPublicKey = node_support.KEY })
    node:call("start_container", { USERNAME = "ada", SSH_PUB_KEY = node_support.KEY, startingPortNo = 3000 })
    node:call("create-container", { username = "eve" })
    node.docker:fail("GET", "/containers/json", 500, "broken")
    node:call("list-containers", {})
    local values = page()
    assert.equal(2, values['dockhost_commands_total{event="create-container",outcome="success"}'])
    assert.equal(1, values['dockhost_commands_total{event="create-container",outcome="rejected"}'])
    assert.equal(1, values['dockhost_commands_total{event="start_container",outcome="rejected"}'])
    assert.equal(1, values['dockhost_commands_total{event="list-containers",outcome="failed"}'])
    assert.equal(0, values['dockhost_commands_total{event="list-containers",outcome="success"}'])
    assert.equal(3, values['dockhost_command_duration_seconds_count{event="create-container"}'])
    assert.is_nil(values['dockhost_command_duration_seconds_count{event="delete-container"}'])
  end)

  it("are there at 0 before the first, those of a reload too", function()
    assert.equal(0, page()['dockhost_commands_total{event="delete_container",outcome="failed"}'])
    node.scripts.commands.fresh = { run = function() end }
    assert.equal(0, page()['dockhost_commands_total{event="fresh",outcome="success"}'])
  end)

  it("that are unknown have no label of their own", function()
    node:call("rm -rf", {})
    assert.is_nil(node.node.metrics:text():find("rm -rf", 1, true))
  end)

  it("in flight and waiting are counted: for the user's turn, and for one of the four creates", function()
    for n = 1, 6 do
      node:send("create-container", { username = "user" .. n, sshPublicKey = node_support.KEY })
    end
    node:send("container-status", { username = "user1" })
    node:send("stop-container", { username = "user1" })
    local values = page()
    assert.equal(8, values.dockhost_commands_in_flight)
    assert.equal(4, values.dockhost_commands_waiting)
    node:advance(20)
    values = page()
    assert.equal(0, values.dockhost_commands_in_flight)
    assert.equal(0, values.dockhost_commands_waiting)
  end)
end)

describe("Docker's calls", function()
  it("are counted by endpoint and class, and timed", function()
    node:call("list-containers", {})
    node:call("check_if_container_exists", { USERNAME = "ada" })
    local values = page()
    assert.equal(1, values['dockhost_docker_requests_total{method="GET",endpoint="/_ping",status="2xx"}'])
    assert.equal(1, values['dockhost_docker_requests_total{method="GET",endpoint="/containers/json",status="2xx"}'])
    local absent = '{method="GET",endpoint="/containers/{id}/json",status="4xx"}'
    assert.is_true(node.node.metrics:text():find("dockhost_docker_requests_total" .. absent .. " 2\n", 1, true) ~= nil)
    assert.equal(1, values['dockhost_docker_request_duration_seconds_count{method="GET",endpoint="/containers/json"}'])
  end)

  it("that follow something, and pulls, are counted and not timed", function()
    for _, path in ipairs({ "/v1.41/events?since=1", "/v1.41/images/create?fromImage=a",
      "/v1.41/containers/a/logs?follow=true&tail=1", "/v1.41/containers/a/logs?tail=1", "/v1.41/containers/a/stats",
      "/v1.41/containers/a/stats?one-shot=true&stream=false" }) do
      observers:tell("call", { method = "GET", path = path, status = 200, seconds = 100 })
    end
    local text = node.node.metrics:text()
    local function count(name, endpoint)
      return tonumber(text:match("\n" .. name .. '{method="GET",endpoint="' .. endpoint .. '"[^\n]*} (%d+)'))
    end
    local requests, durations = "dockhost_docker_requests_total", "dockhost_docker_request_duration_seconds_count"
    assert.equal(1, count(requests, "/events"))
    assert.equal(1, count(requests, "/images/create"))
    assert.equal(2, count(requests, "/containers/{id}/logs"))
    assert.equal(2, count(requests, "/containers/{id}/stats"))
    assert.is_nil(count(durations, "/events"))
    assert.is_nil(count(durations, "/images/create"))
    assert.equal(1, count(durations, "/containers/{id}/logs"))
    assert.equal(1, count(durations, "/containers/{id}/stats"))
  end)

  it("of a script's own making add no labels", function()
    observers:tell("call", { method = "BREW", path = "/v1.41/pot-1", status = 418, seconds = 1 })
    assert.equal(1, page()['dockhost_docker_requests_total{method="other",endpoint="other",status="4xx"}'])
  end)
end)

describe("the connection", function()
  local function states()
    local values, found = page(), {}
    for _, state in ipairs({ "connected", "connecting", "waiting", "offline", "local" }) do
      local value = values['dockhost_connection_state{state="' .. state .. '"}']
      found[#found + 1] = value == 1 and state or nil
      assert.truthy(value == 0 or value == 1)
    end
    return found
  end

  it("has one state", function()
    assert.same({ "local" }, states())
    for _, state in ipairs({ "connected", "connecting", "waiting", "offline" }) do
      connected({ state = state })
      assert.same({ state }, states())
    end
  end)

  it("tells when it was accepted, how often, and why it was lost", function()
    assert.is_nil(page().dockhost_connection_accepted_timestamp_seconds)
    observers:tell("connection", { state = "connecting" })
    observers:tell("connection", { state = "offline", event = "failed", code = "connect" })
    observers:tell("connection", { state = "waiting" })
    observers:tell("connection", { state = "connected", event = "accepted" })
    observers:tell("connection", { state = "offline", event = "lost", code = "heartbeat" })
    observers:tell("connection", { state = "offline", event = "lost", code = "ENOMEM" })
    node:advance(60)
    local values = page()
    assert.equal(1, values.dockhost_connection_accepted_total)
    assert.equal(node.host.loop.time() - 60, values.dockhost_connection_accepted_timestamp_seconds)
    assert.equal(1, values['dockhost_reconnects_total{reason="connect"}'])
    assert.equal(1, values['dockhost_reconnects_total{reason="heartbeat"}'])
    assert.equal(1, values['dockhost_reconnects_total{reason="other"}'])
    assert.equal(0, values['dockhost_reconnects_total{reason="refused"}'])
  end)

  it("tells when the key expires, and no more when it does not", function()
    local status = { state = "connected", key_expires = 1795520000 }
    connected(status)
    assert.equal(1795520000, page().dockhost_key_expiry_timestamp_seconds)
    status.key_expires = nil
    assert.is_nil(page().dockhost_key_expiry_timestamp_seconds)
  end)

  it("tells its round-trip time while it is there and the kernel knows it", function()
    local status = { state = "connected" }
    connected(status, 0.0125)
    assert.equal(0.0125, page().dockhost_connection_round_trip_seconds)
    status.state = "offline"
    assert.is_nil(page().dockhost_connection_round_trip_seconds)
    status.state = "connected"
    node.node.connection.link = nil
    assert.is_nil(page().dockhost_connection_round_trip_seconds)
    connected(status, nil)
    assert.is_nil(page().dockhost_connection_round_trip_seconds)
  end)

  it("tells how many replies wait for it", function()
    connected({ state = "waiting" }).outbox:put("a", 1)
    assert.equal(1, page().dockhost_replies_waiting)
  end)
end)

describe("containers", function()
  it("are counted by state, from what is known", function()
    for _, user in ipairs({ "ada", "bob", "eve" }) do
      node:call("create-container", { username = user, sshPublicKey = node_support.KEY })
    end
    node:call("stop-container", { username = "eve" })
    node:call("list-containers", {})
    local asked = #node.docker.calls
    local values = page()
    assert.equal(2, values['dockhost_containers{state="running"}'])
    assert.equal(1, values['dockhost_containers{state="exited"}'])
    assert.equal(0, values['dockhost_containers{state="dead"}'])
    node.containers:note("eve", "gone-mad")
    values = page()
    assert.equal(0, values['dockhost_containers{state="exited"}'])
    assert.equal(1, values['dockhost_containers{state="gone-mad"}'])
    node.containers:note("eve", nil)
    assert.is_nil(page()['dockhost_containers{state="gone-mad"}'])
    assert.equal(50, values.dockhost_containers_max)
    assert.equal(asked, #node.docker.calls)
  end)

  it("are unknown until Docker has answered once, and the last known ones when it is away", function()
    node.node.monitor.up = false
    local values = page()
    assert.equal(0, values.dockhost_docker_up)
    assert.is_nil(values['dockhost_containers{state="running"}'])
    assert.is_nil(values.dockhost_port_triples_free)
    node.node.monitor.up = true
    assert.equal(1, page().dockhost_docker_up)
    node.containers:note("ada", "running")
    node.node.monitor.up = false
    assert.equal(1, page()['dockhost_containers{state="running"}'])
  end)
end)

describe("the free ports", function()
  local function free(first, last, listening, known)
    node.settings.port_start, node.settings.port_end = first, last
    node.ports.listening = function()
      return listening
    end
    node.containers.bindings.known = known or {}
    local values = page()
    return values.dockhost_port_triples_free, values.dockhost_port_triples_max
  end

  it("are the triples of the range in which nothing listens", function()
    assert.same({ 3, 3 }, { free(3000, 3008, {}) })
    assert.same({ 3, 3 }, { free(3000, 3010, { [2999] = true, [3009] = true, [3010] = true, [3011] = true }) })
    assert.same({ 1, 3 }, { free(3000, 3008, { [3000] = true, [3002] = true, [3008] = true }) })
    assert.same({ 0, 0 }, { free(3000, 3001, { [3000] = true }) })
  end)

  it("are not those of a stopped container", function()
    assert.same({ 2, 3 }, { free(3000, 3008, {}, { id = { bound = { 3003, 3004, 3005 } } }) })
  end)

  it("are no more than what the containers leave", function()
    node.containers:note("ada", "exited")
    node.containers:note("bob", "exited")
    assert.same({ 1, 3 }, { free(3000, 3008, { [3000] = true }) })
    assert.same({ 0, 1 }, { free(3000, 3002, nil) })
  end)
end)

describe("the program", function()
  it("tells of reloads", function()
    local values = page()
    assert.equal(1, values.dockhost_script_last_reload_successful)
    assert.equal(0, values['dockhost_script_reloads_total{outcome="failure"}'])
    observers:tell("scripts", { loaded = true })
    observers:tell("scripts", { loaded = false })
    values = page()
    assert.equal(0, values.dockhost_script_last_reload_successful)
    assert.equal(1, values['dockhost_script_reloads_total{outcome="failure"}'])
    assert.equal(1, values['dockhost_script_reloads_total{outcome="success"}'])
  end)

  it("counts the lines of its log", function()
    node.log:child("docker"):warn("away")
    node.log:error("broken")
    node.log:trace("broken", "stack traceback:")
    local values = page()
    assert.equal(1, values['dockhost_log_lines_total{level="warn"}'])
    assert.equal(2, values['dockhost_log_lines_total{level="error"}'])
    assert.equal(0, values['dockhost_log_lines_total{level="debug"}'])
  end)

  it("tells of pulls that ended", function()
    for _, value in ipairs({ {}, { current = 1, total = 2 }, { ended = true }, { ended = true, message = "no" } }) do
      observers:tell("pull", value)
    end
    local values = page()
    assert.equal(1, values['dockhost_image_pulls_total{outcome="success"}'])
    assert.equal(1, values['dockhost_image_pulls_total{outcome="failure"}'])
  end)

  it("tells its versions, its loop, its heap and the process", function()
    local values = page()
    assert.equal(1, values['dockhost_build_info{version="0.0.0",lua="5.4.4",libwebsockets="4.1.6",curl="7.88.1"}'])
    assert.equal(10, values.dockhost_event_loop_lag_seconds_count)
    assert.equal(9, values['dockhost_event_loop_turn_seconds_bucket{le="1"}'])
    assert.is_true(values.dockhost_lua_heap_bytes > 100000)
    assert.equal(0, values.dockhost_log_dropped_lines_total)
    assert.equal(0.25, values.process_cpu_seconds_total)
    assert.equal(9, values.process_open_fds)
    assert.equal(1024, values.process_max_fds)
    assert.equal(9000000, values.process_resident_memory_bytes)
    assert.equal(90000000, values.process_virtual_memory_bytes)
    assert.equal(1, values.process_threads)
    assert.is_true(values.process_start_time_seconds > 0)
  end)

  it("leaves out what the machine does not tell", function()
    node.host.process.figures = function()
      return nil, "/proc/self/stat: No such file or directory", "ENOENT"
    end
    assert.is_nil(page().process_open_fds)
  end)
end)

it("ten thousand commands of all kinds take no memory", function()
  local function heap()
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
  end
  local function thousand(from)
    for n = from, from + 999 do
      local status = ({ 200, 404, 503 })[n % 3 + 1]
      observers:tell("command", { id = n, event = "create-container", user = "user" .. n, began = n })
      observers:tell("command", { id = n, event = "create-container", user = "user" .. n, began = n, status = status,
        success = status == 200, message = "message " .. n, seconds = n / 100 })
      observers:tell("call", { method = "GET", path = "/v1.41/containers/user" .. n .. "/json", status = status,
        seconds = n / 100 })
    end
    page()
  end
  thousand(0)
  local before, size = heap(), #node.node.metrics:text()
  for from = 1000, 9000, 1000 do
    thousand(from)
  end
  local grown = heap() - before
  -- Lua's table of short strings doubles now and then, by 64 kB here: 10 bytes kept of each command would be more.
  assert.is_true(grown < 80, grown .. " kB")
  -- The figures have more digits by now.
  assert.is_true(#node.node.metrics:text() - size < 200)
end)
