-- Publishes three more ports of each container, beside ssh, http and https: those that commands/create-container.lua
-- has reserved. Both files belong together.
local INSIDE = { ssh = "8080/tcp", http = "8081/tcp", https = "8082/tcp" }

return function(instance, config)
  local body = shadowed(instance, config)
  for name, port in pairs(config.extra_ports) do
    body.ExposedPorts[INSIDE[name]] = {}
    body.HostConfig.PortBindings[INSIDE[name]] = { { HostPort = tostring(port) } }
  end
  return body
end
