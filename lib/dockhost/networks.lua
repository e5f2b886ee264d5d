-- The bridge network that instances share, on which they can't reach each other.
local networks = {}

local TRAFFIC = "com.docker.network.bridge.enable_icc"

local Networks = {}
Networks.__index = Networks

-- networks.new{ docker = client, flights = task.flights(…), log = logger } -> networks
function networks.new(options)
  return setmetatable({ docker = options.docker, flights = options.flights, log = options.log }, Networks)
end

-- Podman makes the network, and leaves out the option; an administrator may have made another one by this name.
local function warn_of_traffic(self, name, network)
  local options = type(network.Options) == "table" and network.Options or {}
  if options[TRAFFIC] ~= "false" and not self.warned then
    self.warned = true
    self.log:warn("containers can reach each other on the network " .. name .. ": it lacks " .. TRAFFIC .. "=false, "
      .. (self.docker.podman and "which Podman does not know" or "remove it, and it is made anew"))
  end
end

local function make(self, name)
  local network, message, status = self.docker:network_inspect(name)
  if not network and status ~= 404 then
    return nil, message, status
  elseif not network then
    local options = { [TRAFFIC] = "false" }
    local made, why, code = self.docker:network_create({
      Name = name,
      Driver = "bridge",
      CheckDuplicate = true,
      Options = options,
      Labels = { ["dockhost.managed"] = "true" },
    })
    -- 409: another dockhost process was quicker.
    if not made and code ~= 409 then
      return nil, "the network " .. name .. " can't be made: " .. why, code
    end
    network = { Options = not self.docker.podman and options }
  end
  warn_of_traffic(self, name, network)
  return true
end

-- Makes the network unless it is there. Returns true, or nil, message, status.
function Networks:ensure(name)
  return self.flights:run(name, function()
    return make(self, name)
  end)
end

return networks
