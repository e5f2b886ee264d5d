-- Where Docker is: DOCKER_HOST and its companions, read as the Docker CLI reads them.
local setting = require("dockhost.setting")

local docker_host = {}

local PORT, TLS_PORT = 2375, 2376
local DEFAULT_SOCKET = "/var/run/docker.sock"

local function unix(rest, text)
  local path = rest == "" and DEFAULT_SOCKET or rest
  if path:sub(1, 1) ~= "/" then return nil, "needs the absolute path of a socket" end
  return { kind = "unix", path = path, text = text }
end

local function tcp(rest, text)
  local address = rest:gsub("/$", "")
  if address:find("/", 1, true) then return nil, "has a path, which is not supported" end
  if address == "" then return { kind = "tcp", host = "localhost", text = text } end
  local host, port = setting.split_address(address)
  if not host then return nil, "is not an address like tcp://host:port" end
  return { kind = "tcp", host = host, port = port, text = text }
end

local function ssh()
  return nil, "is reached through ssh, which is not supported: forward the socket with "
    .. "`ssh -N -L /run/docker-far.sock:/var/run/docker.sock HOST` and set DOCKER_HOST=unix:///run/docker-far.sock"
end

local SCHEMES = { unix = unix, tcp = tcp, ssh = ssh }

-- (text) -> {kind=, path= | host=, port=?, text=} | nil, message. A missing port is `complete`'s to fill in.
function docker_host.parse(text)
  local scheme, rest = text:match("^(%w+)://(.*)$")
  if not scheme then
    -- The CLI takes any word for a host; a bare word here is a mistake more likely than a name.
    if not text:find(":%d+$") then return nil, "is neither a unix:///path nor a tcp://host:port address" end
    scheme, rest = "tcp", text
  end
  local read = SCHEMES[scheme]
  if not read then return nil, "is neither a unix:///path nor a tcp://host:port address" end
  return read(rest, text)
end

local function tls_files(directory)
  local prefix = directory:gsub("/+$", "") .. "/"
  return { ca = prefix .. "ca.pem", cert = prefix .. "cert.pem", key = prefix .. "key.pem", verify = true }
end

-- (endpoint, directory of the certificates | nil: no TLS) -> endpoint. As for the CLI, TLS is for TCP alone.
function docker_host.complete(endpoint, directory)
  if endpoint.kind ~= "tcp" then return endpoint end
  endpoint.port = endpoint.port or (directory and TLS_PORT or PORT)
  endpoint.tls = directory and tls_files(directory) or nil
  return endpoint
end

return docker_host
