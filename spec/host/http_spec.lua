-- host.http: against a peer in Node (spec/support/http_peer.mjs), and against the Docker daemon.
local http = require("host.http")
local loop = require("host.loop")
local timer = require("host.timer")
local within = require("within")

local DOCKER = "/var/run/docker.sock"

local function shell(command)
  local pipe = assert(io.popen("exec 2>&1\n" .. command))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

-- Starts a peer; what it gets are its arguments.
local function start_peer(arguments)
  local pipe = assert(io.popen("exec node spec/support/http_peer.mjs " .. arguments))
  local peer = {}
  peer.pid, peer.port, peer.secure_port, peer.mute_port = pipe:read("n", "n", "n", "n")
  assert(peer.mute_port, "the peer did not start")
  peer.url = "http://127.0.0.1:" .. peer.port
  peer.secure_url = "https://localhost:" .. peer.secure_port
  function peer.stop(signal)
    os.execute(("kill -%s %d"):format(signal or "TERM", peer.pid))
    pipe:close()
  end
  return peer
end

-- Runs a script in a host of its own, which is told the peer's URL as `url`, and returns what it printed.
local function in_another_host(setup, url, script)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(('local url = "%s"\nlocal http, loop = require("host.http"), require("host.loop")\n'):format(url))
  file:write(script)
  file:close()
  local exe = assert(io.popen("readlink /proc/$PPID/exe")):read("l")
  local output = shell(("%s '%s' %s"):format(setup, exe, path))
  os.remove(path)
  return output
end

local CERTIFICATES = [[
set -e
cd %s
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \
  -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem
sign() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr
  printf "subjectAltName=DNS:$1" > ext
  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $1.pem
}
sign localhost
sign client
]]

describe("host.http", function()
  local directory, peer, socket

  lazy_setup(function()
    directory = shell("mktemp -d"):gsub("\n", "")
    shell(CERTIFICATES:format(directory))
    socket = directory .. "/peer.sock"
    peer = start_peer(("%s %s/localhost.pem %s/localhost.key %s/ca.pem"):format(
      socket, directory, directory, directory))
  end)

  lazy_teardown(function()
    peer.stop()
    shell("rm -rf " .. directory)
  end)

  -- Waits for the end of a request and returns what on_done got.
  local function fetch(options)
    return within(10, function(done)
      options.on_done = done
      assert(http.request(options))
    end)
  end

  local function get(path, more)
    local options = { url = peer.url .. path }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    return fetch(options)
  end

  -- What the peer saw of a request: its first line, and its headers by their lower-case names.
  local function seen_by_peer(options)
    options.url = peer.url .. "/headers?q=1"
    local _, _, body = fetch(options)
    local lines = {}
    for line in body:gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
    end
    local headers = {}
    for i = 2, #lines, 2 do
      headers[lines[i]:lower()] = lines[i + 1]
    end
    return lines[1], headers
  end

  -- A body function that returns each argument, then nil.
  local function chunks(...)
    local rest = { ... }
    return function()
      return table.remove(rest, 1)
    end
  end

  local function fails(code, pattern, ...)
    local status, message, actual = ...
    assert.is_nil(status)
    assert.matches(pattern, message)
    assert.are.equal(code, actual)
  end

  describe("an answer", function()
    it("is a status, headers with lower-case names, and a body", function()
      local status, headers, body = get("/missing")
      assert.are.equal(404, status)
      assert.are.equal("integer", math.type(status))
      assert.are.equal("gone", headers["x-why"])
      assert.is_nil(headers["X-Why"])
      assert.are.equal("no such thing", body)
    end)

    it("may have an empty body", function()
      local status, _, body = get("/empty")
      assert.are.equal(200, status)
      assert.are.equal("", body)
    end)

    it("may have no headers, and a body that ends with the connection", function()
      local status, headers, body = get("/bare")
      assert.are.equal(200, status)
      assert.are.same({}, headers)
      assert.are.equal("until the end", body)
    end)

    it("joins a repeated header and keeps one without a value", function()
      local _, headers = get("/repeated")
      assert.are.equal("a, b", headers["x-two"])
      assert.are.equal("", headers["x-blank"])
    end)

    it("is put together from chunks, without trailers", function()
      local status, headers, body = get("/chunked")
      assert.are.equal(200, status)
      assert.are.equal("onetwothree", body)
      assert.is_nil(headers["x-late"])
    end)

    it("is the final one, not an interim one", function()
      local heads = {}
      local status, headers, body = get("/interim", {
        on_head = function(head)
          heads[#heads + 1] = head
        end,
      })
      assert.are.same({ 200 }, heads)
      assert.are.equal(200, status)
      assert.is_nil(headers.link)
      assert.are.equal("final", body)
    end)

    it("is a redirect, which is not followed", function()
      local status, headers = get("/redirect")
      assert.are.equal(302, status)
      assert.are.equal("/hello", headers.location)
    end)

    it("to HEAD has no body", function()
      local status, _, body = get("/hello", { method = "HEAD" })
      assert.are.equal(200, status)
      assert.are.equal("", body)
    end)

    it("may be as large as the limit, and no larger", function()
      local _, _, body = get("/bytes", { headers = { ["X-Bytes"] = "300000" }, limit = 300000 })
      assert.are.equal(("b"):rep(300000), body)
      fails("too-large", "larger than 299999 bytes",
        get("/bytes", { headers = { ["X-Bytes"] = "300000" }, limit = 299999 }))
    end)

    for path, why in pairs({
      ["/huge-header"] = "one header of 70,000 bytes",
      ["/vast-header"] = "one header that curl itself refuses",
      ["/large-headers"] = "headers of 70,000 bytes together",
      ["/many-headers"] = "more than 200 headers",
    }) do
      it("is too large with " .. why, function()
        fails("too-large", "answer of 127.0.0.1:" .. peer.port, get(path))
      end)
    end
  end)

  describe("a peer without measure", function()
    for path, what in pairs({ ["/interims"] = "interim answers", ["/trailers"] = "trailers" }) do
      it("that sends " .. what .. " without end is refused", function()
        fails("too-large", "headers without end", get(path))
      end)
    end

    it("that sends a chunk's extension without end has sent nothing", function()
      fails("idle", "nothing came", get("/extension", { idle_timeout = 0.3 }))
      fails("timeout", "completely", get("/extension", { timeout = 0.3 }))
    end)

    it("that drips a head is bounded by the time of the whole", function()
      fails("timeout", "completely", get("/head-drip", { timeout = 0.3 }))
      fails("idle", "nothing came", get("/head-drip", { idle_timeout = 0.3 }))
    end)

    it("that packs its answer has it delivered packed", function()
      local _, headers, body = get("/gzip", { limit = 1000000 })
      assert.are.equal("gzip", headers["content-encoding"])
      assert.are.equal("\x1F\x8B", body:sub(1, 2))
    end)

    it("that lies about a length is cut, or refused", function()
      local _, _, body = get("/length-lie")
      assert.are.equal("true", body)
      fails("protocol", "Content%-Length", get("/negative-length"))
    end)

    for path, what in pairs({ ["/trailing"] = "with the answer", ["/unasked"] = "after the answer" }) do
      it("that sends another one " .. what .. " is not believed", function()
        for _ = 1, 3 do
          assert.are.equal("true", (select(3, get(path))))
          within(5, function(done)
            timer.start(0.15, done)
          end)
          assert.are.equal("hello", (select(3, get("/hello"))))
        end
      end)
    end
  end)

  describe("a request", function()
    it("is a GET that claims nothing it does not have", function()
      local line, headers = seen_by_peer({})
      assert.are.equal("GET /headers?q=1", line)
      assert.are.equal("127.0.0.1:" .. peer.port, headers.host)
      for _, name in ipairs({ "content-type", "content-length", "transfer-encoding", "expect", "user-agent" }) do
        assert.is_nil(headers[name])
      end
    end)

    it("carries the method and the headers that it is given", function()
      local given = { ["X-One"] = "1", ["X-None"] = " ", Host = "other" }
      local line, headers = seen_by_peer({ method = "DELETE", headers = given })
      assert.are.equal("DELETE /headers?q=1", line)
      assert.are.equal("1", headers["x-one"])
      assert.are.equal("", headers["x-none"])
      assert.are.equal("other", headers.host)
    end)

    it("with a body is a POST of that length, without a type", function()
      local line, headers = seen_by_peer({ body = "text" })
      assert.are.equal("POST /headers?q=1", line)
      assert.are.equal("4", headers["content-length"])
      assert.is_nil(headers["content-type"])
    end)

    for _, method in ipairs({ "POST", "PUT", "PATCH" }) do
      it(("of %s without a body says so"):format(method), function()
        local line, headers = seen_by_peer({ method = method })
        assert.are.equal(method .. " /headers?q=1", line)
        assert.are.equal("0", headers["content-length"])
        assert.is_nil(headers["content-type"])
      end)
    end

    it("sends a large body at once, without asking first", function()
      local body = ("0123456789abcdef"):rep(200000)
      local given = { ["Content-Type"] = "application/x-tar" }
      local _, headers = seen_by_peer({ method = "PUT", body = body, headers = given })
      assert.is_nil(headers.expect)
      assert.are.equal(tostring(#body), headers["content-length"])
      assert.are.equal("application/x-tar", headers["content-type"])
      local _, _, echo = get("/echo", { method = "PUT", body = body })
      assert.is_true(body == echo)
    end)

    it("keeps its path as it is written", function()
      local status = get("/x/../hello")
      assert.are.equal(404, status)
    end)
  end)

  describe("a body function", function()
    it("is sent in chunks of unknown length", function()
      local line, headers = seen_by_peer({ method = "PUT", body = chunks("a", "b") })
      assert.are.equal("PUT /headers?q=1", line)
      assert.are.equal("chunked", headers["transfer-encoding"])
      for _, name in ipairs({ "content-length", "expect", "content-type" }) do
        assert.is_nil(headers[name])
      end
    end)

    it("may return chunks of any size, empty ones too", function()
      local large = ("x"):rep(300000)
      local _, _, body = get("/echo", { body = chunks("one", "", large, "", "two") })
      assert.is_true(body == "one" .. large .. "two")
    end)

    it("may return nothing at all", function()
      local status, _, body = get("/echo", { body = chunks() })
      assert.are.equal(200, status)
      assert.are.equal("", body)
    end)

    it("is called only as fast as the peer takes it", function()
      local called = 0
      local request
      within(10, function(done)
        request = assert(http.request({
          url = peer.url .. "/hang",
          idle_timeout = 0.3,
          body = function()
            called = called + 1
            return ("x"):rep(65536)
          end,
          on_done = function(_, _, code)
            assert.are.equal("idle", code)
            done()
          end,
        }))
      end)
      request:close()
      assert.is_true(called < 500)
    end)

    it("is not asked again when the peer has answered early", function()
      local status, _, body = get("/refuse-body", { body = function()
        return ("x"):rep(65536)
      end })
      assert.are.equal(413, status)
      assert.are.equal("too much", body)
    end)

    it("that fails ends the request, with its traceback reported", function()
      local trace
      local status, message, code
      within(5, function(done)
        loop.on_error(function(text)
          trace = text
        end)
        http.request({
          url = peer.url .. "/echo",
          body = function()
            error("no more bytes")
          end,
          on_done = function(...)
            status, message, code = ...
            done()
          end,
        })
      end)
      assert.matches("no more bytes\nstack traceback:", trace)
      fails("protocol", "could not be produced", status, message, code)
    end)

    it("that returns no string ends the request", function()
      local trace, code
      within(5, function(done)
        loop.on_error(function(text)
          trace = text
        end)
        http.request({
          url = peer.url .. "/echo",
          body = function()
            return {}
          end,
          on_done = function(...)
            code = select(3, ...)
            done()
          end,
        })
      end)
      assert.matches("returned a table", trace)
      assert.are.equal("protocol", code)
    end)

    it("may close its request", function()
      within(5, function(done)
        local request
        request = http.request({
          url = peer.url .. "/echo",
          body = function()
            request:close()
            timer.start(0.1, done)
            return "late"
          end,
          on_done = function()
            error("a closed request ended")
          end,
        })
      end)
    end)
  end)

  describe("a stream", function()
    it("delivers the head, the data as it comes, and the end", function()
      local events = {}
      local status, headers, body = get("/chunked", {
        on_head = function(head, fields)
          events[#events + 1] = ("head %d %s"):format(head, fields["transfer-encoding"])
        end,
        on_data = function(chunk)
          events[#events + 1] = chunk
        end,
      })
      assert.are.same({ "head 200 chunked", "one", "two", "three" }, events)
      assert.are.equal(200, status)
      assert.are.equal("chunked", headers["transfer-encoding"])
      assert.is_nil(body)
    end)

    it("is not collected, so no limit applies", function()
      local size = 0
      local status = get("/bytes", {
        headers = { ["X-Bytes"] = "3000000" },
        limit = 10,
        on_data = function(chunk)
          size = size + #chunk
        end,
      })
      assert.are.equal(200, status)
      assert.are.equal(3000000, size)
    end)

    describe("that is held", function()
      local BYTES = 30 * 1000 * 1000

      -- Holds a large answer with its first data, for some seconds; `held` is how much of it came while it was held.
      local function hold(seconds, more)
        local size, held, request = 0, nil, nil
        local status, message, code = within(20, function(done)
          local options = {
            url = peer.url .. "/bytes",
            headers = { ["X-Bytes"] = tostring(BYTES) },
            on_data = function(chunk)
              if size == 0 then
                request:hold(true)
                timer.start(seconds, function()
                  held = size - #chunk
                  if not (more and more.release and more.release(request, done)) then
                    request:hold(false)
                  end
                end)
              end
              size = size + #chunk
            end,
            on_done = done,
          }
          options.idle_timeout = more and more.idle_timeout
          request = assert(http.request(options))
        end)
        return size, held, status, message, code
      end

      it("is not read any further, and goes on to its end when it is let go", function()
        local size, held, status = hold(0.5)
        assert.are.equal(200, status)
        assert.are.equal(BYTES, size)
        assert.are.equal(0, held)
      end)

      it("does not fail for its idleness", function()
        local size, _, status = hold(2.5, { idle_timeout = 1 })
        assert.are.same({ BYTES, 200 }, { size, status })
      end)

      it("may be closed", function()
        local _, held = hold(0.1, { release = function(request, done)
          request:close()
          request:hold(false)
          timer.start(0.1, done)
          return true
        end })
        assert.are.equal(0, held)
      end)

      it("may be held again and again, by the one who gets its data", function()
        local size, request = 0, nil
        local status = within(20, function(done)
          request = assert(http.request({
            url = peer.url .. "/bytes",
            headers = { ["X-Bytes"] = "3000000" },
            on_data = function(chunk)
              size = size + #chunk
              request:hold(true)
              request:hold(false)
              request:hold(true)
              timer.start(0, function()
                request:hold(false)
              end)
            end,
            on_done = done,
          }))
        end)
        assert.are.same({ 3000000, 200 }, { size, status })
      end)

      it("is held from its beginning too, whatever its size", function()
        local request, came
        local status, _, body = within(20, function(done)
          request = assert(http.request({ url = peer.url .. "/hello", on_done = function(...)
            came = true
            done(...)
          end }))
          request:hold(true)
          timer.start(0.3, function()
            assert.is_nil(came)
            request:hold(false)
          end)
        end)
        assert.are.same({ 200, "hello" }, { status, body })
      end)

      it("is one that is told whether", function()
        local request = assert(http.request({ url = peer.url .. "/hello", on_done = function() end }))
        assert.has_error(function()
          request:hold()
        end)
        request:close()
      end)
    end)

    it("delivers what came before a failure, then the failure", function()
      local events = {}
      fails("closed", "failed", get("/cut", {
        on_head = function(status)
          events[#events + 1] = status
        end,
        on_data = function(chunk)
          events[#events + 1] = chunk
        end,
      }))
      assert.are.same({ 200, "half" }, events)
    end)
  end)

  describe("a failure", function()
    it("names a socket that is not there", function()
      local path = directory .. "/none"
      fails("connect", "^no such socket " .. path .. "$", fetch({ url = "http://d/", unix_socket = path }))
    end)

    it("tells that nothing listens on a socket", function()
      local stale = directory .. "/stale"
      local other = start_peer(stale)
      other.stop("KILL")
      fails("connect", "refused.*" .. stale, fetch({ url = "http://d/", unix_socket = stale }))
    end)

    it("tells that nothing listens on a port", function()
      local other = start_peer("-")
      other.stop()
      fails("connect", "refused.*127.0.0.1:" .. other.port, fetch({ url = other.url }))
    end)

    it("tells a name that does not resolve", function()
      fails("resolve", "resolve host", fetch({ url = "http://a..b/" }))
    end)

    it("tells a connection that is not made in time", function()
      fails("connect", "within 0.2 s", fetch({
        url = ("https://127.0.0.1:%d/"):format(peer.mute_port),
        connect_timeout = 0.2,
        timeout = 5,
      }))
    end)

    for path, why in pairs({ ["/hang"] = "nothing", ["/hang-in-body"] = "half", ["/drip"] = "never all" }) do
      it(("tells an answer of which %s comes in time"):format(why), function()
        local began = loop.now()
        fails("timeout", "completely within 0.3 s", get(path, { timeout = 0.3 }))
        assert.is_true(loop.now() - began >= 0.3)
      end)
    end

    for _, path in ipairs({ "/hang", "/hang-in-body" }) do
      it("tells that no byte came for a while from " .. path, function()
        local began = loop.now()
        fails("idle", "nothing came .* for 0.3 s", get(path, { idle_timeout = 0.3 }))
        assert.is_true(loop.now() - began >= 0.3)
      end)
    end

    it("tells that no byte of the body was taken for a while", function()
      fails("idle", "", get("/hang", { method = "PUT", body = ("x"):rep(20000000), idle_timeout = 0.3 }))
    end)

    it("is not told while bytes keep coming", function()
      local count = 0
      within(10, function(done)
        local request
        request = http.request({
          url = peer.url .. "/drip",
          idle_timeout = 0.3,
          on_data = function()
            count = count + 1
            if count == 20 then
              request:close()
              done()
            end
          end,
          on_done = function(_, message)
            error(message)
          end,
        })
      end)
      assert.are.equal(20, count)
    end)

    for path, code in pairs({
      ["/drop"] = "closed",
      ["/reset"] = "closed",
      ["/cut"] = "closed",
      ["/rubbish"] = "protocol",
      ["/bad-chunk"] = "protocol",
    }) do
      it(("is %q for %s"):format(code, path), function()
        fails(code, "^the request to 127.0.0.1:" .. peer.port .. " failed: %S", get(path))
      end)
    end

    it("is told of an answer without a status, before anything of it", function()
      fails("protocol", "without a status$", get("/no-status"))
      fails("protocol", "without a status$", get("/empty-no-status"))
      local function nothing()
        error("this is no answer")
      end
      fails("protocol", "without a status$", get("/no-status", { on_head = nothing, on_data = nothing }))
    end)

    it("is told of a URL that is none and of other protocols", function()
      for _, url in ipairs({ "http://[zz", "ftp://127.0.0.1/", "file:///etc/passwd", "unix:///x" }) do
        fails("protocol", "failed", fetch({ url = url }))
      end
    end)
  end)

  describe("closing", function()
    it("silences a request, at once and in each of its callbacks", function()
      for _, where in ipairs({ "nowhere", "on_head", "on_data" }) do
        local events = {}
        within(5, function(done)
          local request
          local function note(name)
            return function()
              events[#events + 1] = name
              if name == where then
                request:close()
              end
            end
          end
          request = http.request({
            url = peer.url .. "/hello",
            on_head = note("on_head"),
            on_data = note("on_data"),
            on_done = note("on_done"),
          })
          if where == "nowhere" then
            request:close()
          end
          timer.start(0.2, done)
        end)
        assert.are_not.equal("on_done", events[#events])
        assert.are.equal(where, events[#events] or "nowhere")
      end
    end)

    it("is idempotent, and does nothing after the end", function()
      local request
      within(5, function(done)
        request = http.request({
          url = peer.url .. "/hello",
          on_done = function(status)
            assert.are.equal(200, status)
            request:close()
            done()
          end,
        })
      end)
      request:close()
      request:close()
    end)

    it("may be of another request, and the callback may start new ones", function()
      local hello
      within(5, function(done)
        local other = http.request({
          url = peer.url .. "/drip",
          on_done = function()
            error("a closed request ended")
          end,
        })
        http.request({
          url = peer.url .. "/hello",
          on_done = function()
            other:close()
            http.request({
              url = peer.url .. "/hello",
              on_done = function(_, _, body)
                hello = body
                done()
              end,
            })
          end,
        })
      end)
      assert.are.equal("hello", hello)
    end)

    it("of all others that are ready, by the first of them, leaves the one", function()
      local ended = 0
      within(5, function(done)
        local requests = {}
        for i = 1, 20 do
          requests[i] = http.request({
            url = peer.url .. "/hello",
            on_done = function()
              ended = ended + 1
              for _, request in ipairs(requests) do
                request:close()
              end
              timer.start(0.2, done)
            end,
          })
        end
      end)
      assert.are.equal(1, ended)
    end)
  end)

  it("goes on after an error in a callback", function()
    local traces, status = {}, nil
    within(5, function(done)
      loop.on_error(function(trace)
        traces[#traces + 1] = trace
      end)
      http.request({
        url = peer.url .. "/hello",
        on_head = function()
          error("in the head")
        end,
        on_data = function()
          error("in the data")
        end,
        on_done = function(code)
          status = code
          done()
        end,
      })
    end)
    assert.matches("in the head\nstack traceback:", traces[1])
    assert.matches("in the data\nstack traceback:", traces[2])
    assert.are.equal(200, status)
  end)

  it("leaves to the next run of the loop what a stop found undelivered", function()
    local events = {}
    local function note(name)
      return function()
        events[#events + 1] = name
        loop.stop()
      end
    end
    local runs = {}
    local limit = timer.start(5, note("nothing"))
    http.request({ url = peer.url .. "/hello", on_head = note("head"), on_data = note("data"), on_done = note("done") })
    for i = 1, 3 do
      loop.run()
      runs[i] = table.concat(events, " ")
      limit:close()
      limit = timer.start(5, note("nothing"))
    end
    limit:close()
    assert.are.same({ "head", "head data", "head data done" }, runs)
  end)

  it("lets go of a request that is closed or has ended", function()
    local requests = setmetatable({}, { __mode = "k" })
    within(5, function(done)
      local closed = http.request({ url = peer.url .. "/hang", on_done = done })
      local ended = http.request({ url = peer.url .. "/hello", on_done = done })
      requests[closed], requests[ended] = true, true
      closed:close()
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(requests))
  end)

  it("keeps a request alive that nobody refers to", function()
    local body
    within(5, function(done)
      http.request({
        url = peer.url .. "/chunked",
        on_done = function(_, _, text)
          body = text
          done()
        end,
      })
      collectgarbage()
      collectgarbage()
    end)
    assert.are.equal("onetwothree", body)
  end)

  it("carries many requests at once", function()
    local ended = 0
    within(10, function(done)
      for i = 1, 60 do
        http.request({
          url = peer.url .. "/echo",
          body = "body " .. i,
          on_done = function(status, _, body)
            assert.are.equal(200, status)
            assert.are.equal("body " .. i, body)
            ended = ended + 1
            if ended == 60 then
              done()
            end
          end,
        })
      end
    end)
    assert.are.equal(60, ended)
  end)

  describe("a kept connection", function()
    it("carries one request after the other, also over a socket and after a streamed body", function()
      for _, where in ipairs({ { url = peer.url }, { url = "http://peer", unix_socket = socket } }) do
        local function number(body)
          local _, _, answer = fetch({ url = where.url .. "/connection", unix_socket = where.unix_socket, body = body })
          return answer
        end
        local first = number()
        assert.are.equal(first, number("text"))
        assert.are.equal(first, number(chunks("a", "b")))
        assert.are.equal(first, number())
      end
    end)

    it("that dies under a GET is replaced by a new one", function()
      local other = start_peer("-")
      local bodies = {}
      for i = 1, 2 do
        local _, _, body = fetch({ url = other.url .. "/once" })
        bodies[i] = body
      end
      other.stop()
      assert.are.same({ "1", "3" }, bodies)
    end)

    it("that dies under a POST is a failure: the peer may have carried it out", function()
      local other = start_peer("-")
      assert.are.equal(200, (fetch({ url = other.url .. "/once" })))
      local status, message, code = fetch({ url = other.url .. "/once", body = "twice" })
      local _, _, seen = fetch({ url = other.url .. "/seen" })
      other.stop()
      fails("closed", "before it answered", status, message, code)
      assert.are.equal("2", seen)
    end)

    it("to a peer that was killed and started again is replaced, for any method", function()
      for _, method in ipairs({ "GET", "POST" }) do
        local path = directory .. "/again.sock"
        local other = start_peer(path)
        assert.are.equal(200, (fetch({ url = "http://peer/hello", unix_socket = path })))
        other.stop("KILL")
        other = start_peer(path)
        local status, _, body = fetch({ url = "http://peer/hello", unix_socket = path, method = method })
        other.stop()
        assert.are.equal(200, status)
        assert.are.equal("hello", body)
      end
    end)
  end)

  describe("TLS", function()
    local function secure(path, tls)
      return fetch({ url = peer.secure_url .. path, tls = tls })
    end

    it("distrusts an unknown authority", function()
      fails("tls", "certificate", secure("/hello"))
      fails("tls", "certificate", secure("/hello", { ca = directory .. "/client.pem" }))
    end)

    it("trusts the given authority", function()
      local status, _, body = secure("/hello", { ca = directory .. "/ca.pem" })
      assert.are.equal(200, status)
      assert.are.equal("hello", body)
    end)

    it("distrusts another host's certificate", function()
      fails("tls", "127.0.0.1", fetch({
        url = ("https://127.0.0.1:%d/hello"):format(peer.secure_port),
        tls = { ca = directory .. "/ca.pem" },
      }))
    end)

    it("trusts anything when told not to verify", function()
      assert.are.equal(200, (secure("/hello", { verify = false })))
    end)

    it("shows a client certificate", function()
      local _, _, nobody = secure("/who", { ca = directory .. "/ca.pem" })
      assert.are.equal("nobody", nobody)
      local _, _, name = secure("/who", {
        ca = directory .. "/ca.pem",
        cert = directory .. "/client.pem",
        key = directory .. "/client.key",
      })
      assert.are.equal("client", name)
    end)

    it("fails on files that are not there", function()
      fails("tls", "none.pem", secure("/hello", { ca = directory .. "/none.pem" }))
      local files = { ca = directory .. "/ca.pem", cert = directory .. "/none.pem" }
      fails("tls", "client certificate", secure("/hello", files))
    end)

    it("fails where the peer speaks plainly", function()
      fails("tls", "", fetch({ url = ("https://127.0.0.1:%d/"):format(peer.port) }))
    end)
  end)

  describe("the environment's proxy", function()
    local SCRIPT = [[
      http.request({ url = "http://127.0.0.1:1/hello", proxy = %s, on_done = function(status, _, code)
        print(status, status and "" or code)
        loop.stop()
      end })
      loop.run()
    ]]

    it("is used on demand only", function()
      local setup = "http_proxy=" .. peer.url
      assert.are.equal("nil\tconnect\n", in_another_host(setup, peer.url, SCRIPT:format("nil")))
      assert.are.equal("404\t\n", in_another_host(setup, peer.url, SCRIPT:format("true")))
    end)

    it("has its password in no message", function()
      local output = in_another_host("http_proxy=nonsense://me:hunter2@host", peer.url, [[
        http.request({ url = "http://127.0.0.1:1/", proxy = true, on_done = function(_, message)
          print(message)
          loop.stop()
        end })
        loop.run()
      ]])
      assert.matches("nonsense://%*+@host", output)
    end)
  end)

  it("ends cleanly with the state, whatever is in flight", function()
    assert.are.equal("", in_another_host("", peer.url, [[
      local function ignore() end
      for _, path in ipairs({ "/hang", "/drip", "/hello" }) do
        http.request({ url = url .. path, timeout = 60, idle_timeout = 60, on_done = ignore })
        http.request({ url = url .. path, body = function() return "x" end, on_done = ignore })
      end
      require("host.timer").start(0.2, loop.stop)
      loop.run()
      http.request({ url = url .. "/hello", on_done = ignore })
    ]]))
  end)

  it("reports an answer that Lua has no memory for", function()
    local output = in_another_host("", peer.url, [[
      loop.on_error(function() end)
      http.request({ url = url .. "/bytes", headers = { ["X-Bytes"] = "12000000" }, on_done = function(...)
        print(...)
        loop.stop()
      end })
      require("host.guard").limit_memory(2000000)
      loop.run()
    ]])
    assert.matches("^nil\tno memory for the answer of [^\t]+\ttoo%-large\n$", output)
  end)

  describe("raises for", function()
    local wrong = {
      ["a missing URL"] = { url = false },
      ["a URL with a space"] = { url = "http://a/ b" },
      ["a URL with a line break"] = { url = "http://a/\r\nX: y" },
      ["a URL with a zero byte"] = { url = "http://a/\0" },
      ["a method with odd characters"] = { method = "GET /x" },
      ["an empty method"] = { method = "" },
      ["a header value with a line break"] = { headers = { X = "a\r\nY: b" } },
      ["a header value with a zero byte"] = { headers = { X = "a\0b" } },
      ["a header name with a colon"] = { headers = { ["X: a"] = "b" } },
      ["an empty header name"] = { headers = { [""] = "b" } },
      ["a header that is no string"] = { headers = { X = {} } },
      ["a header without a name"] = { headers = { "X: y" } },
      ["a Content-Length"] = { headers = { ["content-length"] = "5" } },
      ["a Transfer-Encoding"] = { headers = { ["Transfer-Encoding"] = "chunked" } },
      ["an Expect"] = { headers = { Expect = "100-continue" } },
      ["headers that are no table"] = { headers = "X: y" },
      ["a body that is a table"] = { body = {} },
      ["a HEAD with a body"] = { method = "HEAD", body = "x" },
      ["a socket path that is too long"] = { unix_socket = ("x"):rep(108) },
      ["a timeout of 0"] = { timeout = 0 },
      ["a negative timeout"] = { idle_timeout = -1 },
      ["a timeout that is no number"] = { connect_timeout = 0 / 0 },
      ["a limit that is no integer"] = { limit = 1.5 },
      ["a missing on_done"] = { on_done = false },
      ["an on_data that is no function"] = { on_data = "x" },
      ["a proxy that is no boolean"] = { proxy = "http://x" },
      ["TLS options that are no table"] = { tls = true },
      ["a verify that is no boolean"] = { tls = { verify = "no" } },
    }
    for what, changes in pairs(wrong) do
      it(what, function()
        local options = { url = peer.url .. "/hello", on_done = function() end }
        for name, value in pairs(changes) do
          options[name] = value or nil
        end
        assert.error_matches(function()
          http.request(options)
        end, "bad argument #1 to 'request'")
      end)
    end
  end)

  describe("Docker", function()
    local function docker(path, options)
      options = options or {}
      options.url, options.unix_socket = "http://docker" .. path, DOCKER
      return fetch(options)
    end

    it("answers", function()
      local status, _, body = docker("/_ping")
      assert.are.equal(200, status)
      assert.are.equal("OK", body)
      local _, headers, version = docker("/version")
      assert.are.equal("application/json", headers["content-type"])
      assert.matches('"ApiVersion"', version)
    end)

    -- A connection that one request has left is taken by another before the first one's end is told: it is not idle.
    it("loses none of many at once, which hand connections on to each other", function()
      local left, running, answered = 6000, 0, 0
      local failure = within(60, function(done)
        local function ask()
          if left == 0 then
            return running == 0 and done(nil)
          end
          left, running = left - 1, running + 1
          assert(http.request({
            url = "http://docker/_ping",
            unix_socket = DOCKER,
            method = "POST", -- a GET that is lost is asked again
            on_done = function(status, message)
              running, answered = running - 1, answered + 1
              if not status then
                done(message)
              end
              ask()
            end,
          }))
        end
        for _ = 1, 150 do
          ask()
        end
      end)
      assert.is_nil(failure)
      assert.are.equal(6000, answered)
    end)

    it("takes a streamed body, and streams its events", function()
      local name = ("dockhost-spec-%d"):format(os.time())
      local file = { name = "file", type = "file", mode = 420, content = ("x"):rep(100000) }
      local archive = require("host.tar").pack({ file })
      local parts = {}
      for i = 1, #archive, 10000 do
        parts[#parts + 1] = archive:sub(i, i + 9999)
      end
      local since = os.time()
      local status, _, body = docker("/images/create?fromSrc=-&repo=" .. name, {
        method = "POST",
        headers = { ["Content-Type"] = "application/x-tar" },
        body = chunks(table.unpack(parts)),
      })
      local removed = docker("/images/" .. name, { method = "DELETE" })
      assert.are.equal(200, status)
      assert.matches("sha256:%x+", body)
      assert.are.equal(200, removed)

      local events = {}
      local ended = docker(("/events?since=%d&until=%d"):format(since, os.time() + 1), {
        on_data = function(chunk)
          events[#events + 1] = chunk
        end,
      })
      assert.are.equal(200, ended)
      assert.matches('"status":"import"', table.concat(events))
      assert.matches(name, table.concat(events), 1, true)
    end)
  end)
end)
