-- Whether this node can serve: what /readyz says.
local health = {}

local function server_problem(node)
  local server = node.settings.server
  if not server or not node.connection then
    return nil, "local"
  end
  local status = node.connection:status()
  if status.state == "connected" then
    return nil, status.state
  end
  return status.failure or "the main server at " .. server.text .. " has not accepted this node yet", status.state
end

-- (node, docker_failure?) -> { ready =, docker = "up" | "down", server = the connection's state, reasons = list? }
function health.of(node, docker_failure)
  local reasons, up = {}, node.monitor ~= nil and node.monitor.up == true
  if not up then
    table.insert(reasons, docker_failure or "Docker has not answered yet")
  end
  local problem, state = server_problem(node)
  table.insert(reasons, problem)
  if node.dispatcher.closing then
    table.insert(reasons, "this node is shutting down")
  end
  return { ready = #reasons == 0, docker = up and "up" or "down", server = state, reasons = reasons[1] and reasons }
end

return health
