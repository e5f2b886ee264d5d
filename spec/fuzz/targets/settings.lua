-- The settings from a .env file: what is accepted is well formed, what is refused has messages that name the variable.
-- Each value is also given to the parsers of addresses and image names by itself.
local check = require("check")
local config = require("dockhost.config")
local debug_filter = require("dockhost.debug_filter")
local docker_host = require("dockhost.docker_host")
local env = require("dockhost.env")
local image_name = require("dockhost.image_name")
local url = require("dockhost.url")

local SECRET = "s3cret-of-the-fuzzer"

local function check_port(port)
  check.that(math.type(port) == "integer" and port >= 1 and port <= 65535, "no port", port)
end

local function check_host(host)
  check.that(type(host) == "string" and host ~= "" and not host:find("[%s%c/@#?\\]"), "no host", host)
end

local function check_server(server)
  check_port(server.port)
  check_host(server.host)
  check.that(type(server.tls) == "boolean", "it is not told whether TLS is used")
  check.that(server.namespace:find("^/[^,%s%c]*$") and utf8.len(server.namespace), "no namespace", server.namespace)
  check.same(url.parse(server.text), server, "the canonical address is another")
end

local function check_docker(endpoint)
  if endpoint.kind == "unix" then
    check.that(endpoint.path:find("^/"), "no path of a socket", endpoint.path)
  else
    check.that(endpoint.kind == "tcp", "an unknown kind", endpoint.kind)
    check_port(endpoint.port)
    check_host(endpoint.host)
  end
end

local function check_image(name)
  check.that(#name <= 255 + 1 + 128 + 1 + 600 and not name:find("[%s%c?]"), "no image's name", name)
end

local function check_settings(settings)
  check_docker(settings.docker)
  check_image(settings.image)
  check_port(settings.port_start)
  check_port(settings.port_end)
  check.that(settings.port_end - settings.port_start >= 2, "no room for three ports")
  for _, name in ipairs({ "max_containers", "memory", "pids" }) do
    check.that(math.type(settings[name]) == "integer" and settings[name] >= 0, "no limit", name, settings[name])
  end
  check.that(settings.cpus >= 0 and settings.cpus <= 1024, "no number of processors", settings.cpus)
  check.that(settings.memory == 0 or settings.memory >= 6 << 20, "too little memory", settings.memory)
  check.that(settings.state, "no state directory")
  if settings.server then
    check_server(settings.server)
  end
  if settings.console then
    check_port(settings.console.port)
    check_host(settings.console.host)
  end
  check.that(config.public(settings).api_key == nil, "the key is public")
end

-- A password in an address, and the key, stay out of what is shown.
local function check_messages(messages, known)
  for _, message in ipairs(messages) do
    check.message(message, 2000)
    check.that(known or not message:find(SECRET, 1, true), "a secret in a message", message)
  end
end

local function check_value(value)
  local server, message = url.parse(value)
  if server then
    check_server(server)
  else
    check.message(message)
  end
  local endpoint, why = docker_host.parse(value)
  if endpoint then
    check_docker(docker_host.complete(endpoint, nil))
  else
    check.message(why)
  end
  local name, problem = image_name.check(value)
  if name then
    check_image(name)
  else
    check.message(problem)
  end
  check.that(type(debug_filter.new(value)("dockhost:docker")) == "boolean", "the filter does not answer")
end

return function(bytes)
  local values, problems = env.parse(bytes)
  check.that(#problems <= 20, "too many problems", #problems)
  for _, problem in ipairs(problems) do
    check.message(problem.message, #bytes + 200)
    check.that(math.type(problem.line) == "integer", "a problem without a line")
  end
  for name, value in pairs(values) do
    check.that(name:find("^[%a_][%w_.-]*$") and type(value) == "string", "no setting", name, value)
    if #value <= 4096 then
      check_value(value)
    end
  end
  check_value(bytes:sub(1, 4096))
  if values.DOCKHOST_API_KEY then
    values.DOCKHOST_API_KEY = values.DOCKHOST_API_KEY .. SECRET
  end
  values.HOME = values.HOME or "/root"
  local settings, messages = config.load(values)
  check_messages(messages, bytes:find(SECRET, 1, true))
  check.that(settings or #messages > 0, "refused without a message")
  if settings then
    check_settings(settings)
  end
end
