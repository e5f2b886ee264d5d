-- Answers: what all have in common, and each kind.
local json = require("dockhost.json")

local answer = {}

-- Nothing is kept, framed, guessed or loaded from elsewhere.
local COMMON = {
  ["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    .. "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    .. "require-trusted-types-for 'script'; trusted-types 'none'",
  ["Cross-Origin-Opener-Policy"] = "same-origin",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Referrer-Policy"] = "no-referrer",
  ["X-Content-Type-Options"] = "nosniff",
  ["X-Frame-Options"] = "DENY",
  ["Cache-Control"] = "no-store",
}

local function headers_of(content_type, more)
  local headers = { ["Content-Type"] = content_type }
  for _, some in ipairs({ COMMON, more }) do
    for name, value in pairs(some) do
      headers[name] = value
    end
  end
  return headers
end

function answer.send(exchange, status, content_type, body, more)
  return exchange:respond(status, headers_of(content_type, more), body)
end

function answer.text(exchange, status, body, more)
  return answer.send(exchange, status, "text/plain; charset=utf-8", body .. "\n", more)
end

-- `value` is what JSON is made of, or JSON as text.
function answer.json(exchange, status, value, more)
  local body = type(value) == "string" and value or json.encode(value)
  return answer.send(exchange, status, "application/json", body .. "\n", more)
end

-- A failure in the form that a command's has.
function answer.failure(exchange, status, message, more)
  return answer.json(exchange, status, { success = false, message = message, data = {} }, more)
end

-- Begins a stream of events; a proxy must not collect them.
function answer.stream(exchange)
  return exchange:stream(200, headers_of("text/event-stream", { ["X-Accel-Buffering"] = "no" }))
end

-- One server-sent event. JSON has no line ends.
function answer.event(name, text)
  return "event: " .. name .. "\ndata: " .. text .. "\n\n"
end

local LOCKED = [[<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dockhost: locked</title>
</head>
<body>
<main>
<h1>This console is locked</h1>
<p>%s</p>
<p>On the node, <code>dockhost console</code> prints the address that opens it. A browser that has opened it before
<a href="/">may go on</a>.</p>
</main>
</body>
</html>
]]

-- The page of those who have no token.
function answer.locked(exchange, message)
  return answer.send(exchange, 401, "text/html; charset=utf-8", LOCKED:format(message))
end

return answer
