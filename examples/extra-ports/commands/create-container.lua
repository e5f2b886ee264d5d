-- Each container gets three more host ports, for 8080, 8081 and 8082 inside; the reply has them as `extraPorts`. They
-- are a second triple, reserved like the first: free on this machine, and held until the container's bindings do.
--
-- To adapt: change the ports inside, in container.lua.
local create = shadowed.run

function shadowed.run(params, ctx)
  local reserve = ctx.ports.reserve
  -- Asked for once an attempt: where ports were taken meanwhile, the next attempt gets others of both kinds.
  function ctx.ports.reserve(ports, start)
    local triple, message, status = reserve(ports, start)
    if not triple then
      return nil, message, status
    end
    ctx.config.extra_ports, message, status = reserve(ports, triple.ssh + 3)
    if not ctx.config.extra_ports then
      return nil, message, status
    end
    return triple
  end
  local data, message, status, details = create(params, ctx)
  if data then
    local extra = ctx.config.extra_ports
    data.extraPorts = { extra.ssh, extra.http, extra.https }
  end
  return data, message, status, details
end

return shadowed
