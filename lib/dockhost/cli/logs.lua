-- `dockhost logs USER`: what the container of a user wrote.
local cli = require("dockhost.cli")
local json = require("dockhost.json")
local printable = require("dockhost.printable")
local splitter = require("dockhost.console.logs").splitter
local stream = require("dockhost.cli.stream")
local utf8text = require("dockhost.utf8text")

local logs = {}

local DEFAULT_TAIL, MOST_TAIL = 100, 1000000
local STREAMS = { "stdout", "stderr" }

-- How a line is shown: a user's container must not steer the operator's terminal.
local function line_writer(app)
  if app.parsed.json then
    return function(line, from)
      return json.encode({ stream = STREAMS[from], line = utf8text.repair(line) }) .. "\n"
    end
  elseif app.host.process.isatty(1) then
    return function(line)
      return printable.text(line) .. "\n"
    end
  end
  return function(line)
    return line .. "\n"
  end
end

local function follow(app, instance, tail, put)
  local shown, write, splitters = {}, line_writer(app), {}
  for from = 1, #STREAMS do
    splitters[from] = splitter(function(line)
      table.insert(shown, write(line, from))
    end)
  end
  local function flush()
    local text = table.concat(shown)
    shown = {}
    put(text)
  end
  local options = { tail = tail, tty = instance.inspected.Config.Tty, follow = app.parsed.follow }
  local ok, message, status = app.node.docker:container_follow(instance.id, options, function(text, number)
    local split = splitters[number] or splitters[1]
    split(text, number)
    flush()
  end)
  for _, split in ipairs(splitters) do
    split()
  end
  flush()
  return ok, message, status
end

local function tail_of(app)
  local tail = math.tointeger(tonumber(app.parsed.tail or DEFAULT_TAIL))
  return tail and tail >= 0 and tail <= MOST_TAIL and tail or nil
end

-- (app) -> exit code
function logs.perform(app)
  local user, tail = app.parsed.positional[1], tail_of(app)
  if not tail then
    io.stderr:write("dockhost: --tail needs a number of lines from 0 to ", MOST_TAIL, ", such as --tail 20\n")
    return cli.USAGE
  end
  local instance, message, status = app.node.containers:of_user(user)
  if not instance then
    return stream.complain(app, user, message, status)
  end
  return stream.run(app, function(put)
    local ok, why, code = follow(app, instance, tail, put)
    if not ok then
      return stream.complain(app, user, why, code)
    end
    return cli.OK
  end)
end

return logs
