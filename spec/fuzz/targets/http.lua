-- host.http and dockhost.docker against a server whose answers are the input: each call ends once, with a status or a
-- reason, and what it returns is of the type that it promises. The first byte says in what pieces the answers are sent,
-- the second whether the connection stays open, the third which call is made; answers are parted by a zero byte.
local check = require("check")
local docker = require("dockhost.docker")
local host_http = require("host.http")
local loop = require("host.loop")
local peer = require("fuzz.peer")
local task = require("dockhost.task")
local timer = require("host.timer")

local STEPS = { 1, 3, 100, 1000, 65536 }
local LIMIT = 64 * 1024

local path = os.tmpname()
peer.listen_unix(path)

local function check_failure(message, status)
  check.that(type(message) == "string" and message ~= "", "a failure without a message", message)
  check.that(math.type(status) == "integer" and status >= 0 and status <= 999, "a failure without a status", status)
end

local function check_table(value, message, status)
  if value == nil then
    return check_failure(message, status)
  end
  check.that(type(value) == "table", "no table", value)
end

local function check_true(value, message, status)
  if value == nil then
    return check_failure(message, status)
  end
  check.that(value == true, "not true", value)
end

local CALLS = {
  function(client) check_table(client:container_inspect("ada")) end,
  function(client) check_table(client:container_list({ label = { "a=b" } })) end,
  function(client) check_table(client:container_stats("ada")) end,
  function(client) check_table(client:network_create({ Name = "n" })) end,
  function(client) check_true(client:container_start("ada")) end,
  function(client) check_true(client:archive_put("ada", "/", ("x"):rep(2000))) end,
  function(client)
    local text, message, status = client:container_logs("ada", 10, false)
    if text == nil then
      return check_failure(message, status)
    end
    check.that(type(text) == "string", "no text", text)
  end,
  function(client)
    local value, message, status = client:events({ type = { "container" } }, nil, function(event)
      check.that(type(event) == "table", "no event", event)
    end)
    check.that(value == nil, "the end of the events is no failure")
    check_failure(message, status)
  end,
  function(client)
    check_true(client:image_pull("image:tag", function(entry)
      check.that(type(entry) == "table", "no progress", entry)
    end))
  end,
  function(client)
    client.version_prefix = nil
    local prefix, message, status = client:negotiate()
    if prefix == nil then
      return check_failure(message, status)
    end
    check.that(prefix:find("^/v%d+%.%d+$"), "no version", prefix)
  end,
}

-- Each request ends once, and its parts come in order.
local function watched(options)
  local state, on_done, on_head, on_data, size = "asked", options.on_done, options.on_head, options.on_data, 0
  options.limit = math.min(options.limit or LIMIT, LIMIT)
  options.on_head = on_head and function(status, headers)
    check.that(state == "asked", "a second head", state)
    check.that(math.type(status) == "integer" and status >= 0 and status <= 999, "no status", status)
    for name, value in pairs(headers) do
      check.that(name == name:lower() and type(value) == "string", "no header", name, value)
    end
    state = "answered"
    on_head(status, headers)
  end
  options.on_data = on_data and function(chunk)
    check.that(state == "answered" and #chunk > 0, "data before its head", state)
    on_data(chunk)
  end
  function options.on_done(status, headers, body)
    check.that(state ~= "done", "a second end")
    state = "done"
    if status then
      check.that(type(headers) == "table", "an answer without headers")
      check.that(type(body) == (on_data and "nil" or "string"), "no body, or one too many", body)
      size = body and #body or 0
    else
      check.that(type(headers) == "string" and type(body) == "string", "a failure without a reason", headers, body)
    end
    check.that(size <= options.limit, "more than the limit", size)
    on_done(status, headers, body)
  end
  return host_http.request(options)
end

local function split(bytes)
  local answers = {}
  for answer in (bytes .. "\0"):gmatch("([^%z]*)%z") do
    answers[#answers + 1] = answer
  end
  return answers
end

return function(bytes)
  local step, keep, call = (bytes .. "\0\0\0"):byte(1, 3)
  local answers = split(bytes:sub(4))
  peer.answer(STEPS[step % #STEPS + 1], keep % 2 == 1, false, table.unpack(answers, 1, math.min(#answers, 8)))
  local tasks = task.new({ on_error = error })
  local client = docker.new({ request = watched, wait = task.wait, endpoint = { kind = "unix", path = path } })
  local ended
  tasks:spawn(function()
    for i = 1, keep % 2 == 1 and 2 or 1 do
      client.version_prefix = "/v1.41"
      CALLS[(call + i - 1) % #CALLS + 1](client)
    end
  end, function(ok, message)
    ended = ok and "well" or message
    timer.start(0, loop.stop)
  end)
  -- A server that stays silent is not waited for.
  local patience = timer.start(keep % 2 == 1 and 0.02 or 20, function()
    check.that(keep % 2 == 1, "the calls do not end")
    peer.drop()
  end)
  loop.run()
  patience:close()
  check.that(ended == "well", "the calls failed", ended)
  peer.drop()
end
