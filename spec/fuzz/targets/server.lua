-- host.server against a client that sends the input: what is asked is what an independent reader of RFC 9112 finds,
-- each is answered once and in order, and nothing is asked after what is refused. The first byte says in what pieces it
-- is sent, the second what the client does then, the third how the requests are answered.
local check = require("check")
local client = require("fuzz.client")
local loop = require("host.loop")
local server = require("host.server")
local timer = require("host.timer")

local LIMIT, HEAD_LIMIT = 2000, 16 * 1024
local STEPS = { 65536, 1, 7, 100, 1000 }
local MANNERS = { "end", "end", "end", "stay", "leave" }
local TOKEN = "[%w!#$%%&'*+%-.^_`|~]+"

-- Each answers an exchange, and says whether the whole answer has to arrive.
local ANSWERS = {
  { whole = true, give = function(exchange) exchange:respond(200, { ["X-Is"] = "whole" }, exchange:body()) end },
  { whole = true, give = function(exchange)
    exchange:stream(200)
    exchange:write(exchange:target())
    exchange:write(exchange:body())
    exchange:finish()
  end },
  { give = function(exchange)
    timer.start(0, function() exchange:respond(404, nil, exchange:target()) end)
  end },
  { give = function(exchange)
    local ok = exchange:stream(200)
    check.that(ok, "no stream")
    timer.start(0, function()
      local _ = exchange:write(exchange:target()) and exchange:finish()
    end)
  end },
  { ends = true, give = function(exchange) exchange:close() end },
  { ends = true, give = function() timer.start(0, collectgarbage) end },
}

local exchanges, give = nil, nil

local function on_request(exchange)
  exchanges[#exchanges + 1] = exchange
  local left = 0
  exchange:on_close(function()
    left = left + 1
    check.that(left == 1, "it left twice")
  end)
  give(exchange)
end

local function listen(seconds)
  return check.that(server.listen({
    host = "127.0.0.1", port = 0, limit = LIMIT, timeout = seconds, idle = seconds, most = 4, on_request = on_request,
  }))
end

local function read_fields(lines)
  local found = { count = 0 }
  for name, value in lines:gmatch("([^\r]-):([^\r]*)\r\n") do
    name = name:lower()
    found.count = found.count + 1
    found[name] = found[name] or {}
    table.insert(found[name], value:match("^[ \t]*(.-)[ \t]*$"))
  end
  return found
end

local function lists(values, word)
  for item in table.concat(values or {}, ","):gmatch("[^, \t]+") do
    if item:lower() == word then
      return true
    end
  end
  return false
end

-- The length of the body, or nil where the fields are refused.
local function body_length(lines, minor)
  for line in lines:gmatch("([^\r]*)\r\n") do
    if not line:find("^" .. TOKEN .. ":") then
      return nil
    end
  end
  local fields = read_fields(lines)
  local hosts, lengths = fields.host or {}, fields["content-length"] or {}
  local length = lengths[1] or "0"
  if fields.count > 100 or #hosts > 1 or #hosts == 0 and minor ~= "0" or #lengths > 1 or fields["transfer-encoding"]
    or not length:find("^%d+$") or #length > 15 or tonumber(length) > LIMIT then
    return nil
  end
  for _, value in ipairs(fields.expect or {}) do
    if not lists({ value }, "100-continue") then
      return nil
    end
  end
  local keep = minor ~= "0"
  for _, value in ipairs(fields.connection or {}) do
    keep = not lists({ value }, "close") and (keep or lists({ value }, "keep-alive"))
  end
  return tonumber(length), keep, fields
end

-- The request at a place: { method, target, body, host }, where the next begins, and whether there may be one.
local function read_request(text, at)
  while text:sub(at, at + 1) == "\r\n" do
    at = at + 2
  end
  local _, last = text:find("\r\n\r\n", at, true)
  local head = last and text:sub(at, last)
  if not head or #head > HEAD_LIMIT or head:find("[%z\1-\8\11\12\14-\31\127]")
    or head:gsub("\r\n", ""):find("[\r\n]") then
    return nil
  end
  local method, target, minor, lines = head:match("^(" .. TOKEN .. ") ([^ \t\r]+) HTTP/1%.(%d)\r\n(.*)\r\n$")
  if not method or #method > 32 or not (target == "*" or target:sub(1, 1) == "/") then
    return nil
  end
  local length, keep, fields = body_length(lines, minor)
  if not length or last + length > #text then
    return nil
  end
  local host = fields.host and fields.host[1]
  return { method, target, text:sub(last + 1, last + length), host }, last + length + 1, keep
end

local function read_requests(text)
  local requests, at, keep = {}, 1, true
  while keep do
    local request
    request, at, keep = read_request(text, at)
    requests[#requests + 1] = request
  end
  return requests
end

local function check_asked(requests, all)
  check.that(#exchanges <= #requests, "more was asked than there is", #exchanges, #requests)
  check.that(not all or #exchanges == #requests, "less was asked than there is", #exchanges, #requests)
  for i, exchange in ipairs(exchanges) do
    local seen = { exchange:method(), exchange:target(), exchange:body(), exchange:header("host") }
    for j = 1, 4 do
      check.that(seen[j] == requests[i][j], "another request", i, seen[j], requests[i][j])
    end
    check.that(exchange:peer() == "127.0.0.1", "another peer", exchange:peer())
  end
end

local function after_chunks(text, at)
  while true do
    local size, start = text:match("^(%x+)\r\n()", at)
    check.that(size, "no chunk", text:sub(at, at + 20))
    at = start + tonumber(size, 16) + 2
    check.that(text:sub(at - 2, at - 1) == "\r\n", "a chunk without its end")
    if tonumber(size, 16) == 0 then
      return at
    end
  end
end

-- Reads one answer, and returns its status and where the next begins.
local function read_answer(text, at, method)
  local status, lines, next_at = text:match("^HTTP/1%.1 (%d%d%d) [%w ]*\r\n(.-\r\n)\r\n()", at)
  if not status then
    status, next_at = text:match("^HTTP/1%.1 (100) Continue\r\n\r\n()", at)
    check.that(status, "no answer", text:sub(at, at + 60))
    return 100, next_at
  end
  local fields = read_fields(lines)
  local length = tonumber((fields["content-length"] or {})[1])
  check.that(fields.date and #fields.date == 1, "no date")
  -- A refusal may be of a HEAD.
  if method == "HEAD" or not method and next_at > #text then
    return tonumber(status), next_at
  elseif fields["transfer-encoding"] then
    return tonumber(status), after_chunks(text, next_at)
  end
  return tonumber(status), length and next_at + length or #text + 1
end

local function check_answers(text)
  local at, answered = 1, 0
  while at <= #text do
    local exchange = exchanges[answered + 1]
    local status, next_at = read_answer(text, at, exchange and exchange:method())
    at = next_at
    answered = answered + (status == 100 and 0 or 1)
    check.that(exchange and status < 405 or status == 100 or status >= 400 and at > #text, "what answers what", status)
  end
  check.that(at == #text + 1, "half an answer")
  check.that(answered >= #exchanges and answered <= #exchanges + 1, "another number of answers", answered, #exchanges)
end

return function(bytes)
  local step, manner, answer = (bytes .. "\0\0\0"):byte(1, 3)
  local text = bytes:sub(4)
  step, manner, answer = STEPS[step % #STEPS + 1], MANNERS[manner % #MANNERS + 1], ANSWERS[answer % #ANSWERS + 1]
  exchanges, give = {}, answer.give
  if answer.ends then
    exchanges = setmetatable({}, { __mode = "v" })
  end
  -- A client that stays is not waited for.
  local listener = listen(manner == "stay" and 0.03 or 20)
  client.say(listener:port(), text, math.max(step, #text // 300), manner, function(received)
    -- What comes too late, or is not answered before the client has gone, need not be all.
    if not answer.ends then
      check_asked(read_requests(text), answer.whole and manner == "end")
    end
    if answer.whole and manner == "end" or not answer.ends and manner == "stay" then
      check_answers(received)
    end
    timer.start(0, loop.stop)
  end)
  local patience = timer.start(20, function()
    error("the connection does not end")
  end)
  loop.run()
  patience:close()
  listener:close()
end
