local config = require("dockhost.config")
local mutate = require("mutate")

-- What every start has.
local function with(values)
  local all = { HOME = "/home/ada" }
  for name, value in pairs(values or {}) do all[name] = value end
  return all
end

local function load(values)
  local settings, warnings = config.load(with(values))
  assert.is_table(settings, table.concat(warnings, "\n"))
  return settings, warnings
end

local function errors_of(values)
  local settings, errors = config.load(with(values))
  assert.is_nil(settings)
  return errors
end

describe("config.options", function()
  it("holds the contract's variables, in its order", function()
    local names = {}
    for i, option in ipairs(config.options) do names[i] = option.name end
    assert.same({
      "MAIN_SERVER_BACKEND_URL", "DOCKHOST_API_KEY", "DOCKHOST_API_KEY_FILE", "DOCKHOST_IMAGE", "DOCKHOST_PULL",
      "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKHOST_PORT_START", "DOCKHOST_PORT_END",
      "DOCKHOST_MAX_CONTAINERS", "DOCKHOST_MEMORY", "DOCKHOST_CPUS", "DOCKHOST_PIDS", "DOCKHOST_LAN_IP",
      "DOCKHOST_CONSOLE", "DOCKHOST_STATE", "DOCKHOST_LOG", "DEBUG",
    }, names)
  end)

  for _, option in ipairs(config.options) do
    it("describes " .. option.name .. " with an example and a default that parse", function()
      assert.is_string(option.comment)
      assert.is_nil(option.comment:find("\n"))
      if not option.secret then assert.not_nil(option.parse(option.example)) end
      if option.default then assert.not_nil(option.parse(option.default)) end
    end)
  end
end)

describe("config.load", function()
  it("answers the defaults, in local mode", function()
    local settings, warnings = load()
    assert.same({}, warnings)
    assert.same({
      image = "sohampirale/instance",
      pull = "missing",
      docker = { kind = "unix", path = "/var/run/docker.sock", text = "unix:///var/run/docker.sock" },
      port_start = 1024,
      port_end = 65535,
      max_containers = 50,
      memory = 536870912,
      cpus = 0.5,
      pids = 512,
      console = { host = "127.0.0.1", port = 3002 },
      state = "/home/ada/.local/state/dockhost",
      log = "text",
    }, settings)
  end)

  it("reads every variable", function()
    local settings, warnings = load {
      MAIN_SERVER_BACKEND_URL = "wss://main.example.com/nodes", DOCKHOST_API_KEY = " eyJ.x.y\n",
      DOCKHOST_IMAGE = "me/instance:2", DOCKHOST_PULL = "always", DOCKER_HOST = "tcp://10.0.0.1:2375",
      DOCKHOST_PORT_START = "20000", DOCKHOST_PORT_END = "20002", DOCKHOST_MAX_CONTAINERS = "7",
      DOCKHOST_MEMORY = "1g", DOCKHOST_CPUS = "0", DOCKHOST_PIDS = "0", DOCKHOST_LAN_IP = "10.0.0.2",
      DOCKHOST_CONSOLE = "off", DOCKHOST_STATE = "/srv/state", DOCKHOST_LOG = "json", DEBUG = "dockhost:*",
    }
    assert.same({}, warnings)
    assert.equal("main.example.com", settings.server.host)
    assert.equal("/nodes", settings.server.namespace)
    settings.server = nil
    assert.same({
      api_key = "eyJ.x.y", image = "me/instance:2", pull = "always",
      docker = { kind = "tcp", host = "10.0.0.1", port = 2375, text = "tcp://10.0.0.1:2375" },
      port_start = 20000, port_end = 20002, max_containers = 7, memory = 1073741824, cpus = 0, pids = 0,
      lan_ip = "10.0.0.2", console = false, state = "/srv/state", log = "json", debug = "dockhost:*",
    }, settings)
  end)

  it("counts what is empty or blank as not set", function()
    local values = {}
    for _, option in ipairs(config.options) do values[option.name] = " " end
    assert.same(load(), load(values))
  end)

  for name, case in pairs {
    DOCKHOST_CPUS = { "abc", 'DOCKHOST_CPUS: "abc" is not a number; for example DOCKHOST_CPUS=0.5' },
    DOCKHOST_MEMORY = {
      "lots", 'DOCKHOST_MEMORY: "lots" is not a size; for example DOCKHOST_MEMORY=512m',
    },
    DOCKHOST_PULL = {
      "often", 'DOCKHOST_PULL: "often" is none of missing, always, never; for example DOCKHOST_PULL=missing',
    },
    DOCKHOST_PORT_START = {
      "0", 'DOCKHOST_PORT_START: "0" is not from 1 to 65535; for example DOCKHOST_PORT_START=1024',
    },
    DOCKHOST_PORT_END = {
      "1025", 'DOCKHOST_PORT_END: "1025" leaves no room for three ports from DOCKHOST_PORT_START=1024 on;'
        .. " for example DOCKHOST_PORT_END=65535",
    },
    DOCKHOST_IMAGE = {
      "A b", 'DOCKHOST_IMAGE: "A b" has spaces; for example DOCKHOST_IMAGE=sohampirale/instance:latest',
    },
    DOCKHOST_LAN_IP = {
      "eth0", 'DOCKHOST_LAN_IP: "eth0" is not an IP address; for example DOCKHOST_LAN_IP=192.168.1.10',
    },
    DOCKHOST_LOG = { "a\nb", "DOCKHOST_LOG: the value has control characters; for example DOCKHOST_LOG=text" },
    DEBUG = { "a\27b", "DEBUG: the value has control characters; for example DEBUG=dockhost:*,-dockhost:ws" },
    DOCKHOST_API_KEY = {
      "hunter2 hunter2", "DOCKHOST_API_KEY: its value has white space or other characters that are in no key;"
        .. " for example DOCKHOST_API_KEY=eyJhbGciOi…",
    },
    MAIN_SERVER = {
      "ftp://x", 'MAIN_SERVER: "ftp://x" is not a server\'s address: the address must begin with ws://, wss://,'
        .. " http:// or https://, or with the host; for example MAIN_SERVER=wss://dockhost.example.com",
    },
  } do
    it("explains a bad " .. name, function()
      assert.same({ case[2] }, errors_of { [name] = case[1] })
    end)
  end

  it("blames the start of the ports where no end could help", function()
    assert.same({
      'DOCKHOST_PORT_START: "65534" leaves no room for three ports; for example DOCKHOST_PORT_START=1024',
    }, errors_of { DOCKHOST_PORT_START = "65534" })
    assert.equal(65533, load({ DOCKHOST_PORT_START = "65533" }).port_start)
  end)

  it("collects every fault, in the order of the options", function()
    local errors = errors_of { DOCKHOST_LOG = "x", DOCKHOST_CPUS = "x", DOCKER_HOST = "ssh://me:pw@host" }
    assert.equal(3, #errors)
    assert.matches("^DOCKER_HOST: .*forward the socket", errors[1])
    assert.matches("^DOCKHOST_CPUS: ", errors[2])
    assert.matches("^DOCKHOST_LOG: ", errors[3])
    assert.not_matches("pw", errors[1])
  end)

  it("shows no password and no raw or long text in a message", function()
    assert.not_matches("hunter2", errors_of({ MAIN_SERVER = "wss://me:hunter2@host" })[1])
    assert.not_matches("hunter2", errors_of({ MAIN_SERVER = "me:hunter2@host" })[1])
    assert.is_true(#errors_of({ DOCKHOST_CPUS = ("x"):rep(10000) })[1] < 200)
    assert.matches('"\\u{202E}"', errors_of({ DOCKHOST_CPUS = "\u{202E}" })[1], 1, true)
  end)
end)

describe("the main server and its key", function()
  local SERVER = { MAIN_SERVER_BACKEND_URL = "main.example.com:3000" }

  it("says what to do without a key", function()
    local errors = errors_of(SERVER)
    assert.equal(1, #errors)
    assert.matches("^DOCKHOST_API_KEY: is not set.*make a key.*DOCKHOST_API_KEY_FILE", errors[1])
  end)

  it("takes a file for the key", function()
    local settings = load { MAIN_SERVER = "main:3000", DOCKHOST_API_KEY_FILE = "/run/key" }
    assert.equal("/run/key", settings.api_key_file)
    assert.is_nil(settings.api_key)
  end)

  it("prefers the key to its file, and says so", function()
    local settings, warnings = load { DOCKHOST_API_KEY = "k", DOCKHOST_API_KEY_FILE = "/run/key" }
    assert.equal("k", settings.api_key)
    assert.is_nil(settings.api_key_file)
    assert.matches("the file is not used", warnings[1])
  end)

  it("prefers MAIN_SERVER_BACKEND_URL to MAIN_SERVER, and says so where they differ", function()
    local values = { MAIN_SERVER_BACKEND_URL = "a:1", MAIN_SERVER = "b:1", DOCKHOST_API_KEY = "k" }
    local settings, warnings = load(values)
    assert.equal("a", settings.server.host)
    assert.same({ "MAIN_SERVER_BACKEND_URL and MAIN_SERVER differ: MAIN_SERVER_BACKEND_URL is used" }, warnings)
    values.MAIN_SERVER = "a:1"
    assert.same({}, select(2, load(values)))
  end)
end)

describe("DOCKER_HOST", function()
  it("uses TLS as the Docker CLI does", function()
    local settings = load { DOCKER_HOST = "tcp://h", DOCKER_TLS_VERIFY = "1" }
    assert.same({
      kind = "tcp", host = "h", port = 2376, text = "tcp://h",
      tls = {
        ca = "/home/ada/.docker/ca.pem", cert = "/home/ada/.docker/cert.pem", key = "/home/ada/.docker/key.pem",
        verify = true,
      },
    }, settings.docker)
    assert.is_nil(settings.docker_tls_verify)
  end)

  it("finds the certificates where it is told to", function()
    local tls = { DOCKER_HOST = "tcp://h", DOCKER_TLS_VERIFY = "1", DOCKER_CONFIG = "/cfg" }
    assert.equal("/cfg/ca.pem", load(tls).docker.tls.ca)
    tls.DOCKER_CERT_PATH = "/certs/"
    assert.equal("/certs/ca.pem", load(tls).docker.tls.ca)
  end)

  it("warns that certificates alone do not turn TLS on", function()
    local settings, warnings = load { DOCKER_HOST = "tcp://h", DOCKER_CERT_PATH = "/certs" }
    assert.is_nil(settings.docker.tls)
    assert.equal(2375, settings.docker.port)
    assert.matches("without TLS", warnings[1])
  end)

  it("speaks plainly to a socket", function()
    local settings, warnings = load { DOCKER_TLS_VERIFY = "1", DOCKER_CERT_PATH = "/certs" }
    assert.is_nil(settings.docker.tls)
    assert.same({}, warnings)
  end)

  it("needs to know where the certificates are", function()
    local values = { DOCKER_HOST = "tcp://h", DOCKER_TLS_VERIFY = "1", DOCKHOST_STATE = "/s" }
    local settings, errors = config.load(values)
    assert.is_nil(settings)
    assert.matches("^DOCKER_CERT_PATH: is needed where HOME is not set", errors[1])
  end)
end)

describe("the state directory", function()
  for name, case in pairs {
    ["what systemd made"] = { { STATE_DIRECTORY = "/var/lib/dockhost:/var/lib/b", XDG_STATE_HOME = "/x" },
      "/var/lib/dockhost" },
    ["in XDG_STATE_HOME"] = { { XDG_STATE_HOME = "/x/" }, "/x/dockhost" },
    ["never in a relative XDG_STATE_HOME"] = { { XDG_STATE_HOME = "x" }, "/home/ada/.local/state/dockhost" },
    ["what is set"] = { { DOCKHOST_STATE = "/s", STATE_DIRECTORY = "/var/lib/dockhost" }, "/s" },
    ["below home for a tilde"] = { { DOCKHOST_STATE = "~/state" }, "/home/ada/state" },
  } do
    it("is " .. name, function()
      assert.equal(case[2], load(case[1]).state)
    end)
  end

  it("must be named where there is no home", function()
    local settings, errors = config.load {}
    assert.is_nil(settings)
    assert.same({ "DOCKHOST_STATE: is needed where HOME is not set; for example DOCKHOST_STATE=/var/lib/dockhost" },
      errors)
  end)
end)

describe("a warning", function()
  it("tells of unknown names and what may have been meant", function()
    local _, warnings = load {
      DOCKHOST_PORTSTART = "1", DOCKHOST_MEM = "1", DOCKHOST_XYZZY = "", DOCKHOST_ = "", OTHER = "1",
      ["DOCKHOST_\27"] = "1", DOCKHOST_DEBUG = "1",
    }
    assert.same({
      "DOCKHOST_ is not a setting",
      "DOCKHOST_\\x1B is not a setting",
      "DOCKHOST_DEBUG is not a setting: did you mean DEBUG?",
      "DOCKHOST_MEM is not a setting: did you mean DOCKHOST_MEMORY?",
      "DOCKHOST_PORTSTART is not a setting: did you mean DOCKHOST_PORT_START?",
      "DOCKHOST_XYZZY is not a setting",
    }, warnings)
  end)

  it("tells of a console that others can reach", function()
    assert.matches("beyond this machine", select(2, load { DOCKHOST_CONSOLE = "0.0.0.0:3002" })[1])
    for _, value in ipairs { "127.0.0.2:1", "localhost:1", "[::1]:1", "off" } do
      assert.same({}, select(2, load { DOCKHOST_CONSOLE = value }))
    end
  end)
end)

describe("config.public", function()
  it("is a deep copy without the key", function()
    local settings = load { DOCKHOST_API_KEY = "k" }
    local public = config.public(settings)
    assert.is_nil(public.api_key)
    assert.equal(512 * 1024 * 1024, public.memory)
    assert.is_false(config.public(load { DOCKHOST_CONSOLE = "off" }).console)
    public.docker.path = "/elsewhere"
    assert.equal("/var/run/docker.sock", settings.docker.path)
    assert.equal("k", settings.api_key)
  end)
end)

describe("config.load, given anything,", function()
  it("answers", function()
    local examples = {}
    for i, option in ipairs(config.options) do examples[i] = option.example end
    local accepted = 0
    mutate.each(examples, 2000, function(mutant)
      for _, option in ipairs(config.options) do
        local settings, messages = config.load(with { [option.name] = mutant })
        accepted = accepted + (settings and 1 or 0)
        for _, message in ipairs(messages) do assert.is_nil(message:find("[\0-\31\127]")) end
      end
    end)
    assert.is_true(accepted > 1000)
    assert.is_table(config.load(with { [1] = "x", DOCKHOST_LOG = 7, DEBUG = {} }))
  end)
end)
