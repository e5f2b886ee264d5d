-- The bridge network that instances share, on which they can't reach each other.
local networks = {}

local Networks = {}
Networks.__index = Networks

-- networks.new{ docker = client, flights = task.flights(…) } -> networks
function networks.new(options)
  return setmetatable({ docker = options.docker, flights = options.flights }, Networks)
end

local function make(docker, name)
  local found, message, status = docker:network_inspect(name)
  if found then
    return true
  elseif status ~= 404 then
    return nil, message, status
  end
  local made, why, code = docker:network_create({
    Name = name,
    Driver = "bridge",
    CheckDuplicate = true,
    Options = { ["com.docker.network.bridge.enable_icc"] = "false" },
    Labels = { ["dockhost.managed"] = "true" },
  })
  -- 409: another dockhost process was quicker.
  if not made and code ~= 409 then
    return nil, "the network " .. name .. " can't be made: " .. why, code
  end
  return true
end

-- Makes the network unless it is there. Returns true, or nil, message, status.
function Networks:ensure(name)
  return self.flights:run(name, function()
    return make(self.docker, name)
  end)
end

return networks
