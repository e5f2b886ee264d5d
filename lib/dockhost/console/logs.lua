-- Streams what a container writes, line by line.
local answer = require("dockhost.console.answer")
local json = require("dockhost.json")
local task = require("dockhost.task")

local logs = {}

local DEFAULT_TAIL, MOST_TAIL = 100, 10000
-- A longer line is broken.
local LONGEST_LINE = 64 * 1024
-- How long a reader may not keep up; Docker has to wait with it.
local FULL_SECONDS, TRIES = 0.05, 200

-- Returns a function that takes text of one of the two streams, and gives each whole line to `on_line`; without text it
-- gives what has no end yet.
function logs.splitter(on_line)
  local rest = {}
  return function(text, stream)
    if not text then
      for _, line in pairs(rest) do
        on_line(line)
      end
      return
    end
    text = (rest[stream] or "") .. text
    local from, at = 1, text:find("\n", 1, true)
    while at do
      on_line(text:sub(from, at - (text:sub(at - 1, at - 1) == "\r" and 2 or 1)))
      from, at = at + 1, text:find("\n", at + 1, true)
    end
    rest[stream] = from <= #text and text:sub(from) or nil
    if rest[stream] and #rest[stream] > LONGEST_LINE then
      on_line(rest[stream])
      rest[stream] = nil
    end
  end
end

-- Docker sends faster than some read. The task waits, and what Docker has to send with it (see delivery.lua).
local function write(console, stream, text)
  for _ = 1, TRIES do
    local ok, _, code = stream.exchange:write(text)
    if ok or code ~= "full" or stream.left then
      return ok
    end
    console.node.sleep(FULL_SECONDS)
  end
end

-- The last event: why there is no more.
local function farewell(console, instance, follow, message)
  if not message and follow then
    local inspected, why, status = console.node.docker:container_inspect(instance.id)
    message = inspected and "the container is " .. inspected.State.Status or status == 404 and "the container is gone"
      or why
  end
  return answer.event("end", json.encode({ message = message or "this is all" }))
end

local function stream_lines(console, stream, instance, tail, follow)
  local events = {}
  local split = logs.splitter(function(line)
    table.insert(events, answer.event("line", json.encode(line)))
  end)
  local function flush()
    local text = table.concat(events)
    events = {}
    if text ~= "" and not write(console, stream, text) then
      console.feed:drop(stream)
    end
  end
  local options = { tail = tail, tty = instance.inspected.Config.Tty, follow = follow }
  local ok, message = console.node.docker:container_follow(instance.id, options, function(...)
    split(...)
    flush()
  end)
  split()
  flush()
  write(console, stream, farewell(console, instance, follow, not ok and message or nil))
  console.feed:finish(stream)
end

-- Answers with the log of that user's container. Waits; the task ends with the reader.
function logs.answer(console, exchange, user, query)
  local tail = math.tointeger(tonumber(query.tail or DEFAULT_TAIL))
  if not tail or tail < 0 or tail > MOST_TAIL then
    return answer.failure(exchange, 400, "tail must be from 0 to " .. MOST_TAIL)
  end
  local instance, message, status = console.node.containers:of_user(user)
  if not instance then
    return answer.failure(exchange, status, message)
  end
  local work = task.current()
  local stream = console.feed:open(exchange, function()
    work:cancel("nobody reads")
  end)
  if stream then
    stream_lines(console, stream, instance, tail, query.follow == "1")
  end
end

return logs
