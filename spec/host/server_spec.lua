-- host.server: asked by host.http, and by raw clients in Node (spec/support/raw_clients.mjs).
local guard = require("host.guard")
local http = require("host.http")
local loop = require("host.loop")
local server = require("host.server")
local timer = require("host.timer")
local within = require("within")

local LIMIT = 1000
local GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

-- Runs a script in a host of its own, and returns what it printed.
local function in_another_host(script, ...)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local http, loop, server = require("host.http"), require("host.loop"), require("host.server")\n')
  file:write(script:format(...))
  file:close()
  local exe = assert(io.popen("readlink /proc/$PPID/exe")):read("l")
  local pipe = assert(io.popen(("'%s' %s 2>&1"):format(exe, path)))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  assert(ok, output)
  return output
end

local function encoded(text)
  return (text:gsub("[^%w/:=]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

describe("host.server", function()
  local clients, listener

  lazy_setup(function()
    local pipe = assert(io.popen("exec node spec/support/raw_clients.mjs"))
    clients = { pipe = pipe }
    clients.pid, clients.port = pipe:read("n", "n")
    assert(clients.port, "the clients did not start")
  end)

  lazy_teardown(function()
    os.execute("kill " .. clients.pid)
    clients.pipe:close()
  end)

  after_each(function()
    if listener then
      listener:close()
    end
    listener = nil
    collectgarbage()
  end)

  local function echo(exchange)
    exchange:respond(200, { ["Content-Type"] = "text/plain" }, exchange:method() .. " " .. exchange:target())
  end

  local function listen(on_request, more)
    local options = {
      host = "127.0.0.1",
      port = 0,
      limit = LIMIT,
      timeout = 5,
      idle = 5,
      most = 8,
      on_request = on_request or echo,
    }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    listener = assert(server.listen(options))
    return listener
  end

  -- Has a client do the steps; `done` gets what arrived, how it ended, and after how many seconds.
  local function start_client(steps, done)
    local lines = {}
    for i, step in ipairs(steps) do
      local words = { step[1] }
      for j = 2, #step do
        words[j] = encoded(tostring(step[j]))
      end
      lines[i] = table.concat(words, " ")
    end
    assert(http.request({
      url = ("http://127.0.0.1:%d/?host=127.0.0.1&port=%d"):format(clients.port, listener:port()),
      method = "POST",
      body = table.concat(lines, "\n"),
      limit = 1 << 30,
      on_done = function(status, headers, body)
        assert(status == 200, headers)
        done(body, headers["x-ended"], tonumber(headers["x-seconds"]))
      end,
    }))
  end

  -- A client whose next step is `told` goes on.
  local function tell_client()
    assert(http.request({ url = ("http://127.0.0.1:%d/told"):format(clients.port), on_done = function() end }))
  end

  local function talk(...)
    local steps = { ... }
    return within(15, function(done)
      start_client(steps, done)
    end)
  end

  -- Sends a text, and returns all that arrives until the server closes.
  local function say(text)
    return talk({ "send", text })
  end

  local function fetch(path, more)
    return within(10, function(done)
      local options = { url = ("http://127.0.0.1:%d%s"):format(listener:port(), path), on_done = done }
      for name, value in pairs(more or {}) do
        options[name] = value
      end
      assert(http.request(options))
    end)
  end

  -- How often the loop has turned.
  local function turns()
    local all = 0
    for _, count in ipairs(loop.turns().counts) do
      all = all + count
    end
    return all
  end

  -- The statuses of the answers in a text.
  local function statuses(text)
    local found = {}
    for status in text:gmatch("HTTP/1%.1 (%d+) ") do
      table.insert(found, tonumber(status))
    end
    return found
  end

  describe("a request", function()
    -- Sends a text; returns what `of(exchange)` gave.
    local function seen(text, of)
      local results
      listen(function(exchange)
        results = table.pack(of(exchange))
        exchange:respond(200)
      end)
      talk({ "send", text }, { "until", "HTTP/1.1" }, { "leave" })
      return table.unpack(results, 1, results.n)
    end

    local function header_of(name, lines)
      return seen(("GET / HTTP/1.1\r\nHost: x\r\n%s\r\n"):format(lines), function(exchange)
        return exchange:header(name)
      end)
    end

    it("is handed over with method, target, headers, body and peer", function()
      local text = "POST /a%2Fb//../c?d=%20&e HTTP/1.1\r\nHOST: here:1\r\nX-Odd:\t odd \t\r\n"
        .. "Content-Length: 5\r\n\r\nhe\0lo"
      local method, target, host, odd, none, body, peer = seen(text, function(exchange)
        return exchange:method(), exchange:target(), exchange:header("host"), exchange:header("x-odd"),
          exchange:header("cookie"), exchange:body(), exchange:peer()
      end)
      assert.are.same({ "POST", "/a%2Fb//../c?d=%20&e" }, { method, target })
      assert.are.same({ "here:1", "odd", nil }, { host, odd, none })
      assert.are.same({ "he\0lo", "127.0.0.1" }, { body, peer })
    end)

    it("may have a method of any name", function()
      assert.are.equal("BREW", (seen("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", function(exchange)
        return exchange:method()
      end)))
    end)

    it("may ask about everything", function()
      assert.are.equal("*", (seen("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", function(exchange)
        return exchange:target()
      end)))
    end)

    it("may follow blank lines", function()
      assert.are.equal("/late", (seen("\r\n\r\nGET /late HTTP/1.1\r\nHost: x\r\n\r\n", function(exchange)
        return exchange:target()
      end)))
    end)

    it("may have a header more than once, and an empty one", function()
      assert.are.equal("a, b", (header_of("accept", "Accept: a\r\nX: 1\r\naccept: b\r\n")))
      assert.are.equal("a=1; b=2", (header_of("cookie", "Cookie: a=1\r\nCookie: b=2\r\n")))
      assert.are.equal("", (header_of("x-empty", "X-Empty:\r\n")))
    end)

    it("may have a body of as much as is allowed", function()
      local text = ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"):format(LIMIT) .. ("x"):rep(LIMIT)
      assert.are.equal(LIMIT, (seen(text, function(exchange)
        return #exchange:body()
      end)))
    end)

    it("may arrive byte by byte", function()
      local body = "drop by drop"
      listen(function(exchange)
        exchange:respond(200, nil, exchange:body():upper())
      end)
      local text = "\r\nPUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
      assert.matches("DROP BY DROP$", (talk({ "drip", 1, text:format(#body, body) })))
    end)

    it("may want to be told to go on", function()
      listen(function(exchange)
        exchange:respond(200, nil, exchange:body())
      end)
      local head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      local answer = talk({ "send", head .. "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n" },
        { "until", "HTTP/1.1 100 Continue\r\n\r\n" }, { "send", "ok" })
      assert.are.same({ 100, 200 }, statuses(answer))
      assert.matches("ok$", answer)
    end)

    it("stays readable when it is answered", function()
      local kept
      listen(function(exchange)
        kept = exchange
        echo(exchange)
      end)
      fetch("/kept")
      assert.are.equal("/kept", kept:target())
    end)
  end)

  describe("refuses", function()
    local function with(lines)
      return "GET / HTTP/1.1\r\nHost: x\r\n" .. lines .. "\r\n\r\n"
    end

    local wrong = {
      ["what is not HTTP"] = { 400, "this is not HTTP at all\r\n\r\n" },
      ["a TLS hello"] = { 400, "\22\3\1\2\0\1\0\1\252\3\3" },
      ["lines without CR"] = { 400, "GET / HTTP/1.1\nHost: x\n\n" },
      ["a lone CR"] = { 400, with("X: a\rb") },
      ["a zero byte"] = { 400, with("X: a\0b") },
      ["a request line without a version"] = { 400, "GET /\r\n\r\n" },
      ["a version that is none"] = { 400, "GET / HTTP/1.1x\r\nHost: x\r\n\r\n" },
      ["another version"] = { 505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" },
      ["the preface of HTTP/2"] = { 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
      ["a target with a scheme"] = { 400, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n" },
      ["a target that is no path"] = { 400, "GET x HTTP/1.1\r\nHost: x\r\n\r\n" },
      ["a target with a space"] = { 400, "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n" },
      ["a tunnel"] = { 400, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" },
      ["a method that is no token"] = { 400, "G(T / HTTP/1.1\r\nHost: x\r\n\r\n" },
      ["a very long method"] = { 400, ("G"):rep(33) .. " / HTTP/1.1\r\nHost: x\r\n\r\n" },
      ["no host"] = { 400, "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n" },
      ["two hosts"] = { 400, with("Host: y") },
      ["a line without a colon"] = { 400, with("nonsense") },
      ["a space before the colon"] = { 400, with("X : a") },
      ["a folded line"] = { 400, with("X: a\r\n b") },
      ["a header without a name"] = { 400, with(": a") },
      ["a length with a sign"] = { 400, with("Content-Length: +1") },
      ["a negative length"] = { 400, with("Content-Length: -1") },
      ["an empty length"] = { 400, with("Content-Length:") },
      ["a length in hexadecimal"] = { 400, with("Content-Length: 0x1") },
      ["a list of lengths"] = { 400, with("Content-Length: 1, 1") },
      ["two lengths"] = { 400, with("Content-Length: 0\r\nContent-Length: 0") },
      ["a body in chunks"] = { 411, with("Transfer-Encoding: chunked") .. "0\r\n\r\n" },
      ["a length and chunks"] = { 411, with("Content-Length: 5\r\nTransfer-Encoding: chunked") .. "0\r\n\r\n" },
      ["a length without end"] = { 413, with("Content-Length: 99999999999999999999999999") },
      ["a body over the limit"] = { 413, with("Content-Length: " .. LIMIT + 1) },
      ["an unknown expectation"] = { 417, with("Expect: miracles") },
      ["too many headers"] = { 431, with(("X: a\r\n"):rep(99) .. "Y: a") },
      ["a header that is too large"] = { 431, with("X: " .. ("x"):rep(20000)) },
      ["a target that is too large"] = { 431, "GET /" .. ("x"):rep(20000) },
    }
    for what, case in pairs(wrong) do
      it(what .. " with " .. case[1], function()
        local asked = false
        listen(function(exchange)
          asked = true
          echo(exchange)
        end)
        local answer, ended = say(case[2])
        assert.are.same({ case[1] }, statuses(answer))
        assert.matches("\r\nConnection: close\r\n", answer, 1, true)
        assert.are.equal("closed", ended)
        assert.is_false(asked)
      end)
    end

    it("a body that is too large, though it is sent to its end", function()
      listen()
      local answer, ended = talk({ "send", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" },
        { "fill", 3000000 })
      assert.are.same({ 413 }, statuses(answer))
      assert.are.equal("closed", ended)
    end)

    it("to be drowned by a body that is too large", function()
      listen()
      local _, ended = talk({ "send", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n" },
        { "fill", 90000000 })
      assert.are_not.equal("left", ended)
    end)
  end)

  describe("an answer", function()
    it("is a status, the headers and a body of known length", function()
      listen(function(exchange)
        assert(exchange:respond(404, { ["X-Why"] = "gone" }, "no such thing"))
      end)
      local status, headers, body = fetch("/")
      assert.are.same({ 404, "gone", "13", "no such thing" },
        { status, headers["x-why"], headers["content-length"], body })
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", headers.date)
    end)

    it("may be empty", function()
      listen(function(exchange)
        exchange:respond(200)
      end)
      local status, headers, body = fetch("/")
      assert.are.same({ 200, "0", "" }, { status, headers["content-length"], body })
    end)

    it("may be large", function()
      local body = ("0123456789abcdef"):rep(300000)
      listen(function(exchange)
        exchange:respond(200, {}, body)
      end)
      local _, _, received = fetch("/")
      assert.is_true(received == body)
    end)

    it("has no body for HEAD", function()
      listen()
      local answer = say("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.matches("\r\nContent-Length: 7\r\n", answer, 1, true)
      assert.matches("\r\n\r\n$", answer)
    end)

    for _, status in ipairs({ 204, 304 }) do
      it("has no body and no length with " .. status, function()
        listen(function(exchange)
          exchange:respond(status, {}, "not for you")
        end)
        local answer = say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert.matches("\r\n\r\n$", answer)
        assert.not_matches("Content%-Length", answer)
      end)
    end

    it("may come later", function()
      listen(function(exchange)
        timer.start(0.05, function()
          echo(exchange)
        end)
      end)
      local _, _, body = fetch("/late")
      assert.are.equal("GET /late", body)
    end)

    it("is given once", function()
      local failures = {}
      listen(function(exchange)
        echo(exchange)
        table.insert(failures, select(2, pcall(exchange.respond, exchange, 200)))
        table.insert(failures, select(2, pcall(exchange.stream, exchange, 200)))
        failures.write = table.pack(exchange:write("more"))
        failures.finish = table.pack(exchange:finish())
        exchange:close()
      end)
      local _, _, body = fetch("/once")
      assert.are.equal("GET /once", body)
      assert.matches("answered already", failures[1])
      assert.matches("answered already", failures[2])
      assert.are.equal("closed", failures.write[3])
      assert.are.equal("closed", failures.finish[3])
    end)

    local function raises(call)
      local ok, message
      listen(function(exchange)
        ok, message = pcall(call, exchange)
        exchange:respond(200, {}, "unharmed")
      end)
      local _, headers, body = fetch("/")
      assert.is_false(ok)
      assert.are.equal("unharmed", body)
      assert.is_nil(headers["x-first"])
      return message
    end

    local bad = {
      ["a status that is none"] = { 99 },
      ["an interim status"] = { 100 },
      ["a status beyond all"] = { 600 },
      ["headers that are no table"] = { 200, "X: a" },
      ["a value with a line end"] = { 200, { ["X-First"] = "a\r\nSet-Cookie: b" } },
      ["a value with a zero byte"] = { 200, { ["X-First"] = "a\0b" } },
      ["a value that is no text"] = { 200, { ["X-First"] = 1 } },
      ["a name that is none"] = { 200, { ["X First"] = "a" } },
      ["a name with a line end"] = { 200, { ["X-First\r\nX"] = "a" } },
      ["an empty name"] = { 200, { [""] = "a" } },
      ["a name that is no text"] = { 200, { "a" } },
      ["a length of its own"] = { 200, { ["content-length"] = "5" } },
      ["a framing of its own"] = { 200, { ["Transfer-Encoding"] = "chunked" } },
      ["a connection header"] = { 200, { Connection = "close" } },
    }
    for what, arguments in pairs(bad) do
      it("raises for " .. what, function()
        raises(function(exchange)
          exchange:respond(table.unpack(arguments))
        end)
        listener:close()
        raises(function(exchange)
          exchange:stream(table.unpack(arguments))
        end)
      end)
    end

    it("raises for a chunk without a stream", function()
      assert.matches("no stream", raises(function(exchange)
        exchange:write("x")
      end))
      listener:close()
      assert.matches("no stream", raises(function(exchange)
        exchange:finish()
      end))
    end)
  end)

  describe("a stream", function()
    local function stream(...)
      local chunks = { ... }
      listen(function(exchange)
        assert(exchange:stream(200, { ["X-Why"] = "so" }))
        local function step()
          local chunk = table.remove(chunks, 1)
          if chunk then
            assert(exchange:write(chunk))
            timer.start(0.01, step)
          else
            assert(exchange:finish())
          end
        end
        step()
      end)
    end

    it("arrives in chunks, an empty one being none", function()
      stream("one ", "", "two ", ("x"):rep(300))
      local status, headers, body = fetch("/")
      assert.are.same({ 200, "chunked", "so" }, { status, headers["transfer-encoding"], headers["x-why"] })
      assert.are.equal("one two " .. ("x"):rep(300), body)
    end)

    it("is followed by the next answer on the connection", function()
      stream("one")
      local answer = talk({ "send", GET .. GET }, { "times", 2, "0\r\n\r\n" }, { "leave" })
      assert.are.same({ 200, 200 }, statuses(answer))
    end)

    it("ends with the connection under HTTP/1.0", function()
      stream("one ", "two")
      local answer, ended = say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      assert.matches("\r\n\r\none two$", answer)
      assert.not_matches("Transfer%-Encoding", answer)
      assert.are.equal("closed", ended)
    end)

    it("has no body for HEAD", function()
      stream("one", "two")
      local answer = say("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.matches("\r\n\r\n$", answer)
      assert.not_matches("one", answer)
    end)

    it("may end with nothing written", function()
      stream()
      local _, _, body = fetch("/")
      assert.are.equal("", body)
    end)

    it("can be dropped", function()
      listen(function(exchange)
        exchange:stream(200)
        exchange:write("half")
        timer.start(0.05, function()
          exchange:close()
          assert.are.equal("closed", select(3, exchange:write("more")))
          assert.are.equal("closed", select(3, exchange:finish()))
        end)
      end)
      local status, _, code = fetch("/")
      assert.is_nil(status)
      assert.are.equal("closed", code)
    end)

    -- Streams for as long as it can, and returns what happened.
    local function stream_endlessly()
      local seen = { closed = 0 }
      listen(function(exchange)
        exchange:stream(200)
        exchange:on_close(function()
          seen.closed = seen.closed + 1
          seen.after = select(3, exchange:write("x"))
        end)
        local chunk = ("x"):rep(100000)
        local function push()
          local _, _, code = exchange:write(chunk)
          seen.full = seen.full or code == "full"
          if code ~= "closed" then
            timer.start(code and 0.01 or 0, push)
          end
        end
        push()
      end, { timeout = 1 })
      return seen
    end

    it("of a reader that takes nothing is full, and then closed", function()
      local seen = stream_endlessly()
      within(15, function(done)
        start_client({ { "pause" }, { "send", GET }, { "told" }, { "leave" } }, done)
        local function watch()
          if seen.closed > 0 then
            return tell_client()
          end
          timer.start(0.02, watch)
        end
        watch()
      end)
      assert.are.same({ full = true, closed = 1, after = "closed" }, seen)
    end)

    it("of a reader that is slow goes on", function()
      local seen = stream_endlessly()
      local steps = { { "pause" }, { "send", GET } }
      for _ = 1, 5 do
        table.insert(steps, { "wait", 400 })
        table.insert(steps, { "take", 2000000 })
      end
      table.insert(steps, { "leave" })
      local _, ended = talk(table.unpack(steps))
      assert.are.equal("left", ended)
      assert.is_true(seen.full)
    end)
  end)

  describe("a connection", function()
    local function count_of(answer)
      local _, count = answer:gsub("HTTP/1%.1 200 OK", "")
      return count
    end

    it("goes on under HTTP/1.1", function()
      listen()
      local answer, ended = talk({ "send", GET }, { "until", "GET /" }, { "send", GET },
        { "times", 2, "GET /" }, { "leave" })
      assert.are.same({ 2, "left" }, { count_of(answer), ended })
      assert.not_matches("Connection:", answer)
    end)

    it("ends where the client asks for it", function()
      listen()
      local answer, ended = say("GET / HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n\r\n" .. GET)
      assert.are.same({ 1, "closed" }, { count_of(answer), ended })
      assert.matches("\r\nConnection: close\r\n", answer, 1, true)
    end)

    it("ends under HTTP/1.0", function()
      listen()
      local answer, ended = say("GET / HTTP/1.0\r\n\r\n")
      assert.are.same({ 1, "closed" }, { count_of(answer), ended })
    end)

    it("goes on under HTTP/1.0 where the client asks for it", function()
      listen()
      local request = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
      local answer = talk({ "send", request }, { "until", "GET /" }, { "send", request },
        { "times", 2, "GET /" }, { "leave" })
      assert.are.equal(2, count_of(answer))
      assert.matches("\r\nConnection: keep-alive\r\n", answer, 1, true)
    end)

    it("answers requests that came at once in their order, one after the other", function()
      local open, order = 0, {}
      listen(function(exchange)
        open = open + 1
        assert.are.equal(1, open)
        table.insert(order, exchange:target() .. exchange:body())
        timer.start(0.02, function()
          open = open - 1
          echo(exchange)
        end)
      end)
      local answer = say("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nGET"
        .. "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.are.same({ "/1", "/2GET", "/3" }, order)
      assert.matches("GET /1HTTP.-POST /2HTTP.-GET /3$", answer)
    end)

    it("answers a thousand requests that came at once", function()
      local asked = 0
      listen(function(exchange)
        asked = asked + 1
        exchange:respond(200, {}, "<" .. asked .. ">")
      end)
      local answer = talk({ "send", GET:rep(1000) }, { "until", "<1000>" }, { "leave" })
      assert.are.equal(1000, count_of(answer))
    end)

    it("does not turn the loop while an answer is outstanding and more has arrived", function()
      local before, after
      listen(function(exchange)
        if not before then
          timer.start(0.1, function()
            before = turns()
          end)
          timer.start(0.6, function()
            after = turns()
            echo(exchange)
          end)
        else
          echo(exchange)
        end
      end)
      talk({ "send", GET .. GET .. ("x"):rep(30000) }, { "times", 2, "GET /" }, { "leave" })
      assert.is_true(after - before < 20, after - before)
    end)
  end)

  describe("time", function()
    it("ends for a connection that says nothing", function()
      listen(nil, { timeout = 0.3 })
      local answer, ended, seconds = talk()
      assert.are.same({ "", "closed" }, { answer, ended })
      assert.is_true(seconds >= 0.25, seconds)
    end)

    it("ends for half a head", function()
      listen(nil, { timeout = 0.3 })
      assert.are.same({ 408 }, statuses((say("GET / HTTP/1.1\r\nHost"))))
    end)

    it("ends for half a body", function()
      listen(nil, { timeout = 0.3 })
      assert.are.same({ 408 }, statuses((say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal"))))
    end)

    it("ends for a request that comes drop by drop", function()
      listen(nil, { timeout = 0.3 })
      local answer, _, seconds = talk({ "drip", 20, "GET / HTTP/1.1\r\n" .. ("X: y\r\n"):rep(100) })
      assert.are.same({ 408 }, statuses(answer))
      assert.is_true(seconds < 5, seconds)
    end)

    it("ends for the next request that comes drop by drop", function()
      listen(nil, { timeout = 0.3 })
      local answer = talk({ "send", GET }, { "until", "GET /" }, { "drip", 20, ("G"):rep(500) })
      assert.are.same({ 200, 408 }, statuses(answer))
    end)

    it("ends for a next request that is blank lines without end", function()
      listen(nil, { timeout = 0.3 })
      local steps = { { "send", GET }, { "until", "GET /" } }
      for _ = 1, 100 do
        table.insert(steps, { "drip", 50, "\r\n" })
      end
      local _, _, seconds = talk(table.unpack(steps))
      assert.is_true(seconds < 5, seconds)
    end)

    it("to be idle is longer than time to ask", function()
      listen(nil, { timeout = 0.2, idle = 1 })
      local answer, ended, seconds = talk({ "send", GET }, { "until", "GET /" }, { "wait", 500 }, { "send", GET })
      assert.are.same({ { 200, 200 }, "closed" }, { statuses(answer), ended })
      assert.is_true(seconds >= 1.4, seconds)
    end)

    it("does not end while Lua works on the answer", function()
      listen(function(exchange)
        timer.start(0.6, function()
          echo(exchange)
        end)
      end, { timeout = 0.2, idle = 0.2 })
      local status = fetch("/")
      assert.are.equal(200, status)
    end)

    it("ends for a reader that takes nothing of an answer", function()
      local asked = 0
      listen(function(exchange)
        asked = asked + 1
        exchange:respond(200, {}, asked == 1 and ("x"):rep(20000000) or "next")
      end, { timeout = 0.3, most = 1 })
      local answer, ended = within(15, function(done)
        start_client({ { "pause" }, { "send", GET }, { "told" }, { "resume" } }, done)
        -- There is room for another when it has been dropped.
        local function another()
          start_client({ { "send", GET }, { "until", "HTTP" }, { "leave" } }, function(text)
            if text:find("next", 1, true) then
              return tell_client()
            end
            timer.start(0.05, another)
          end)
        end
        timer.start(0.1, another)
      end)
      assert.is_true(#answer < 20000000)
      assert.are_not.equal("left", ended)
    end)
  end)

  describe("a peer that goes away", function()
    -- Has it go while the exchange is open. Returns how often on_close was called, and the code that `use` then gave.
    local function leaving(how, begin, use)
      local calls, code = 0, nil
      within(10, function(done)
        listen(function(exchange)
          begin(exchange)
          exchange:on_close(function()
            calls = calls + 1
            code = select(3, use(exchange))
            timer.start(0.1, done)
          end)
          tell_client()
        end)
        start_client({ { "send", GET }, { "told" }, { how } }, function() end)
      end)
      return { calls, code }
    end

    for _, how in ipairs({ "leave", "reset", "end" }) do
      it("before the answer is seen: " .. how, function()
        assert.are.same({ 1, "closed" }, leaving(how, function() end, function(exchange)
          return exchange:respond(200)
        end))
      end)

      it("in the middle of a stream is seen: " .. how, function()
        assert.are.same({ 1, "closed" }, leaving(how, function(exchange)
          exchange:stream(200)
          exchange:write("half")
        end, function(exchange)
          return exchange:write("more")
        end))
      end)
    end

    it("with its request is answered when Lua answers at once", function()
      listen()
      local answer = talk({ "send", GET:rep(50) }, { "end" })
      assert.are.equal(50, #statuses(answer))
    end)

    it("in the middle of a request is forgotten", function()
      listen(function()
        error("asked")
      end)
      talk({ "send", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal" }, { "wait", 50 }, { "reset" })
      talk({ "send", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal" }, { "wait", 50 }, { "end" })
    end)

    it("in the middle of a whole answer costs nothing", function()
      local closed = false
      listen(function(exchange)
        exchange:on_close(function()
          closed = true
        end)
        exchange:respond(200, {}, ("x"):rep(8000000))
      end)
      talk({ "send", GET }, { "until", "xxx" }, { "reset" })
      local status = fetch("/")
      assert.are.same({ 200, false }, { status, closed })
    end)

    it("is told of a hundred times", function()
      local closed = 0
      listen(function(exchange)
        exchange:on_close(function()
          closed = closed + 1
          exchange:close()
        end)
        exchange:stream(200)
      end)
      for _ = 1, 20 do
        within(10, function(done)
          local left = 0
          for _ = 1, 5 do
            start_client({ { "send", GET }, { "until", "200" }, { "reset" } }, function()
              left = left + 1
              if left == 5 then
                timer.start(0.02, done)
              end
            end)
          end
        end)
      end
      assert.are.equal(100, closed)
    end)
  end)

  describe("an exchange", function()
    -- The answer to a request whose handler raises; what is reported, and how it ended.
    local function unheard(on_request)
      local reported, answer, ended = {}, nil, nil
      listen(on_request)
      loop.on_error(function(traceback)
        table.insert(reported, traceback)
      end)
      start_client({ { "send", GET:gsub("\r\n$", "Connection: close\r\n\r\n") } }, function(...)
        answer, ended = ...
        loop.stop()
      end)
      loop.run()
      assert.are.equal(1, #reported)
      assert.matches("oops.*traceback", reported[1])
      return answer, ended
    end

    it("whose handler raises is a 500, and reported", function()
      assert.are.same({ 500 }, statuses((unheard(function()
        error("oops")
      end))))
    end)

    it("whose handler raises after the answer is answered", function()
      assert.matches("GET /$", (unheard(function(exchange)
        echo(exchange)
        error("oops")
      end)))
    end)

    it("whose handler raises in a stream is dropped", function()
      local answer, ended = unheard(function(exchange)
        exchange:stream(200)
        exchange:write("half")
        error("oops")
      end)
      assert.are.same({ "", "closed" }, { answer, ended })
    end)

    it("that Lua forgets is a 500", function()
      listen(function()
        timer.start(0.02, collectgarbage)
      end)
      assert.are.same({ 500 }, statuses((say(GET))))
    end)

    it("that Lua forgets in a stream is dropped", function()
      listen(function(exchange)
        exchange:stream(200)
        exchange:write("half")
        exchange:on_close(function()
          error("called")
        end)
        timer.start(0.05, collectgarbage)
      end)
      local answer = say(GET)
      assert.matches("half\r\n$", answer)
    end)

    it("can be dropped before its answer", function()
      listen(function(exchange)
        exchange:close()
        assert.are.equal("closed", select(3, exchange:respond(200)))
        assert.are.equal("closed", select(3, exchange:stream(200)))
      end)
      local answer = say(GET)
      assert.are.equal("", answer)
    end)
  end)

  describe("connections", function()
    it("above the most are refused with 503", function()
      local held = {}
      listen(function(exchange)
        table.insert(held, exchange)
      end, { most = 2 })
      local answers = {}
      within(10, function(done)
        local function note(answer)
          table.insert(answers, statuses(answer)[1] or 0)
          if #answers == 3 then
            done()
          end
        end
        start_client({ { "send", GET }, { "until", "HTTP" }, { "leave" } }, note)
        start_client({ { "send", GET }, { "until", "HTTP" }, { "leave" } }, note)
        local function third()
          if #held < 2 then
            return timer.start(0.01, third)
          end
          start_client({}, function(answer)
            note(answer)
            for _, exchange in ipairs(held) do
              exchange:respond(200)
            end
          end)
        end
        third()
      end)
      assert.are.same({ 503, 200, 200 }, answers)
    end)

    it("whose requests are slow to arrive make room", function()
      listen(nil, { most = 2, timeout = 10 })
      local ends = {}
      local answer = within(8, function(done)
        for _ = 1, 2 do
          start_client({ { "send", "GET / HTTP/1.1\r\n" } }, function(_, ended)
            table.insert(ends, ended)
          end)
        end
        local function third()
          start_client({ { "send", GET }, { "until", "HTTP" }, { "leave" } }, function(text)
            if statuses(text)[1] == 503 then
              return timer.start(0.1, third)
            end
            timer.start(0.1, function()
              done(text)
            end)
          end)
        end
        timer.start(0.3, third)
      end)
      assert.are.same({ 200 }, statuses(answer))
      assert.are.equal(1, #ends)
    end)

    it("that are idle make room", function()
      listen(nil, { most = 2 })
      local ends = {}
      within(10, function(done)
        local function idle(name)
          start_client({ { "send", GET }, { "until", "GET /" } }, function(_, ended)
            table.insert(ends, name .. " " .. ended)
          end)
        end
        idle("first")
        timer.start(0.3, function()
          idle("second")
        end)
        timer.start(0.6, function()
          start_client({ { "send", GET }, { "until", "GET /" }, { "leave" } }, function(answer)
            timer.start(0.1, function()
              done(answer)
            end)
          end)
        end)
      end)
      assert.are.same({ "first closed" }, ends)
    end)
  end)

  it("waits, and does not spin, while there is no descriptor for a connection", function()
    local files, before, after = {}, nil, nil
    local function limit_descriptors(most)
      assert(os.execute(("prlimit --pid $PPID --nofile=%d:"):format(most)))
    end
    local usual = io.popen("prlimit --pid $PPID --nofile --noheadings --output SOFT"):read("n")
    listen()
    local answer = within(10, function(done)
      start_client({ { "wait", 500 }, { "connect" }, { "send", GET }, { "until", "GET /" }, { "leave" } }, done)
      timer.start(0.2, function()
        limit_descriptors(100)
        repeat
          local file = io.open("/dev/null")
          table.insert(files, file)
        until not file
      end)
      timer.start(0.8, function()
        before = turns()
      end)
      timer.start(1.4, function()
        after = turns()
        for _, file in ipairs(files) do
          file:close()
        end
        limit_descriptors(usual)
      end)
    end)
    assert.matches("GET /$", answer)
    assert.is_true(after - before < 20, after - before)
  end)

  describe("listening", function()
    local function fails(code, pattern, more)
      local options = { host = "127.0.0.1", port = 0, limit = 1, timeout = 1, idle = 1, most = 1, on_request = echo }
      for name, value in pairs(more) do
        options[name] = value
      end
      local none, message, actual = server.listen(options)
      assert.is_nil(none)
      assert.matches(pattern, message)
      assert.are.equal(code, actual)
    end

    it("fails where another listens", function()
      listen()
      fails("in-use", "port %d+ of 127.0.0.1 is in use", { port = listener:port() })
    end)

    it("fails on an address that is not of this machine, or is a name", function()
      fails("address", "192.0.2.1 is no address of this machine", { host = "192.0.2.1" })
      fails("address", "localhost is no address", { host = "localhost" })
    end)

    it("is possible on every address, and IPv4 peers are named as such", function()
      local peer
      listen(function(exchange)
        peer = exchange:peer()
        echo(exchange)
      end, { host = "::" })
      local status = fetch("/")
      assert.are.same({ 200, "127.0.0.1" }, { status, peer })
    end)

    it("is possible on IPv6", function()
      local peer
      listen(function(exchange)
        peer = exchange:peer()
        echo(exchange)
      end, { host = "::1" })
      local status = within(5, function(done)
        http.request({ url = ("http://[::1]:%d/"):format(listener:port()), on_done = done })
      end)
      assert.are.same({ 200, "::1" }, { status, peer })
    end)

    it("ends when it is closed, and the port is free again at once", function()
      listen()
      fetch("/")
      local port = listener:port()
      listener:close()
      listener:close()
      assert.are.equal(0, listener:port())
      local status, _, code = within(5, function(done)
        http.request({ url = ("http://127.0.0.1:%d/"):format(port), on_done = done })
      end)
      assert.are.same({ nil, "connect" }, { status, code })
      listen(nil, { port = port })
      assert.are.equal(200, (fetch("/")))
    end)

    it("that is closed drops the open exchanges and calls nothing", function()
      local exchange
      listen(function(it)
        exchange = it
        it:stream(200)
        it:on_close(function()
          error("called")
        end)
        timer.start(0.05, function()
          listener:close()
        end)
      end)
      say(GET)
      assert.are.equal("closed", select(3, exchange:write("x")))
      exchange:close()
    end)

    it("can be closed by on_request", function()
      listen(function(exchange)
        listener:close()
        assert.are.equal("closed", select(3, exchange:respond(200)))
      end)
      local answer = say(GET .. GET)
      assert.are.equal("", answer)
    end)

    it("goes on where nothing refers to it", function()
      listen()
      local port = listener:port()
      listener = { port = function() return port end, close = function() end }
      collectgarbage()
      collectgarbage()
      assert.are.equal(200, (fetch("/")))
    end)

    for what, more in pairs({
      ["no host"] = { host = false },
      ["a port beyond all"] = { port = 65536 },
      ["a negative limit"] = { limit = -1 },
      ["no time"] = { timeout = 0 },
      ["an endless time"] = { idle = math.huge },
      ["no connections"] = { most = 0 },
      ["no function"] = { on_request = false },
    }) do
      it("raises for " .. what, function()
        local options = { host = "127.0.0.1", port = 0, limit = 1, timeout = 1, idle = 1, most = 1, on_request = echo }
        for name, value in pairs(more) do
          options[name] = value
        end
        assert.has_error(function()
          server.listen(options)
        end)
      end)
    end
  end)

  it("answers 503 to a request that Lua has no memory for, and goes on", function()
    local answer
    listen(nil, { limit = 40000000, timeout = 10 })
    loop.on_error(function() end)
    start_client({ { "send", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" }, { "fill", 30000000 } },
      function(received)
        answer = received
        loop.stop()
      end)
    guard.limit_memory(math.floor(collectgarbage("count") * 1024) + (4 << 20))
    loop.run()
    guard.limit_memory(0)
    assert.are.same({ 503 }, statuses(answer))
    assert.are.equal(200, (fetch("/")))
  end)

  it("leaves nothing behind when the host ends with connections and exchanges open", function()
    local output = in_another_host([[
      held = {}
      local listener = server.listen({
        host = "127.0.0.1", port = 0, limit = 5, timeout = 5, idle = 5, most = 8,
        on_request = function(exchange)
          table.insert(held, exchange)
          if #held == 2 then exchange:stream(200) exchange:write(("x"):rep(2000000)) end
          if #held == 3 then loop.stop() end
        end,
      })
      for i = 1, 3 do
        http.request({ url = ("http://127.0.0.1:%%d/"):format(listener:port()), on_done = print })
      end
      loop.run()
      print("ended")
    ]])
    assert.are.equal("ended\n", output)
  end)

  it("keeps nothing of an exchange that is answered, or whose peer has gone", function()
    local exchanges = setmetatable({}, { __mode = "k" })
    listen(function(exchange)
      exchanges[exchange] = true
      if exchange:target() == "/" then
        exchange:stream(200)
        exchange:on_close(function()
          exchange:close()
        end)
      else
        echo(exchange)
      end
    end)
    fetch("/answered")
    talk({ "send", GET }, { "until", "200" }, { "reset" })
    fetch("/answered")
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(exchanges))
  end)
end)
