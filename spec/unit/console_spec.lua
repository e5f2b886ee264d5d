local console_support = require("console_support")

local MANAGED = { ["dockhost.managed"] = "true" }

local console
before_each(function()
  console = console_support.new()
end)
after_each(function()
  console:finish()
end)

describe("the console", function()
  it("listens where the settings say, and names no secret in the log", function()
    assert.equal(1, #console.server.listeners)
    assert.equal(1, #console.log:find("info", "the console is at http://127.0.0.1:3002/"))
    assert.same({ "http://127.0.0.1:3002/?token=" .. console_support.TOKEN }, console.announced)
    for _, record in ipairs(console.log.records) do
      assert.is_nil(record.message:find(console_support.TOKEN, 1, true))
    end
  end)

  it("bounds what a request may be", function()
    local options = console.server.listeners[1].options
    assert.same({ 65536, 10, 60, 64 }, { options.limit, options.timeout, options.idle, options.most })
  end)

  it("moves where new settings say, or is off", function()
    console.node.settings.console = { host = "127.0.0.1", port = 3003 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal(3003, console.server.listeners[1]:port())
    assert.equal(1, #console.server.listeners)
    console.node.settings.console = false
    console.node:run(console.subject.serve, console.subject)
    assert.equal(0, #console.server.listeners)
    assert.equal(1, #console.log:find("info", "the console is off"))
    console.node.settings.console = { host = "127.0.0.1", port = 3002 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal(3002, console.server.listeners[1]:port())
  end)

  it("stays where it is when nothing of that has changed", function()
    local before = console.server.listeners[1]
    console.node.settings.console = { host = "127.0.0.1", port = 3002 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal(before, console.server.listeners[1])
  end)

  it("warns where another program has its address, and stays where it was", function()
    console.server.taken["127.0.0.1:3003"] = true
    console.node.settings.console = { host = "127.0.0.1", port = 3003 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal(3002, console.server.listeners[1]:port())
    assert.equal(1, #console.log:find("warn", "the console can't listen at 127.0.0.1:3003: the address is in use"))
    console.server.taken["127.0.0.1:3003"] = nil
    console.node:run(console.subject.serve, console.subject)
    assert.equal(3003, console.server.listeners[1]:port())
  end)

  it("listens at the address of a name", function()
    console.node.host.names.names["node.lan"] = { "2001:db8::4", "192.0.2.4" }
    console.node.settings.console = { host = "node.lan", port = 3002 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal("192.0.2.4", console.server.listeners[1].options.host)
    assert.equal(200, console:get("/api/state", { host = "node.lan:3002" }).status)
  end)

  it("listens at an address of IPv6 where the name has no other", function()
    console.node.host.names.names["node.lan"] = { "2001:db8::4", "2001:db8::5" }
    console.node.settings.console = { host = "node.lan", port = 3002 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal("2001:db8::4", console.server.listeners[1].options.host)
  end)

  it("warns of a name that has no address", function()
    console.node.settings.console = { host = "nowhere.lan", port = 3002 }
    console.node:run(console.subject.serve, console.subject)
    assert.equal(1, #console.log:find("warn", "no address is known for nowhere.lan"))
  end)

  it("takes another token with new settings, and who watched by the old one is closed out", function()
    local exchange = console:get("/api/events")
    console.node.host.file.lock = function()
      return { close = function() end, id = function()
        return ("f"):rep(32)
      end }
    end
    console.node:run(console.subject.serve, console.subject)
    assert.is_true(exchange.dropped)
    assert.equal(401, console:ask("GET", "/api/state", { authorization = "Bearer " .. console_support.TOKEN }).status)
    assert.equal(200, console:ask("GET", "/api/state", { authorization = "Bearer " .. ("f"):rep(32) }).status)
  end)

  it("opens for nobody where the token can't be kept, but tells its health", function()
    console.subject:close()
    console.subject.token = nil
    console.node.host.file.lock = function()
      return nil, "can't lock /state/console-token: Read-only file system", "EROFS"
    end
    console.node:run(console.subject.serve, console.subject)
    assert.equal(1, #console.log:find("warn", "Read-only file system"))
    assert.equal(401, console:get("/").status)
    assert.equal(401, console:ask("GET", "/api/state", { authorization = "Bearer nil" }).status)
    assert.equal(401, console:ask("GET", "/?token=").status)
    assert.equal(200, console:ask("GET", "/healthz").status)
  end)
end)

describe("health", function()
  it("is told to all", function()
    local exchange = console:ask("GET", "/healthz")
    assert.same({ 200, "ok\n" }, { exchange.status, exchange.text })
  end)

  it("is readiness where Docker answers, in local mode", function()
    local exchange = console:ask("GET", "/readyz")
    assert.same({ 200, { ready = true, docker = "up", server = "local" } }, { exchange.status, console:json(exchange) })
  end)

  it("is 503 and why where Docker does not answer", function()
    console.docker:down()
    console.node:advance(1)
    local exchange = console:ask("GET", "/readyz")
    assert.equal(503, exchange.status)
    local of = console:json(exchange)
    assert.same({ false, "down" }, { of.ready, of.docker })
    assert.matches("Docker does not answer", of.reasons[1])
    console.docker:up()
    console.node:advance(5)
    assert.equal(200, console:ask("GET", "/readyz").status)
  end)

  it("is 503 and why where the main server has not accepted this node", function()
    local status = { state = "waiting", failure = "the main server can't be reached: refused" }
    console.node.settings.server = { text = "wss://main.example" }
    console.node.node.connection = { status = function() return status end }
    local of = console:json(console:ask("GET", "/readyz"))
    assert.same({ ready = false, docker = "up", server = "waiting",
      reasons = { "the main server can't be reached: refused" } }, of)
    status = { state = "connecting" }
    of = console:json(console:ask("GET", "/readyz"))
    assert.same({ "the main server at wss://main.example has not accepted this node yet" }, of.reasons)
    status = { state = "connected" }
    assert.equal(200, console:ask("GET", "/readyz").status)
    console.node.settings.server = nil
  end)

  it("is 503 while the node shuts down", function()
    console.node.dispatcher:close()
    assert.same({ "this node is shutting down" }, console:json(console:ask("GET", "/readyz")).reasons)
  end)

  it("does not ask Docker or load what shows the page", function()
    local asked = #console.docker.calls
    console:ask("GET", "/healthz")
    console:ask("GET", "/readyz")
    assert.equal(200, console:ask("GET", "/metrics").status)
    assert.equal(asked, #console.docker.calls)
    assert.is_nil(console.subject.feed)
  end)
end)

it("the metrics are for all, in the form of Prometheus", function()
  local exchange = console:ask("GET", "/metrics")
  assert.equal(200, exchange.status)
  assert.matches("^text/plain; version=0.0.4", exchange.headers["content-type"])
  assert.matches("\ndockhost_containers_max 50\n", exchange.text)
end)

describe("without the token", function()
  for _, target in ipairs({ "/", "/?token=", "/?token=" .. ("f"):rep(32), "/console.css", "/console.js", "/nowhere",
    "/../console-token", "/index.html" }) do
    it("is refused: GET " .. target, function()
      assert.equal(401, console:ask("GET", target).status)
      assert.equal(401, console:ask("HEAD", target).status)
    end)
  end

  for _, target in ipairs({ "/api/state", "/api/containers", "/api/events", "/api/logs/ada", "/api/nowhere",
    "/api/state?token=" .. console_support.TOKEN }) do
    it("is refused, as JSON: GET " .. target, function()
      console.docker:add({ name = "ada", labels = MANAGED })
      local asked = #console.docker.calls
      for _, headers in ipairs({
        {}, { authorization = "Bearer " .. ("0"):rep(32) }, { cookie = "dockhost-3002=" .. ("0"):rep(32) },
        { authorization = console_support.TOKEN }, { cookie = "token=" .. console_support.TOKEN },
      }) do
        local exchange = console:ask("GET", target, headers)
        assert.equal(401, exchange.status)
        assert.is_false(console:json(exchange).success)
        assert.equal('Bearer realm="dockhost"', exchange.headers["www-authenticate"])
      end
      assert.equal(asked, #console.docker.calls)
    end)
  end

  it("no command runs", function()
    console.docker:add({ name = "ada", labels = MANAGED })
    local exchange = console:ask("POST", "/api/commands/delete-container", { ["content-type"] = "application/json" },
      '{"username":"ada"}')
    assert.equal(401, exchange.status)
    assert.same({ "ada" }, console.docker:names())
  end)

  it("the page says how to get in", function()
    assert.matches("<code>dockhost console</code>", console:ask("GET", "/").text)
  end)
end)

describe("the first visit", function()
  it("sets a cookie that scripts and other sites don't see, and leads to the page", function()
    local exchange = console:ask("GET", "/?token=" .. console_support.TOKEN, { ["sec-fetch-site"] = "cross-site" })
    assert.same({ 303, "/" }, { exchange.status, exchange.headers.location })
    local cookie = exchange.headers["set-cookie"]
    assert.matches("^dockhost%-3002=%x+; HttpOnly; SameSite=Strict; Path=/; Max%-Age=2592000$", cookie)
    assert.is_nil(cookie:find(console_support.TOKEN, 1, true))
    console.node.host.files["/share/lib/dockhost/console/page/index.html"] = "<h1>the page</h1>"
    exchange = console:ask("GET", "/", { cookie = exchange.headers["set-cookie"]:match("^[^;]+") })
    assert.same({ 200, "<h1>the page</h1>", "text/html; charset=utf-8" },
      { exchange.status, exchange.text, exchange.headers["content-type"] })
  end)
end)

describe("a request that another site makes", function()
  for name, headers in pairs({
    ["under a name of its own"] = { host = "evil.example:3002" },
    ["under this address with another port"] = { host = "127.0.0.1:80" },
    ["without a name"] = { host = false },
    ["with its origin"] = { origin = "http://evil.example" },
    ["from a sandbox"] = { origin = "null" },
    ["that the browser calls cross-site"] = { ["sec-fetch-site"] = "cross-site" },
    ["from another port of this machine"] = { ["sec-fetch-site"] = "same-site" },
  }) do
    it("is refused, with the token too: " .. name, function()
      for _, target in ipairs({ "/api/state", "/api/events", "/api/logs/ada" }) do
        local status = console:get(target, headers).status
        assert.is_true(status == 403 or status == 421, target .. ": " .. status)
      end
      console.docker:add({ name = "ada", labels = MANAGED })
      local status = console:command("delete-container", { username = "ada" }, headers).status
      assert.is_true(status == 403 or status == 421)
      assert.same({ "ada" }, console.docker:names())
    end)
  end

  it("is refused what is open to all as well, under a name of its own", function()
    for _, target in ipairs({ "/healthz", "/readyz", "/metrics" }) do
      assert.equal(421, console:ask("GET", target, { host = "evil.example:3002" }).status)
      assert.equal(200, console:ask("GET", target, { host = "192.0.2.4:9100" }).status)
    end
  end)
end)

describe("every answer", function()
  it("has the headers that bound what a page may do", function()
    console.node.host.files["/share/lib/dockhost/console/page/index.html"] = "x"
    for _, target in ipairs({ "/", "/nowhere", "/console.js", "/api/state", "/api/events", "/healthz", "/metrics",
      "/readyz", "/?token=" .. console_support.TOKEN, "/?token=x", "/api/logs/nobody" }) do
      for _, headers in ipairs({ {}, { host = "evil.example" }, { authorization = "" } }) do
        local exchange = console:get(target, headers)
        assert.matches("^default%-src 'none'; script%-src 'self'; style%-src 'self'; img%-src 'self' data:; "
          .. "connect%-src 'self'; base%-uri 'none'; form%-action 'none'; frame%-ancestors 'none'; "
          .. "require%-trusted%-types%-for 'script'; trusted%-types 'none'$",
          exchange.headers["content-security-policy"])
        assert.same({ "nosniff", "no-referrer", "no-store", "DENY" }, {
          exchange.headers["x-content-type-options"],
          exchange.headers["referrer-policy"],
          exchange.headers["cache-control"],
          exchange.headers["x-frame-options"],
        })
        exchange:leave()
      end
    end
  end)
end)

describe("methods", function()
  it("are those that a path takes", function()
    for target, allowed in pairs({ ["/healthz"] = "GET, HEAD", ["/api/state"] = "GET, HEAD", ["/"] = "GET, HEAD",
      ["/api/commands/list-containers"] = "POST", ["/api/events"] = "GET", ["/api/logs/ada"] = "GET" }) do
      for _, method in ipairs({ "PUT", "DELETE", "OPTIONS", allowed == "POST" and "GET" or "POST",
        not allowed:find("HEAD") and "HEAD" or nil }) do
        local exchange = console:ask(method, target, { authorization = "Bearer " .. console_support.TOKEN })
        assert.same({ 405, allowed }, { exchange.status, exchange.headers.allow })
      end
    end
    assert.equal(200, console:ask("HEAD", "/healthz").status)
  end)
end)

describe("a file of the page", function()
  before_each(function()
    for _, name in ipairs({ "index.html", "console.css", "console.js", "favicon.svg", "secret.lua" }) do
      console.node.host.files["/share/lib/dockhost/console/page/" .. name] = name
    end
  end)

  for name, kind in pairs({
    ["console.css"] = "text/css; charset=utf-8",
    ["console.js"] = "text/javascript; charset=utf-8",
    ["favicon.svg"] = "image/svg+xml",
  }) do
    it("is served: " .. name, function()
      local exchange = console:get("/" .. name)
      assert.same({ 200, kind, name }, { exchange.status, exchange.headers["content-type"], exchange.text })
    end)
  end

  for _, target in ipairs({ "/index.html", "/secret.lua", "/missing.js", "/page/console.js", "/../console.js",
    "/%2e%2e/console.js", "/console.js%00", "/Console.js", "//console.js" }) do
    it("is none: " .. target, function()
      assert.equal(404, console:get(target).status)
    end)
  end

  it("that can't be read is said in the log", function()
    console.node.host.files["/share/lib/dockhost/console/page/console.js"] = ("x"):rep(2 * 1024 * 1024)
    assert.equal(500, console:get("/console.js").status)
    assert.equal(1, #console.log:find("error", "the console's page can't be read"))
  end)
end)

it("a target that is no path is refused", function()
  assert.equal(400, console:get("http://127.0.0.1:3002/").status)
  assert.equal(404, console:get("/api/commands/%zz").status)
end)

it("a fault of ours is a 500 without its reason, and is in the log", function()
  console:get("/api/state")
  console.subject.view.state = function()
    error("a secret reason")
  end
  local exchange = console:get("/api/state")
  assert.equal(500, exchange.status)
  assert.is_nil(exchange.text:find("secret", 1, true))
  assert.equal(1, #console.log:find("error", "a secret reason"))
end)

it("what is refused is told to who debugs, without the query", function()
  console:ask("GET", "/api/state?token=abc", { host = "evil.example" })
  local fields = console.log:find("debug", "refused")[1].fields
  assert.same({ "GET", "/api/state", "127.0.0.1" }, { fields.method, fields.path, fields.peer })
end)
