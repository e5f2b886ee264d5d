-- What a node needs of Docker: that it answers, the image, and ports.
local finding = require("dockhost.cli.check.finding")
local permission = require("dockhost.cli.check.permission")

local engine = {}

-- Where programs lie; a daemon that is not in one of these is not found, and only the advice differs.
local PROGRAM_DIRECTORIES = { "/usr/bin", "/usr/sbin", "/usr/local/bin", "/snap/bin" }

local function is_installed(app)
  for _, directory in ipairs(PROGRAM_DIRECTORIES) do
    for _, name in ipairs(app.node.list(directory) or {}) do
      if name == "dockerd" or name == "docker.dockerd" then
        return true
      end
    end
  end
  return false
end

local INSTALL = "install Docker (`apt-get install docker.io`, or see https://docs.docker.com/engine/install/), "
  .. "or let DOCKER_HOST name the socket of yours"
local START = "start it: `systemctl start docker`, and `systemctl enable docker` for the next boot; "
  .. "its log is `journalctl -u docker`"

local function podman_advice(path)
  local user = path:find("/run/user/", 1, true) and "--user " or ""
  return ("start Podman's service: `systemctl %senable --now podman.socket`"):format(user)
end

local function socket_advice(app, message)
  if message:find("permission denied", 1, true) then
    return permission.advice(app)
  elseif app.node.settings.docker.path:find("/podman/", 1, true) then
    return podman_advice(app.node.settings.docker.path)
  elseif not is_installed(app) then
    return INSTALL
  end
  local path = app.node.settings.docker.path
  return START .. (path ~= "/var/run/docker.sock" and "; DOCKER_HOST names " .. path .. ": is that its socket?" or "")
end

local TCP = {
  { "resolve", "the name in DOCKER_HOST is not known: `getent hosts` asks for it" },
  { "refused", "does DOCKER_HOST name the right port, and was dockerd started with `-H tcp://…`?" },
  { "certificate", "DOCKER_CERT_PATH names the directory of ca.pem, cert.pem and key.pem for that daemon" },
  { "SSL", "one side speaks TLS and the other does not: DOCKER_TLS_VERIFY=1 is for a daemon with --tlsverify" },
  { "HTTP request to an HTTPS server", "that daemon wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH" },
}

local OTHER = "does DOCKER_HOST name a Docker Engine that this machine can reach?"
local HANGS = "see `docker info`, and the daemon's log: `journalctl -u docker`"

local function tcp_advice(message)
  for _, case in ipairs(TCP) do
    if message:find(case[1], 1, true) then
      return case[2]
    end
  end
end

-- What is wrong, and what to do. The client's own advice is left out where there is better.
local function problem(app, message)
  local docker = app.node.settings.docker
  local detail = message:match("^Docker does not answer at .-%((.*)%)$")
  if detail then
    return finding.failure(("Docker does not answer at %s: %s"):format(app.node.docker.address, detail),
      (docker.kind == "unix" and socket_advice(app, message) or tcp_advice(message) or OTHER)
        .. " (`docker info` asks it, too)")
  elseif message:find("install", 1, true) then
    return finding.failure(message)
  end
  return finding.failure(message, tcp_advice(message) or message:find("in time", 1, true) and HANGS or OTHER)
end

function engine.docker(app)
  local version, message = app.node.docker:version()
  if not version then
    return problem(app, message)
  end
  app.docker_answers = true
  local address = app.node.docker.address
  return finding.ok(("Docker %s answers at %s (API %s)"):format(version.Version, address, version.ApiVersion))
end

local UNKNOWN = finding.failure("not known while Docker does not answer (`docker info`)")

local BUILD = "build one with `make image`, bring one with `docker load`, or let DOCKHOST_IMAGE name another"
local UNREACHABLE = { "dial tcp", "lookup", "imeout", "refused", "no route", "TLS handshake", "unreachable", "EOF" }

local function is_unreachable(message)
  for _, words in ipairs(UNREACHABLE) do
    if message:find(words, 1, true) then
      return true
    end
  end
end

-- Whether the registry has what is not here.
local function ask_registry(app, image)
  local known, message, status = app.node.docker:distribution(image)
  if known then
    return finding.warning(image .. " is not here; the registry has it",
      "the first create pulls it, and takes longer: `dockhost check --pull` pulls it now")
  elseif status == 503 then
    return finding.failure(message)
  elseif status == 404 and app.node.docker.podman then
    return finding.warning(image .. " is not here", "the first create pulls it: `dockhost check --pull` tries it now")
  elseif is_unreachable(message) then
    return finding.failure(("%s is not here and its registry can't be reached (%s)"):format(image, message),
      "see to Docker's network or proxy, or " .. BUILD)
  end
  return finding.failure(("%s is not here and its registry does not give it (%s)"):format(image, message),
    "is the name right? `docker login` is for a private one; or " .. BUILD)
end

local function pull(app, image)
  local ok, message = app:images():ensure(image, "missing")
  if ok then
    return finding.ok(image .. " was pulled")
  end
  return finding.failure(message, BUILD)
end

function engine.image(app)
  local settings = app.node.settings
  if not app.docker_answers then
    return UNKNOWN
  end
  local found, message, status = app.node.docker:image_inspect(settings.image)
  if found then
    return finding.ok(settings.image .. " is here")
  elseif status ~= 404 then
    return finding.failure(message)
  elseif app.parsed.pull then
    return pull(app, settings.image)
  elseif settings.pull == "never" then
    return finding.failure(settings.image .. " is not here and DOCKHOST_PULL=never", "pull it with `docker pull`, or "
      .. BUILD)
  end
  return ask_registry(app, settings.image)
end

-- How many threes of the range's ports are free, at most.
local function room(app, bound)
  local settings, free = app.node.settings, 0
  local listening = app.host.port.listening() or {}
  for number = settings.port_start, settings.port_end do
    if not listening[number] and not bound[number] then
      free = free + 1
    end
  end
  return free // 3
end

local WIDEN = "widen DOCKHOST_PORT_START and DOCKHOST_PORT_END"

function engine.ports(app)
  local settings = app.node.settings
  if not app.docker_answers then
    return UNKNOWN
  end
  local bound, message = app.node.containers:bound_ports()
  if not bound then
    return finding.failure(message)
  end
  local triple, why = app.node.ports:reserve(nil, bound)
  if not triple then
    return finding.failure(why, WIDEN)
  end
  app.node.ports:release(triple)
  local would = ("the next container would get %d, %d and %d"):format(triple.ssh, triple.http, triple.https)
  local list = app.node.containers:list() or {}
  local places, left = room(app, bound), settings.max_containers - #list
  if places < left then
    return finding.warning(("%s; there is room for %d more containers, not for %d"):format(would, places, left),
      WIDEN .. ", or lower DOCKHOST_MAX_CONTAINERS")
  end
  return finding.ok(would)
end

return engine
