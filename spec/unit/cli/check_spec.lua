local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")
local key = require("dockhost.key")
local script_files = require("script_files")

local host, environ
before_each(function()
  environ = {
    HOME = "/root",
    DOCKHOST_PORT_START = "3000",
    DOCKHOST_PORT_END = "3010",
    DOCKHOST_MAX_CONTAINERS = "3",
  }
  host = fake_host.new({ environ = environ })
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

-- Exit code, and what each line says by its name: { ok = boolean, word =, text = }.
local function check(...)
  local code, printed = captured.run(cli.main, host, "/share", { "check", ... })
  local lines = {}
  for line in printed.stdout:gmatch("[^\n]+") do
    local word, name, text = line:match("^(%S+)%s+(main server)%s+(.*)$")
    if not word then
      word, name, text = line:match("^(%S+)%s+(%S+)%s+(.*)$")
    end
    lines[name] = { ok = word == "ok", word = word, text = text }
  end
  return code, lines
end

-- Of the line: its word, and that it matches the pattern.
local function line_is(word, pattern, line)
  assert.equal(word, line.word, line.text)
  assert.matches(pattern, line.text)
end

local function serve(play)
  environ.MAIN_SERVER_BACKEND_URL = "wss://main.example"
  environ.DOCKHOST_API_KEY = environ.DOCKHOST_API_KEY or "the-key"
  host:play({ function()
    play(host.sockets:last())
  end })
end

describe("check", function()
  it("has a line for each thing that a node needs", function()
    local code, lines = check()
    assert.equal(0, code)
    for name, text in pairs({
      settings = "main server none (local mode), Docker unix:///var/run/docker.sock, image sohampirale/instance",
      scripts = "9 commands in /share/lua",
      Docker = "Docker 20.10.24 answers at unix:///var/run/docker.sock (API 1.41)",
      image = "sohampirale/instance is here",
      ports = "the next container would get 3000, 3001 and 3002",
      ["main server"] = "none: local mode",
    }) do
      assert.is_true(lines[name].ok)
      assert.equal(text, lines[name].text)
    end
  end)

  it("says which settings do not stand", function()
    environ.DOCKHOST_PULL = "sometimes"
    local code, lines = check()
    assert.equal(1, code)
    assert.is_false(lines.settings.ok)
    assert.matches("DOCKHOST_PULL", lines.settings.text)
  end)

  it("warns about settings that are unknown", function()
    environ.DOCKHOST_IMGAE = "x"
    local code, lines = check()
    assert.equal(0, code)
    line_is("warn", "DOCKHOST_IMGAE is not a setting", lines.settings)
  end)

  it("says which script does not load, and goes on", function()
    script_files.add(host.files, script_files.shipped, "mine")
    host.files["mine/dialect.lua"] = "return {"
    local code, lines = check("mine")
    assert.equal(1, code)
    assert.is_false(lines.scripts.ok)
    assert.matches("mine/dialect.lua:1:", lines.scripts.text)
    assert.is_true(lines.Docker.ok)
  end)

  it("says what to try where Docker is away, and asks it once", function()
    host.docker:down()
    local code, lines = check()
    assert.equal(1, code)
    line_is("FAIL", "^Docker does not answer at unix:///var/run/docker.sock: .*install Docker.*docker info",
      lines.Docker)
    line_is("FAIL", "not known while Docker does not answer", lines.image)
    line_is("FAIL", "not known while Docker does not answer", lines.ports)
    assert.equal(1, #host.docker.calls)
  end)

  it("says how to start a Docker that is installed", function()
    host.files["/usr/bin/dockerd"] = "ELF"
    host.docker:down()
    line_is("FAIL", "systemctl start docker", (select(2, check())).Docker)
  end)

  it("says what a remote Docker needs", function()
    environ.DOCKER_HOST = "tcp://192.0.2.9:2375"
    host.web = function()
      return nil, "connection refused: nothing listens on 192.0.2.9:2375", "connect"
    end
    line_is("FAIL", "does DOCKER_HOST name the right port", (select(2, check())).Docker)
  end)

  it("is content where the image is not here and the registry has it", function()
    environ.DOCKHOST_IMAGE = "other/image"
    host.docker.registry["other/image:latest"] = true
    local code, lines = check()
    assert.equal(0, code)
    line_is("warn", "is not here; the registry has it.*check %-%-pull", lines.image)
  end)

  it("tells a registry that can't be reached from one that does not give the image", function()
    environ.DOCKHOST_IMAGE = "other/image"
    local code, lines = check()
    assert.equal(1, code)
    line_is("FAIL", "does not give it.*denied.*is the name right", lines.image)
    host.docker.registry_problem = "Get https://registry: dial tcp: lookup registry: no such host"
    line_is("FAIL", "can't be reached.*no such host.*make image", (select(2, check())).image)
  end)

  it("says that DOCKHOST_PULL=never is why nothing is pulled", function()
    environ.DOCKHOST_IMAGE, environ.DOCKHOST_PULL = "other/image", "never"
    line_is("FAIL", "DOCKHOST_PULL=never.*make image", (select(2, check())).image)
    assert.equal(0, #host.docker:asked("GET", "^/distribution"))
  end)

  it("pulls the image where it is asked to", function()
    environ.DOCKHOST_IMAGE = "other/image"
    host.docker.registry["other/image:latest"] = true
    local code, lines = check("--pull")
    assert.equal(0, code)
    line_is("ok", "other/image was pulled", lines.image)
    host.docker.images = {}
    host.docker.registry = {}
    line_is("FAIL", "can't be pulled", (select(2, check("--pull"))).image)
  end)

  it("warns where the range has less room than the capacity", function()
    environ.DOCKHOST_MAX_CONTAINERS = "50"
    line_is("warn", "room for 3 more containers, not for 50.*widen", (select(2, check())).ports)
    environ.DOCKHOST_MAX_CONTAINERS = "3"
    line_is("ok", "would get 3000", (select(2, check())).ports)
  end)

  it("says what to widen where no ports are free", function()
    for port = 3000, 3010 do
      host.docker.taken[port] = true
    end
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("widen DOCKHOST_PORT_START and DOCKHOST_PORT_END", lines.ports.text)
  end)

  it("tries the key, and leaves again at once", function()
    serve(function(socket)
      socket:accept()
      assert.equal("the-key", socket.auth.DOCKHOST_API_KEY)
      assert.same({ "41" }, socket:take())
      socket:drop()
    end)
    local code, lines = check()
    assert.equal(0, code)
    assert.equal("wss://main.example accepts the key", lines["main server"].text)
  end)

  -- The fake clock begins at 1795520436.
  for what, case in pairs({
    ["expires soon"] = { "e30.eyJleHAiOjE3OTU2OTQ0MDB9.sig", "warn", "expires in 2 days.*get a new one" },
    ["has expired"] = { "e30.eyJleHAiOjE3OTU1MjA0MzV9.sig", "FAIL",
      "expired on 2026%-11%-24T11:40:35Z.*get a new one" },
    ["is of the future"] = { "e30.eyJpYXQiOjE3OTU2OTQ0MDB9.sig", "warn", "made 2 days from now.*set the clock" },
    ["is damaged"] = { "eyJhbGciOiJIUzI1NiJ9.eyJleH", "FAIL", "cut off or damaged" },
    ["has quotes"] = { "'a-key-of-this-node'", "FAIL", "quotes" },
    ["is sound"] = { "e30.eyJleHAiOjE4OTU2OTQ0MDB9.sig", "ok", "valid until 2030" },
    ["is no token"] = { "a-key-of-this-node", "ok", "is not known" },
  }) do
    it("says that the key " .. what, function()
      environ.DOCKHOST_API_KEY = case[1]
      serve(function(socket)
        socket:accept()
        socket:drop()
      end)
      local code, lines = check()
      line_is(case[2], case[3], lines.key)
      assert.equal(case[2] == "FAIL" and 1 or 0, code)
    end)
  end

  it("says that the key in the file has a word before it", function()
    environ.DOCKHOST_API_KEY_FILE = "/etc/key"
    host.files["/etc/key"] = "Bearer eyJhbGciOiJIUzI1NiJ9"
    serve(function(socket)
      socket:refuse("Invalid DOCKHOST_API_KEY")
    end)
    environ.DOCKHOST_API_KEY = nil
    line_is("FAIL", "white space", (select(2, check())).key)
  end)

  it("says that the key is refused, and what to do", function()
    serve(function(socket)
      socket:refuse("Invalid DOCKHOST_API_KEY")
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.equal("the main server at wss://main.example refuses this node: Invalid DOCKHOST_API_KEY — "
      .. "check DOCKHOST_API_KEY, or get a new key from the main server", lines["main server"].text)
  end)

  it("blames the path where the server knows no such namespace", function()
    serve(function(socket)
      socket:refuse("Invalid namespace")
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("Invalid namespace — the path in MAIN_SERVER_BACKEND_URL", lines["main server"].text)
  end)

  for what, case in pairs({
    ["refuses the connection"] = { "connection refused", "connect", "connection refused — nothing listens there" },
    ["has another name in its certificate"] = { "the certificate is not valid for main.example", "tls",
      "the certificate is for another name" },
    ["is signed by nobody known"] = { "the certificate of main.example is not signed by an authority known here", "tls",
      "SSL_CERT_FILE" },
    ["has an old certificate"] = { "the certificate of main.example has expired", "tls", "clock wrong" },
  }) do
    it("says that the server " .. what, function()
      serve(function(socket)
        socket:drop(case[1], case[2])
      end)
      local code, lines = check()
      assert.equal(1, code)
      line_is("FAIL", "^the main server at wss://main.example can't be reached: ", lines["main server"])
      assert.matches(case[3], lines["main server"].text)
    end)
  end

  for what, case in pairs({
    ["is no Socket.IO server"] = { 404, {}, "<html>", "is not a Socket.IO server %(HTTP 404" },
    ["is of version 2"] = { 200, {}, '96:0{"sid":"a"}', "version 2.*socket.io 3 or 4" },
    ["is of another protocol"] = { 400, {}, '{"code":5,"message":"Unsupported protocol version"}', "socket.io 3 or 4" },
    ["is away behind its proxy"] = { 502, {}, "", "a proxy answers for it with HTTP 502" },
    ["redirects"] = { 301, { location = "https://other.example/" }, "", "redirects to https://other.example/" },
    ["takes no websockets"] = { 200, {}, '0{"sid":"a"}', "may not pass websockets on" },
  }) do
    it("says that the server " .. what, function()
      serve(function(socket)
        socket:drop("HTTP " .. case[1] .. " instead of a websocket upgrade", "handshake")
      end)
      local asked
      host.web = function(request)
        asked = request
        return case[1], case[2], case[3]
      end
      local code, lines = check()
      assert.equal(1, code)
      line_is("FAIL", case[4], lines["main server"])
      assert.equal("https://main.example:443/socket.io/?EIO=4&transport=polling", asked.url)
      assert.is_nil(asked.url:find("the-key", 1, true))
    end)
  end

  for date, case in pairs({
    ["Tue, 24 Nov 2026 12:00:10 GMT"] = { "ok", "as the main server's" },
    ["Tue, 24 Nov 2026 12:02:20 GMT"] = { "warn", "2 min behind the main server's.*set the clock" },
    ["Mon, 23 Nov 2026 11:59:00 GMT"] = { "FAIL", "1 day ahead of the main server's.*set the clock" },
    ["soon"] = { "ok", "no other to compare it with" },
  }) do
    it("compares the clock with the server's: " .. date, function()
      serve(function(socket)
        socket:accept()
        socket:drop()
      end)
      host.web = function()
        return 400, { date = date }, ""
      end
      line_is(case[1], case[2], (select(2, check())).clock)
    end)
  end

  it("does not use a key that a node of this state directory serves with: the server would forget that node", function()
    serve(error)
    host.files["/root/.local/state/dockhost/run.lock"] = ""
    host.locked = true
    host.web = function()
      return 200, {}, '0{"sid":"a"}'
    end
    local code, lines = check()
    assert.equal(0, code)
    assert.matches("it was not tried", lines["main server"].text)
    assert.equal(0, #host.sockets.sockets)
  end)

  it("does not use a key that any node of this machine serves with", function()
    serve(error)
    host.claims[key.claim("the-key", "wss://main.example")] = true
    local code, lines = check()
    assert.equal(1, code)
    line_is("FAIL", "there is no network in specs", lines["main server"])
    assert.equal(0, #host.sockets.sockets)
  end)

  it("says that the key's file can't be read, and does not try", function()
    environ.MAIN_SERVER_BACKEND_URL = "wss://main.example"
    environ.DOCKHOST_API_KEY_FILE = "/etc/key"
    local code, lines = check()
    assert.equal(1, code)
    line_is("FAIL", "/etc/key: No such file", lines.key)
    line_is("FAIL", "not tried", lines["main server"])
  end)

  it("says that the state directory can't be written to", function()
    host.unwritable = "/root/.local/state/dockhost"
    local code, lines = check()
    assert.equal(1, code)
    line_is("FAIL", "Permission denied.*DOCKHOST_STATE", lines.state)
  end)

  it("says that the console's port is taken, unless the node that runs here has it", function()
    host.server.taken["127.0.0.1:3002"] = true
    local code, lines = check()
    assert.equal(0, code)
    line_is("warn", "in use.*DOCKHOST_CONSOLE", lines.console)
    host.files["/root/.local/state/dockhost/run.lock"] = ""
    host.locked = true
    line_is("ok", "the node that runs here", (select(2, check())).console)
    environ.DOCKHOST_CONSOLE = "off"
    line_is("ok", "off", (select(2, check())).console)
  end)
end)

describe("check --json", function()
  it("is one object", function()
    environ.DOCKHOST_PORT_END = nil
    local code, printed = captured.run(cli.main, host, "/share", { "check", "--json" })
    assert.equal(0, code)
    local result = json.decode(printed.stdout)
    assert.is_true(result.ok)
    assert.equal(10, #result.checks)
    assert.same({ name = "key", ok = true, level = "ok", message = "none is needed in local mode" }, result.checks[8])
  end)

  it("says what failed, bad settings included", function()
    environ.DOCKHOST_IMAGE = "other/image"
    local code, printed = captured.run(cli.main, host, "/share", { "check", "--json" })
    assert.equal(1, code)
    local result = json.decode(printed.stdout)
    assert.is_false(result.ok)
    assert.same({ "image", false, "failure" }, { result.checks[5].name, result.checks[5].ok, result.checks[5].level })
    assert.matches("make image", result.checks[5].advice)
    environ.DOCKHOST_PULL = "sometimes"
    code, printed = captured.run(cli.main, host, "/share", { "check", "--json" })
    assert.equal(1, code)
    assert.matches("DOCKHOST_PULL", json.decode(printed.stdout).checks[1].message)
  end)
end)
