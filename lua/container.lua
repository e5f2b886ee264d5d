-- What a new instance is to Docker: the body of POST /containers/create. Every limit and hardening is a line here.
-- `instance`: username, image, keys (authorized_keys text), ports = { ssh, http, https }. `config`: the settings.

local function published(ports)
  local function to(port)
    return { { HostPort = tostring(port) } }
  end
  return { ["22/tcp"] = to(ports.ssh), ["80/tcp"] = to(ports.http), ["443/tcp"] = to(ports.https) }
end

return function(instance, config)
  return {
    Image = instance.image,
    -- The image of the Node backend reads its key from here.
    Env = { "SSH_PUB_KEY=" .. instance.keys },
    ExposedPorts = { ["22/tcp"] = {}, ["80/tcp"] = {}, ["443/tcp"] = {} },
    HostConfig = {
      PortBindings = published(instance.ports),
      NetworkMode = "dockhost",
      RestartPolicy = { Name = "unless-stopped" },
      -- A first process that ends on SIGTERM and reaps children, whatever the image runs.
      Init = true,
      Memory = config.memory,
      NanoCpus = math.floor(config.cpus * 1e9),
      PidsLimit = config.pids,
      CapDrop = { "NET_RAW", "MKNOD" },
      Privileged = false,
      LogConfig = { Type = "json-file", Config = { ["max-size"] = "10m", ["max-file"] = "3" } },
    },
  }
end
