-- Every setting: its variable, its field in the settings, its default, its parser, and what it is for.
local docker_host = require("dockhost.docker_host")
local image_name = require("dockhost.image_name")
local setting = require("dockhost.setting")
local url = require("dockhost.url")

-- The example that ends url's messages would be the second one.
local function server(value)
  local parsed, message = url.parse(value)
  if parsed then return parsed end
  return nil, "is not a server's address: " .. (message:match("^(.*): write it like ") or message)
end

-- In the order of README's table. A `default` is text and goes through the parser; an `alias` is another name, which
-- yields to the option's own; a `secret` is shown in no message.
local options = {
  {
    name = "MAIN_SERVER_BACKEND_URL", alias = "MAIN_SERVER", key = "server", parse = server,
    example = "wss://dockhost.example.com",
    comment = "the main server (MAIN_SERVER is another name of it); without it, local mode: the console alone",
  },
  {
    name = "DOCKHOST_API_KEY", key = "api_key", parse = setting.key, secret = true,
    example = "eyJhbGciOi…",
    comment = "the key that the main server made for this node",
  },
  {
    name = "DOCKHOST_API_KEY_FILE", key = "api_key_file", parse = setting.path,
    example = "/etc/dockhost/api-key",
    comment = "a file that holds the key, read again at each reload and connect",
  },
  {
    name = "DOCKHOST_IMAGE", key = "image", default = "sohampirale/instance", parse = image_name.check,
    example = "sohampirale/instance:latest",
    comment = "the image of new containers",
  },
  {
    name = "DOCKHOST_PULL", key = "pull", default = "missing", parse = setting.one_of("missing", "always", "never"),
    example = "missing",
    comment = "when to pull it: missing, always (the local one serves when the registry fails) or never",
  },
  {
    name = "DOCKER_HOST", key = "docker", default = "unix:///var/run/docker.sock", parse = docker_host.parse,
    example = "unix:///var/run/docker.sock",
    comment = "where Docker is: unix:///path or tcp://host:port",
  },
  {
    name = "DOCKER_TLS_VERIFY", key = "docker_tls_verify", parse = setting.text,
    example = "1",
    comment = "any value: TLS, verified, to a tcp:// Docker",
  },
  {
    name = "DOCKER_CERT_PATH", key = "docker_cert_path", parse = setting.path,
    example = "/etc/dockhost/docker-tls",
    comment = "the directory of ca.pem, cert.pem and key.pem; ~/.docker if not set",
  },
  {
    name = "DOCKHOST_PORT_START", key = "port_start", default = "1024", parse = setting.integer(1, 65535),
    example = "1024",
    comment = "the first host port for containers",
  },
  {
    name = "DOCKHOST_PORT_END", key = "port_end", default = "65535", parse = setting.integer(1, 65535),
    example = "65535",
    comment = "the last host port for containers",
  },
  {
    name = "DOCKHOST_MAX_CONTAINERS", key = "max_containers", default = "50", parse = setting.integer(0, 65535),
    example = "50",
    comment = "how many containers this node takes",
  },
  {
    name = "DOCKHOST_MEMORY", key = "memory", default = "512m", parse = setting.size,
    example = "512m",
    comment = "memory of each container; 0 means no limit",
  },
  {
    name = "DOCKHOST_CPUS", key = "cpus", default = "0.5", parse = setting.cpus,
    example = "0.5",
    comment = "processors of each container; 0 means no limit",
  },
  {
    name = "DOCKHOST_PIDS", key = "pids", default = "512", parse = setting.integer(0, 4194304),
    example = "512",
    comment = "processes and threads of each container; 0 means no limit",
  },
  {
    name = "DOCKHOST_LAN_IP", key = "lan_ip", parse = setting.ip,
    example = "192.168.1.10",
    comment = "the address that the main server is told; if not set, the first private one of a physical interface",
  },
  {
    name = "DOCKHOST_CONSOLE", key = "console", default = "127.0.0.1:3002", parse = setting.listener,
    example = "127.0.0.1:3002",
    comment = "where console, metrics and health listen, or off",
  },
  {
    name = "DOCKHOST_STATE", key = "state", parse = setting.path,
    example = "/var/lib/dockhost",
    comment = "what outlives the process; if not set, $STATE_DIRECTORY, $XDG_STATE_HOME/dockhost or"
      .. " ~/.local/state/dockhost",
  },
  {
    name = "DOCKHOST_LOG", key = "log", default = "text", parse = setting.one_of("text", "json"),
    example = "text",
    comment = "the log's format: text or json (one object a line)",
  },
  {
    name = "DEBUG", key = "debug", parse = setting.text,
    example = "dockhost:*,-dockhost:ws",
    comment = "which debug lines are logged, in the syntax of npm's debug",
  },
}

return options
