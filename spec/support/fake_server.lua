-- Stands for host.server: requests are made by the spec, and their answers read there.
--
--   local server = fake_server.new()
--   server.taken["127.0.0.1:3002"] = true                 -- another program listens there
--   local exchange = server:ask("GET", "/x", { origin = "http://far" }, "body")   -- with the listener's own Host
--   exchange.status, exchange.headers, exchange.text      -- the answer, or what of a stream has been written
--   exchange.ended                                        -- complete; `dropped` where our side broke it off
--   exchange.full = true                                  -- the reader takes nothing any more
--   exchange:leave()                                      -- the peer goes
--   server.listeners                                      -- those that are open
local fake_server = {}

local Server = {}
Server.__index = Server

local Exchange = {}
Exchange.__index = Exchange

local Listener = {}
Listener.__index = Listener

local function name_of(options)
  return options.host .. ":" .. options.port
end

function fake_server.new()
  local server = setmetatable({ taken = {}, listeners = {} }, Server)
  function server.listen(options)
    assert(options.host and options.port and options.on_request, "a listener needs host, port and on_request")
    if server.taken[name_of(options)] then
      return nil, "the address is in use", "in-use"
    end
    local listener = setmetatable({ options = options, server = server, exchanges = {} }, Listener)
    server.taken[name_of(options)] = true
    table.insert(server.listeners, listener)
    return listener
  end
  return server
end

function Listener:port()
  return self.options.port
end

function Listener:close()
  for i, other in ipairs(self.server.listeners) do
    if other == self then
      table.remove(self.server.listeners, i)
      self.server.taken[name_of(self.options)] = nil
    end
  end
  for _, exchange in ipairs(self.exchanges) do
    exchange:close()
  end
end

-- The last listener is asked.
function Server:ask(method, target, headers, body)
  local listener = assert(self.listeners[#self.listeners], "nobody listens")
  local options = listener.options
  local host = options.host:find(":", 1, true) and "[" .. options.host .. "]" or options.host
  local all = { host = host .. ":" .. options.port }
  for name, value in pairs(headers or {}) do
    all[name] = value or nil
  end
  local exchange = setmetatable({ request = { method = method, target = target, headers = all, body = body or "" } },
    Exchange)
  table.insert(listener.exchanges, exchange)
  options.on_request(exchange)
  return exchange
end

function Exchange:method()
  return self.request.method
end

function Exchange:target()
  return self.request.target
end

function Exchange:header(name)
  assert(name == name:lower(), "header names are lower-case")
  return self.request.headers[name]
end

function Exchange:body()
  return self.request.body
end

function Exchange:peer() -- luacheck: no self
  return "127.0.0.1"
end

local function begin(self, status, headers)
  assert(not self.status, "answered twice")
  if self.gone then
    return nil, "the peer has gone", "closed"
  end
  self.status, self.headers = status, {}
  for name, value in pairs(headers) do
    assert(type(value) == "string" and not value:find("[\r\n]"), name)
    self.headers[name:lower()] = value
  end
  return true
end

function Exchange:respond(status, headers, body)
  local ok, message, code = begin(self, status, headers)
  if ok then
    self.text, self.ended = body, true
  end
  return ok, message, code
end

function Exchange:stream(status, headers)
  self.text = ""
  return begin(self, status, headers)
end

function Exchange:write(chunk)
  if self.gone or self.ended then
    return nil, "the peer has gone", "closed"
  elseif self.full then
    return nil, "the peer does not read", "full"
  end
  self.text = self.text .. chunk
  return true
end

function Exchange:finish()
  assert(not self.ended, "finished twice")
  self.ended = true
end

function Exchange:close()
  if not self.ended then
    self.ended, self.dropped, self.gone = true, true, true
  end
end

function Exchange:on_close(fn)
  self.closed = fn
end

function Exchange:leave()
  self.gone = true
  if self.closed and not self.ended then
    self.closed()
  end
end

-- The server-sent events of a stream so far: { { name, data }, … }
function Exchange:events()
  local found = {}
  for block in self.text:gmatch("(.-)\n\n") do
    local name, data = block:match("^event: ([^\n]*)\ndata: ([^\n]*)$")
    if name then
      table.insert(found, { name, data })
    end
  end
  return found
end

return fake_server
