-- The last lines of a container's output. Where they are too much for one reply, the oldest go.
local json = require("dockhost.json")

local DEFAULT_TAIL, MAX_TAIL = 100, 10000

local function split(text)
  local lines = json.array({})
  -- The last line may lack its end.
  for line in text:gsub("[^\n]$", "%0\n"):gmatch("(.-)\r?\n") do
    table.insert(lines, line)
  end
  return lines
end

return {
  params = { username = "username?", containerId = "container-id?", tail = "integer?" },
  trim = function(data)
    local lines = data.lines
    if #lines == 0 then
      return nil
    end
    local from = #lines // 2 + 1
    return { lines = json.array(table.move(lines, from + (#lines == 1 and 1 or 0), #lines, 1, {})) }
  end,
  run = function(params, ctx)
    local tail = params.tail or DEFAULT_TAIL
    if tail < 0 or tail > MAX_TAIL then
      return nil, "tail must be from 0 to " .. MAX_TAIL, 400
    end
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status
    end
    local text, why, code = ctx.docker:container_logs(instance.id, tail, instance.inspected.Config.Tty)
    if not text then
      return nil, why, code
    end
    local lines = split(text)
    return { lines = lines }, #lines == 1 and "1 line" or #lines .. " lines"
  end,
}
