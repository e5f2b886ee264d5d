-- host.websocket: against a peer in Node (spec/support/ws_peer.mjs), in the clear and through TLS.
local loop = require("host.loop")
local timer = require("host.timer")
local websocket = require("host.websocket")
local within = require("within")

local LIMIT = 100000

local function shell(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1"):format(command)))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

local function start_peer(...)
  local pipe = assert(io.popen("exec node spec/support/ws_peer.mjs " .. table.concat({ ... }, " ")))
  local peer = {}
  peer.pid, peer.port, peer.secure_port, peer.mute_port = pipe:read("n", "n", "n", "n")
  assert(peer.mute_port, "the peer did not start")
  function peer.stop()
    os.execute("kill " .. peer.pid)
    pipe:close()
  end
  return peer
end

-- A certificate authority `ca`, certificates of `localhost` and of `other.example`, one that has expired.
local CERTIFICATES = [[
set -e
cd %s
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \
  -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem
sign() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr
  printf "subjectAltName=$2" > ext
  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial $3 -extfile ext -out $1.pem
}
sign localhost DNS:localhost,IP:127.0.0.1 "-days 2"
sign other DNS:other.example "-days 2"
sign late DNS:localhost "-days 0"
]]

describe("host.websocket", function()
  local peer

  setup(function()
    peer = start_peer()
  end)

  teardown(function()
    peer.stop()
  end)

  -- Options of a connection to the peer; what happens goes into `log`, and the end into `done`.
  local function options(path, done, more)
    local log = {}
    local all = {
      host = "localhost",
      address = "127.0.0.1",
      port = peer.port,
      path = path,
      timeout = 2,
      limit = LIMIT,
      on_open = function()
        log[#log + 1] = "open"
      end,
      on_message = function(data, binary)
        log[#log + 1] = { data, binary }
      end,
      on_close = function(message, code)
        done(log, message, code)
      end,
    }
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return all
  end

  -- Connects, and returns how the connection ended: its log, the message and the code.
  local function ending(path, more)
    return within(8, function(done)
      assert(websocket.connect(options(path, done, more)))
    end)
  end

  -- Connects, and returns the first message.
  local function first_message(path, more)
    return within(5, function(done)
      local socket
      local all = options(path, function(_, message)
        error("closed: " .. message)
      end, more)
      all.on_message = function(...)
        socket:abort()
        done(...)
      end
      socket = assert(websocket.connect(all))
    end)
  end

  -- The peer tells a later connection how this one ended there.
  local function end_at_peer(path)
    local found
    local deadline = loop.now() + 3
    repeat
      found = first_message("/ends"):match(path:gsub("%p", "%%%0") .. " ([%d ]+)")
    until found or loop.now() > deadline
    return found
  end

  describe("opening", function()
    it("asks for what it was told to, and for no extension", function()
      local request = first_message("/request?role=backend&EIO=4")
      assert.matches('"url":"/request?role=backend&EIO=4"', request, 1, true)
      assert.matches(('"host":"localhost:%d"'):format(peer.port), request, 1, true)
      assert.not_matches("extensions", request)
      assert.not_matches("origin", request)
    end)

    it("brackets an IPv6 address in the Host header", function()
      local request = first_message("/request", { host = "::1", address = "::1" })
      assert.matches(('"host":"[::1]:%d"'):format(peer.port), request, 1, true)
    end)

    it("never goes through a proxy of the environment", function()
      local exe = io.popen("readlink /proc/$PPID/exe"):read("l")
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(([[
        local loop = require("host.loop")
        require("host.websocket").connect{ host = "localhost", address = "127.0.0.1", port = %d, path = "/greet",
          timeout = 2, limit = 10, on_open = print, on_message = function(m) print(m) loop.stop() end,
          on_close = function(m) print(m) loop.stop() end }
        loop.run()]]):format(peer.port))
      file:close()
      local proxies = "http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1"
      assert.equal("\nhello\n", shell(("%s socks_proxy=127.0.0.1:1 '%s' %s"):format(proxies, exe, path)))
      os.remove(path)
    end)

    it("may be closed or aborted before it is open; then nothing is called", function()
      for _, how in ipairs({ "close", "abort" }) do
        within(3, function(done)
          local socket = websocket.connect(options("/greet", error, { on_open = error }))
          socket[how](socket)
          socket[how](socket)
          timer.start(0.1, done)
        end)
      end
    end)

    it("knows the latency of the connection, while there is one", function()
      local before, open, after = within(3, function(done)
        local socket, first
        local all = options("/greet", error)
        all.on_message = function()
          local latency = socket:latency()
          socket:abort()
          done(first, latency, socket:latency())
        end
        socket = websocket.connect(all)
        first = { socket:latency() }
      end)
      assert.is_nil(before[1])
      assert.is_true(open > 0 and open < 1, open)
      assert.is_nil(after)
    end)

    it("sends what was queued before it is open", function()
      within(3, function(done)
        local socket
        local all = options("/echo", error)
        all.on_message = function(data)
          socket:abort()
          done(data)
        end
        socket = websocket.connect(all)
        assert.is_true(socket:send("early"))
        assert.equal(5, socket:pending())
      end)
    end)
  end)

  describe("failing to open", function()
    local function assert_failure(code, message, path, more)
      local log, got_message, got_code = ending(path, more)
      assert.same({}, log)
      assert.equal(message, got_message)
      assert.equal(code, got_code)
    end

    it("tells that nobody listens", function()
      assert_failure("connect", "connection refused", "/", { port = 1 })
      assert_failure("connect", "connection refused", "/", { port = 1, address = "::1" })
      assert_failure("connect", "connection refused", "/", { port = 1, tls = true })
    end)

    it("tells that there is no way to the address", function()
      local _, message, code = ending("/", { address = "255.255.255.255" })
      assert.equal("connect", code)
      assert.matches("unreachable", message)
    end)

    it("tells of an HTTP answer that is no upgrade", function()
      assert_failure("handshake", "HTTP 400 instead of a websocket upgrade", "/400")
      assert_failure("handshake", "HTTP 401 instead of a websocket upgrade", "/401")
    end)

    it("follows no redirect, and tells where it leads", function()
      assert_failure("handshake",
        "HTTP 301 instead of a websocket upgrade: it redirects to https://other.example/", "/moved")
    end)

    it("tells of no answer in time, when the server is mute", function()
      local started = loop.now()
      assert_failure("timeout", "no answer in time", "/silent", { timeout = 0.2 })
      assert_failure("timeout", "no answer in time", "/", { timeout = 0.2, port = peer.mute_port })
      assert_failure("timeout", "no answer in time", "/", { timeout = 0.2, port = peer.mute_port, tls = true })
      assert.is_true(loop.now() - started < 2)
    end)

    it("waits as long as it was told to", function()
      local started, left = loop.now(), 3
      within(8, function(done)
        local function ended(_, message)
          assert(message == "no answer in time" and loop.now() - started > 5.4, message)
          left = left - 1
          if left == 0 then
            done()
          end
        end
        websocket.connect(options("/silent", ended, { timeout = 5.5 }))
        websocket.connect(options("/", ended, { timeout = 5.5, port = peer.mute_port }))
        websocket.connect(options("/", ended, { timeout = 5.5, port = peer.mute_port, tls = true }))
      end)
    end)

    it("tells of an upgrade whose head has no end", function()
      local log, _, code = ending("/endless")
      assert.same({}, log)
      assert.is_true(code == "handshake" or code == "timeout", code)
    end)

    it("tells of an answer that makes no sense", function()
      assert.equal("handshake", select(3, ending("/hangup")))
      assert.equal("handshake", select(3, ending("/rubbish")))
      local _, message, code = ending("/liar")
      assert.equal("handshake", code)
      assert.matches("a wrong answer to the websocket upgrade", message)
    end)

    it("refuses an address that is a name", function()
      local socket, message, code = websocket.connect(options("/", error, { address = "localhost" }))
      assert.is_nil(socket)
      assert.equal("connect", code)
      assert.equal("localhost is not a numeric address", message)
    end)

    it("raises for missing options", function()
      assert.error_matches(function()
        websocket.connect({ address = "127.0.0.1" })
      end, "bad option 'path' %(string expected, got nil%)")
    end)

    it("raises for numbers out of range and for what would end a line of the request", function()
      local wrong = { port = 65536 + peer.port, limit = -1, path = "/\r\nX: y", host = "local host" }
      for name, value in pairs(wrong) do
        assert.error_matches(function()
          websocket.connect(options("/", error, { [name] = value }))
        end, ("bad option '%s'"):format(name))
      end
    end)
  end)

  describe("messages", function()
    -- Sends all, and returns what comes back for each.
    local function echoes(messages, binary)
      return within(10, function(done)
        local answers, socket = {}, nil
        local all = options("/echo", error, { limit = 1 << 23 })
        all.on_open = function()
          for _, message in ipairs(messages) do
            assert(socket:send(message, binary))
          end
        end
        all.on_message = function(data, is_binary)
          assert.equal(binary, is_binary)
          answers[#answers + 1] = data
          if #answers == #messages then
            socket:abort()
            done(answers)
          end
        end
        socket = websocket.connect(all)
      end)
    end

    it("go both ways, text and binary, in order, of any size", function()
      local messages = { "", "a", ("b"):rep(125), ("c"):rep(126), ("d"):rep(65535), ("e"):rep(65536), "f" }
      assert.same(messages, echoes(messages, false))
      local bytes = {}
      for i = 0, 255 do
        bytes[#bytes + 1] = string.char(i)
      end
      assert.same({ table.concat(bytes) }, echoes({ table.concat(bytes) }, true))
    end)

    it("of megabytes arrive whole", function()
      local large = ("0123456789abcdef"):rep(1 << 18)
      assert.is_true(echoes({ large }, true)[1] == large)
    end)

    it("that come in fragments are put together", function()
      assert.equal("one two three", (first_message("/fragments")))
    end)

    it("come in order when there are many", function()
      within(5, function(done)
        local expected, socket = 0, nil
        local all = options("/many?times=2000", error)
        all.on_message = function(data)
          expected = expected + 1
          assert(tonumber(data) == expected)
          if expected == 2000 then
            socket:abort()
            done()
          end
        end
        socket = websocket.connect(all)
      end)
    end)

    it("up to the limit are taken, larger ones close", function()
      assert.equal(LIMIT, #first_message("/large?bytes=" .. LIMIT))
      for _, path in ipairs({ "/large?bytes=" .. LIMIT + 1, "/large?bytes=30000000", "/drip?times=101" }) do
        local log, message, code = ending(path)
        assert.same({ "open" }, log)
        assert.equal("too-large", code)
        assert.equal("the server sent a message of more than 100000 bytes", message)
      end
      assert.equal("1009 0", end_at_peer("/drip?times=101"))
    end)

    it("of the protocol's own are answered", function()
      assert.equal("pong abc", (first_message("/ping")))
    end)

    it("that would make more than 8 MiB wait are refused", function()
      within(5, function(done)
        local socket
        local all = options("/deaf", error)
        all.on_open = function()
          local mebibyte = ("x"):rep(1 << 20)
          for _ = 1, 7 do
            assert.is_true(socket:send(mebibyte))
          end
          assert.equal(7 << 20, socket:pending())
          local ok, message, code = socket:send(mebibyte)
          assert.is_nil(ok)
          assert.equal("full", code)
          assert.equal("more than 8 MiB wait to be sent", message)
          socket:abort()
          assert.equal(0, socket:pending())
          done()
        end
        socket = websocket.connect(all)
      end)
    end)

    it("of a byte cost more than that byte, when they wait", function()
      within(5, function(done)
        local socket
        local all = options("/deaf", error)
        all.on_open = function()
          local count = 0
          while socket:send("x") do
            count = count + 1
          end
          assert.equal(count, socket:pending())
          assert.is_true(count > 10000 and count < 400000, count)
          socket:abort()
          done()
        end
        socket = websocket.connect(all)
      end)
    end)

    it("in crumbs up to the limit are taken, and no more", function()
      assert.equal(("x"):rep(5000), (first_message("/crumbs?bytes=5000")))
      local log, message, code = ending("/crumbs?bytes=101000")
      assert.same({ { "open" }, "too-large" }, { log, code })
      assert.matches("more than 100000 bytes", message)
    end)

    -- How much memory the process gains while the peer floods a connection for a second; timers run meanwhile.
    local function growth_under(path)
      local function resident()
        return tonumber(io.open("/proc/self/status"):read("a"):match("VmRSS:%s*(%d+)"))
      end
      local gained, ticks = nil, 0
      within(10, function(done)
        local all = options(path, function(_, message)
          error(message)
        end)
        local socket, before
        local function tick()
          ticks = ticks + 1
          if ticks == 20 then
            before = resident()
          elseif ticks == 100 then
            gained = resident() - before
            socket:abort()
            return done()
          end
          timer.start(0.01, tick)
        end
        all.on_open = tick
        socket = websocket.connect(all)
      end)
      return gained
    end

    for path, what in pairs({ ["/empties"] = "fragments of nothing", ["/pings"] = "pings", ["/pongs"] = "pongs" }) do
      it("that are " .. what .. " without end cost no memory, and leave the loop its turns", function()
        assert.is_true(growth_under(path) < 2000)
      end)
    end

    it("stop waiting as they are written", function()
      within(5, function(done)
        local socket
        local all = options("/count", error)
        all.on_open = function()
          for _ = 1, 4 do
            socket:send(("x"):rep(1 << 19))
          end
        end
        all.on_message = function(count)
          if tonumber(count) == 1 << 21 then
            assert.equal(0, socket:pending())
            socket:abort()
            done()
          end
        end
        socket = websocket.connect(all)
      end)
    end)
  end)

  describe("ending", function()
    it("tells what the server closed it with, once", function()
      local log, message, code = ending("/close")
      assert.same({ "open" }, log)
      assert.equal("closed by the server (1008: not you)", message)
      assert.equal("closed", code)
    end)

    it("tells that the connection was lost", function()
      for _, path in ipairs({ "/drop", "/broken" }) do
        local log, message, code = ending(path)
        assert.same({ "open" }, log)
        assert.equal("the connection was lost", message)
        assert.equal("closed", code)
      end
    end)

    it("by close writes what is queued, says goodbye and calls on_close", function()
      local message, code = within(5, function(done)
        local socket
        local all = options("/count?goodbye", function(_, ...)
          done(...)
        end)
        all.on_open = function()
          for _ = 1, 30 do
            socket:send(("x"):rep(10000))
          end
          socket:close()
          socket:close()
          assert.same({ nil, "the connection is closed", "closed" }, { socket:send("more") })
        end
        all.on_message = error
        socket = websocket.connect(all)
      end)
      assert.same({ "closed", "closed" }, { message, code })
      assert.equal("1000 300000", end_at_peer("/count?goodbye"))
    end)

    it("by close in the middle of a large message is clean", function()
      local message, code = within(5, function(done)
        local socket
        local all = options("/large?bytes=20000000", function(_, ...)
          done(...)
        end, { limit = 1 << 25 })
        all.on_message = error
        all.on_open = function()
          timer.start(0.001, function()
            socket:close()
          end)
        end
        socket = websocket.connect(all)
      end)
      assert.same({ "closed", "closed" }, { message, code })
    end)

    it("by close waits 3 s for a peer that does not answer", function()
      local started = loop.now()
      local message, code = within(5, function(done)
        local socket
        local all = options("/deaf", function(_, ...)
          done(...)
        end)
        all.on_open = function()
          started = loop.now()
          socket:close()
        end
        socket = websocket.connect(all)
      end)
      assert.same({ "closed", "closed" }, { message, code })
      assert.is_true(math.abs(loop.now() - started - 3) < 0.5)
    end)

    it("by abort calls nothing", function()
      within(5, function(done)
        local socket
        local all = options("/echo?abort", error)
        all.on_open = function()
          socket:send("x")
          socket:abort()
          socket:abort()
          assert.equal("closed", select(3, socket:send("x")))
          timer.start(0.1, done)
        end
        all.on_message = error
        socket = websocket.connect(all)
      end)
      assert.equal("1006 0", end_at_peer("/echo?abort"))
    end)

    it("lets the next connection be made from any callback", function()
      within(8, function(done)
        local order = {}
        local function again(path, handlers)
          local all = options(path, function()
            order[#order + 1] = path .. " closed"
            if handlers.closed then
              handlers.closed()
            end
          end)
          all.on_open = handlers.opened or all.on_open
          all.on_message = handlers.message or all.on_message
          return websocket.connect(all)
        end
        local first
        first = again("/greet", {
          message = function()
            local second
            first:abort()
            second = again("/echo", {
              opened = function()
                second:close()
                again("/close", {
                  closed = function()
                    again("/400", {
                      closed = function()
                        done(order)
                      end,
                    })
                  end,
                })
              end,
            })
          end,
        })
      end)
    end)

    it("leaves handles that do nothing", function()
      local socket
      ending("/close", {
        on_open = function()
          collectgarbage()
        end,
      })
      within(3, function(done)
        socket = websocket.connect(options("/close", done))
      end)
      socket:close()
      socket:abort()
      assert.equal(0, socket:pending())
      assert.equal("closed", select(3, socket:send("x")))
    end)

    it("needs no reference to be alive", function()
      within(3, function(done)
        websocket.connect(options("/close", done))
        collectgarbage()
        collectgarbage()
      end)
    end)
  end)

  describe("through TLS", function()
    local directory, exe

    setup(function()
      directory = io.popen("mktemp -d"):read("l")
      exe = io.popen("readlink /proc/$PPID/exe"):read("l")
      shell(CERTIFICATES:format(directory))
    end)

    teardown(function()
      shell("rm -rf " .. directory)
    end)

    -- In another process, since the trusted certificates are read once. Returns what happens first.
    local function outcome(certificate, trust, host, address)
      local secure = start_peer(("%s/%s.pem %s/%s.key"):format(directory, certificate, directory, certificate))
      local path = directory .. "/script.lua"
      local file = assert(io.open(path, "w"))
      file:write(([[
        local loop = require("host.loop")
        local function tell(...) print(...) loop.stop() end
        require("host.websocket").connect{ host = "%s", address = "%s", port = %d, path = "/request", tls = true,
          timeout = 3, limit = 1000, on_open = function() end, on_message = tell, on_close = tell }
        loop.run()]]):format(host or "localhost", address or "127.0.0.1", secure.secure_port))
      file:close()
      local clean = "unset SSL_CERT_FILE SSL_CERT_DIR; cd " .. directory
      local output = shell(("%s && %s '%s' %s"):format(clean, trust, exe, path))
      secure.stop()
      return output
    end

    it("accepts a certificate of an authority that SSL_CERT_FILE names", function()
      local trust = "SSL_CERT_FILE=" .. directory .. "/ca.pem"
      assert.matches('"sni":"localhost"', outcome("localhost", trust), 1, true)
      assert.matches('"host":"127.0.0.1', outcome("localhost", trust, "127.0.0.1"), 1, true)
      assert.matches('"sni":"other.example"', outcome("other", trust, "other.example"), 1, true)
    end)

    it("accepts one of a directory that SSL_CERT_DIR names", function()
      shell(("mkdir %s/hashed && cp %s/ca.pem %s/hashed && openssl rehash %s/hashed"):gsub("%%s", directory))
      assert.matches('"sni":"localhost"', outcome("localhost", "SSL_CERT_DIR=" .. directory .. "/hashed"), 1, true)
    end)

    it("refuses a certificate of another name", function()
      local trust = "SSL_CERT_FILE=" .. directory .. "/ca.pem"
      assert.equal("the certificate is not valid for localhost\ttls\n", outcome("other", trust))
      assert.equal("the certificate is not valid for 127.0.0.1\ttls\n", outcome("other", trust, "127.0.0.1"))
    end)

    it("refuses one of an unknown authority, wherever it is started", function()
      shell(("mkdir -p %s/share && cp %s/ca.pem %s/share && openssl rehash %s/share"):gsub("%%s", directory))
      local expected = "^the certificate of localhost is not signed by an authority known here %(.*%): "
        .. "if it is one of your own, name its file in SSL_CERT_FILE\ttls\n$"
      assert.matches(expected, outcome("localhost", "mkdir -p sub && cd sub && "))
    end)

    it("refuses one that has expired", function()
      assert.equal("the certificate of localhost has expired\ttls\n",
        outcome("late", "SSL_CERT_FILE=" .. directory .. "/ca.pem"))
    end)

    it("tells when the file of SSL_CERT_FILE can't be read", function()
      assert.equal("the file that SSL_CERT_FILE names can't be read\ttls\n",
        outcome("localhost", "SSL_CERT_FILE=/none"))
    end)

    it("tells when the port does not speak TLS", function()
      local _, message, code = ending("/", { tls = true })
      assert.equal("tls", code)
      assert.equal(("no TLS connection to localhost: is it really TLS that port %d speaks?"):format(peer.port),
        message)
    end)

    it("refuses an IPv6 address as the host, whose certificate can't be verified", function()
      local literal = { host = "::1", address = "::1", tls = true }
      local socket, message, code = websocket.connect(options("/", error, literal))
      assert.is_nil(socket)
      assert.equal("tls", code)
      assert.matches("use a name", message)
    end)
  end)
end)
