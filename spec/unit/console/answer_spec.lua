local answer = require("dockhost.console.answer")

local exchange
before_each(function()
  exchange = {}
  function exchange.respond(self, status, headers, body)
    self.status, self.headers, self.body = status, headers, body
    return true
  end
  function exchange.stream(self, status, headers)
    self.status, self.headers = status, headers
    return true
  end
end)

it("JSON is made of a value, or is given as text", function()
  answer.json(exchange, 200, { a = 1 })
  assert.same({ 200, '{"a":1}\n', "application/json" }, { exchange.status, exchange.body,
    exchange.headers["Content-Type"] })
  answer.json(exchange, 200, "[]")
  assert.equal("[]\n", exchange.body)
  answer.json(exchange, 200, true)
  assert.equal("true\n", exchange.body)
end)

it("a failure has the form of a command's", function()
  answer.failure(exchange, 404, "no", { Allow = "GET" })
  assert.same({ 404, '{"data":{},"message":"no","success":false}\n', "GET" }, { exchange.status, exchange.body,
    exchange.headers.Allow })
end)

it("a stream is of events, which no proxy collects", function()
  assert.is_true(answer.stream(exchange))
  assert.same({ "text/event-stream", "no" },
    { exchange.headers["Content-Type"], exchange.headers["X-Accel-Buffering"] })
  assert.equal('event: log\ndata: {"a":1}\n\n', answer.event("log", '{"a":1}'))
end)

it("the locked page loads nothing and says what to do", function()
  answer.locked(exchange, "It is locked.")
  assert.equal(401, exchange.status)
  assert.matches("<p>It is locked.</p>", exchange.body, 1, true)
  assert.matches("dockhost console", exchange.body, 1, true)
  assert.is_nil(exchange.body:find("src=", 1, true) or exchange.body:find("style", 1, true))
end)

it("what an answer adds does not stay for the next", function()
  answer.text(exchange, 303, "x", { Location = "/" })
  answer.text(exchange, 200, "x")
  assert.is_nil(exchange.headers.Location)
  assert.equal("no-store", exchange.headers["Cache-Control"])
end)
