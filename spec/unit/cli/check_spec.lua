local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local script_files = require("script_files")

local host, environ
before_each(function()
  environ = { HOME = "/root", DOCKHOST_PORT_START = "3000", DOCKHOST_PORT_END = "3010" }
  host = fake_host.new({ environ = environ })
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

-- Exit code, and what each line says by its name: { ok = boolean, text = }.
local function check(...)
  local code, printed = captured.run(cli.main, host, "/share", { "check", ... })
  local lines = {}
  for line in printed.stdout:gmatch("[^\n]+") do
    local word, name, text = line:match("^(%S+)%s+(main server)%s+(.*)$")
    if not word then
      word, name, text = line:match("^(%S+)%s+(%S+)%s+(.*)$")
    end
    lines[name] = { ok = word == "ok", text = text }
  end
  return code, lines
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

  it("says which script does not load, and goes on", function()
    script_files.add(host.files, script_files.shipped, "mine")
    host.files["mine/dialect.lua"] = "return {"
    local code, lines = check("mine")
    assert.equal(1, code)
    assert.is_false(lines.scripts.ok)
    assert.matches("mine/dialect.lua:1:", lines.scripts.text)
    assert.is_true(lines.Docker.ok)
  end)

  it("says what to try where Docker is away", function()
    host.docker:down()
    local code, lines = check()
    assert.equal(1, code)
    for _, name in ipairs({ "Docker", "image", "ports" }) do
      assert.is_false(lines[name].ok)
      assert.matches("docker info", lines[name].text)
    end
  end)

  it("says how to get a missing image", function()
    environ.DOCKHOST_IMAGE = "other/image"
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("other/image is not here.*make image", lines.image.text)
    environ.DOCKHOST_PULL = "never"
    host.stopped = nil
    assert.matches("DOCKHOST_PULL=never", (select(2, check())).image.text)
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

  it("says that the key expires soon, though it is accepted", function()
    -- {"exp":1795694400}: two days after the fake clock's beginning
    environ.DOCKHOST_API_KEY = "e30.eyJleHAiOjE3OTU2OTQ0MDB9.sig"
    serve(function(socket)
      socket:accept()
      socket:drop()
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("expires in 2 days: get a new one", lines["main server"].text)
  end)

  it("says that the key is refused, and what to do", function()
    serve(function(socket)
      socket:refuse("Invalid DOCKHOST_API_KEY")
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.equal("the main server at wss://main.example refuses this node: Invalid DOCKHOST_API_KEY: "
      .. "check DOCKHOST_API_KEY, or get a new key from the main server", lines["main server"].text)
  end)

  it("blames the path where the server knows no such namespace", function()
    serve(function(socket)
      socket:refuse("Invalid namespace")
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("Invalid namespace: the path in MAIN_SERVER_BACKEND_URL", lines["main server"].text)
  end)

  it("says that the server can't be reached, and why", function()
    serve(function(socket)
      socket:drop("Connection refused", "connect")
    end)
    local code, lines = check()
    assert.equal(1, code)
    assert.equal("the main server at wss://main.example can't be reached: Connection refused",
      lines["main server"].text)
  end)

  it("does not use a key that a node of this machine serves with: the server would forget that node", function()
    serve(error)
    host.locked = true
    local code, lines = check()
    assert.equal(0, code)
    assert.matches("it was not tried", lines["main server"].text)
    assert.equal(0, #host.sockets.sockets)
  end)

  it("says that the key's file can't be read", function()
    environ.MAIN_SERVER_BACKEND_URL = "wss://main.example"
    environ.DOCKHOST_API_KEY_FILE = "/etc/key"
    local code, lines = check()
    assert.equal(1, code)
    assert.matches("/etc/key: No such file", lines["main server"].text)
  end)
end)
