-- What Docker answers, whatever it is: a command is answered once and never by an internal error, and the monitor goes
-- on. The first line of an input is an event and its payload; each further one answers the next call: "STATUS BODY" (a
-- line's end within it is written \n, hexadecimal digits after \x are a byte), "-CODE" where the call fails, or
-- "+METHOD PATH", which lets the fake daemon answer that call for real. What is asked after the last one fails.
local check = require("check")
local docker_stream = require("dockhost.docker_stream")
local input = require("input")
local json = require("dockhost.json")
local node_support = require("node_support")

local function unescape(text)
  text = text:gsub("\\n", "\n")
  return (text:gsub("\\x(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function answer(options, status, body)
  if options.on_head then
    options.on_head(status, {})
  end
  if options.on_data then
    for _, piece in ipairs(input.pieces(body, #body)) do
      options.on_data(piece)
    end
    body = ""
  end
  options.on_done(status, {}, body)
end

-- Lines give the answers; the fake daemon is behind them.
local function scripted(node, lines)
  local real = node.host.docker.request
  return function(options)
    local line = table.remove(lines, 1) or "-connect"
    if line:sub(1, 1) == "+" then
      return real(options)
    end
    local handle = {}
    function handle.close()
      handle.closed = true
    end
    table.insert(node.host.pending, function()
      if handle.closed then
        return
      end
      local status, body = line:match("^([2-5]%d%d) ?(.*)$")
      if status then
        answer(options, tonumber(status), unescape(body))
      else
        options.on_done(nil, "it failed", line:sub(2) == "" and "closed" or line:sub(2))
      end
    end)
    return handle
  end
end

local function check_log(node)
  local record = node.log:find("error", "")[1]
  if record then
    error("an error in the log: " .. record.message .. "\n" .. (record.traceback or ""), 0)
  end
end

local function check_reply(sent)
  local text, message = json.encode(sent.reply)
  check.that(text, "a reply that can't be sent", message)
  if type(sent.reply) == "table" then
    check.that(type(sent.reply.message) == "string", "a reply without a message")
    check.that(type(sent.reply.success) == "boolean", "a reply that does not tell whether it went well")
  else
    check.that(type(sent.reply) == "boolean", "a check that does not say", sent.reply)
  end
end

local function run_command(event, payload, lines)
  local node = node_support.new()
  node.docker:add({ name = "ada", image = node_support.IMAGE, labels = { ["dockhost.managed"] = "true" },
    ports = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 } })
  node.client.request = scripted(node, lines)
  local sent = node:send(event, payload)
  for _ = 1, 60 do
    node:settle()
    if #sent.answers > 0 then
      break
    end
    node:advance(5)
  end
  node:advance(15)
  check.that(#sent.answers == 1, "answered another number of times", #sent.answers)
  check_log(node)
  check_reply(sent)
  node:finish()
end

-- The monitor on the same answers.
local function run_monitor(lines)
  local node = node_support.new()
  node.client.request = scripted(node, lines)
  node.node:start_monitor()
  node:advance(60)
  check_log(node)
  check.that(node.node.monitor.task and not node.node.monitor.task.ended, "nobody follows Docker any more")
  node.node.monitor:stop()
  node:finish()
end

-- Chunks end anywhere, and nothing depends on where.
local function check_streams(bytes)
  local results = {}
  for i, pieces in ipairs({ { bytes }, input.pieces(bytes, #bytes) }) do
    local texts, lines, sound = {}, {}, true
    local frames = docker_stream.frames(function(piece)
      texts[#texts + 1] = piece
    end)
    local feed = docker_stream.lines(function(line)
      check.that(line ~= "" and not line:find("\n", 1, true), "no line", line)
      lines[#lines + 1] = line
    end)
    for _, piece in ipairs(pieces) do
      sound = frames(piece)
      feed(piece)
    end
    results[i] = { table.concat(texts), table.concat(lines, "\n"), sound }
  end
  for i = 1, 3 do
    check.that(results[1][i] == results[2][i], "chunks make a difference", i, results[1][i], results[2][i])
  end
end

return function(bytes)
  local first, rest = input.head(bytes)
  local lines = {}
  for line in input.lines(rest) do
    lines[#lines + 1] = line
  end
  local event, payload = first:match("^([%w_-]+) ?(.*)$")
  if event == "monitor" then
    run_monitor(lines)
  elseif event == "stream" then
    check_streams(unescape(rest))
  elseif event then
    run_command(event, json.decode(payload), lines)
  end
end
