-- Lists the managed containers of this node, or the one of a user.
local containers = require("dockhost.containers")
local json = require("dockhost.json")

return {
  params = { username = "username?" },
  run = function(params, ctx)
    local list, message, status = ctx.containers:list()
    if not list then
      return nil, message, status
    end
    local entries = json.array({})
    for _, instance in ipairs(list) do
      if not params.username or instance.username == params.username then
        local whole, why, code = ctx.containers:with_ports(instance)
        if not whole then
          return nil, why, code
        end
        table.insert(entries, containers.entry(whole))
      end
    end
    return { containers = entries }, #entries == 1 and "1 container" or #entries .. " containers"
  end,
}
