-- `dockhost new KIND NAME [DIR]`: writes a script to start from, and its spec; and says what to do next.
local cli = require("dockhost.cli")
local hooks = require("dockhost.hooks")
local templates = require("dockhost.templates")
local text = require("dockhost.text")

local new = {}

local KINDS = { "command", "job", "hook" }
local TEMPLATES = { command = templates.command, job = templates.job, hook = templates.hook }
local LONGEST_NAME <const> = 64
local DIRECTORY_MODE <const> = 493 -- 0755

-- socket.io's own events never reach a command.
local RESERVED = {
  connect = true,
  connect_error = true,
  disconnect = true,
  disconnecting = true,
  newListener = true,
  removeListener = true,
}

local function check_name(kind, name)
  if kind == "hook" then
    return hooks.EVENTS[name] ~= nil, "there is no hook '" .. name .. "': they are " .. hooks.names()
  elseif #name > LONGEST_NAME or not name:find("^[%w_][%w_.-]*$") then
    return false, "a name is of letters, digits, _, - and ., such as container-uptime: not '" .. name .. "'"
  elseif name:find("_spec$") or name:find("%.lua$") then
    return false, "a name does not end in _spec or .lua: '" .. name .. "'"
  elseif kind == "command" and RESERVED[name] then
    return false, name .. " is an event of socket.io's own"
  end
  return true
end

local function check(kind, name)
  if not TEMPLATES[kind] then
    local meant = text.closest(kind, KINDS)
    local message = "new makes a command, a job or a hook, not a '" .. kind .. "'"
    return nil, message .. (meant and ": did you mean '" .. meant .. "'?" or "")
  end
  local ok, message = check_name(kind, name)
  if not ok then
    return nil, message
  end
  return TEMPLATES[kind]
end

local function exists(path)
  local file = io.open(path, "r")
  return file ~= nil and file:close()
end

local function write(host, path, content)
  local made, message = host.file.mkdir(path:match("^(.*)/"), DIRECTORY_MODE)
  if not made then
    return nil, message
  end
  local file, why = io.open(path, "w")
  if not file then
    return nil, why
  end
  local ok, problem = file:write(content)
  local closed, failure = file:close()
  return ok and closed, problem or failure
end

-- Both or none: a script is not left without its spec.
local function write_all(host, files)
  for _, file in ipairs(files) do
    if exists(file.path) then
      return nil, file.path .. " exists: it was left as it is, and nothing was written"
    end
  end
  for _, file in ipairs(files) do
    local ok, message = write(host, file.path, file.content)
    if not ok then
      return nil, message
    end
    io.stdout:write("wrote ", file.path, "\n")
  end
  return true
end

local function complain(message, code)
  io.stderr:write("dockhost: ", message, "\n")
  return code
end

-- (host, share, parsed) -> exit code
function new.start(host, _, parsed)
  local kind, name, given = table.unpack(parsed.positional)
  local template, message = check(kind, name)
  if not template then
    return complain(message, cli.USAGE)
  end
  local directory = (given or "."):gsub("(.)/+$", "%1")
  local below = directory == "." and "" or directory .. "/"
  local words = { NAME = name, DIR = directory, WHAT = hooks.EVENTS[name] }
  local ok, problem = write_all(host, {
    { path = below .. template.folder .. "/" .. name .. ".lua", content = templates.fill(template.script, words) },
    { path = below .. "spec/" .. name .. "_spec.lua", content = templates.fill(template.spec, words) },
  })
  if not ok then
    return complain(problem, cli.FAILED)
  end
  io.stdout:write("Edit both, then:\n",
    "  dockhost test ", directory, "\n",
    "  ", templates.fill(template.try, words), "\n")
  return cli.OK
end

return new
