-- What of Docker's answers is read, and of which type it must be: whatever comes from there, nobody behind
-- dockhost.docker meets a field of another type.
local json = require("dockhost.json")
local printable = require("dockhost.printable")

local docker_shape = {}

local LONGEST_PATH = 80

-- A type's name ("?" marks what may be absent), { map = shape } or { list = shape } of any keys, or a table of fields,
-- which may all be absent when `optional` is set.
local LABELS = { map = "string", optional = true }
local BINDINGS = { map = { list = { HostPort = "string?" } }, optional = true }

docker_shape.VERSION = { ApiVersion = "string", MinAPIVersion = "string?" }

docker_shape.CREATED = { Id = "string" }

docker_shape.LIST = {
  list = {
    Id = "string",
    Names = { list = "string", optional = true },
    Image = "string?",
    State = "string?",
    Created = "number?",
    Labels = LABELS,
    Ports = { list = { PublicPort = "number?" }, optional = true },
  },
}

docker_shape.CONTAINER = {
  Id = "string",
  Name = "string",
  Created = "string?",
  RestartCount = "number?",
  State = { Status = "string", StartedAt = "string?", ExitCode = "number?" },
  Config = { Image = "string?", Labels = LABELS, Tty = "boolean?", optional = true },
  HostConfig = { PortBindings = BINDINGS, optional = true },
  NetworkSettings = { Ports = BINDINGS, optional = true },
}

docker_shape.EVENT = {
  Action = "string?",
  Actor = { Attributes = LABELS, optional = true },
}

docker_shape.PROGRESS = {
  status = "string?",
  error = "string?",
  errorDetail = { message = "string?", optional = true },
  id = "string?",
  progressDetail = { total = "number?", current = "number?", optional = true },
}

local problem

local function of_word(value, word)
  local name, mark = word:match("^(%l+)(%??)$")
  if type(value) == name or value == nil and mark == "?" then
    return nil
  end
  return ""
end

local function of_items(value, item_shape)
  for key, item in pairs(value) do
    local path = problem(item, item_shape)
    if path then
      return "." .. tostring(key) .. path
    end
  end
end

local function of_fields(value, fields)
  for name, field_shape in pairs(fields) do
    local path = name ~= "optional" and problem(value[name], field_shape)
    if path then
      return "." .. name .. path
    end
  end
end

-- The path to what is of another type, or nil.
function problem(value, shape)
  if type(shape) == "string" then
    return of_word(value, shape)
  elseif type(value) ~= "table" then
    return (value ~= nil or not shape.optional) and "" or nil
  elseif shape.list and not json.is_array(value) then
    return ""
  elseif shape.list or shape.map then
    return of_items(value, shape.list or shape.map)
  end
  return of_fields(value, shape)
end

-- (value, shape) -> true | nil, message
function docker_shape.check(value, shape)
  local path = problem(value, shape)
  if not path then
    return true
  end
  local where = path ~= "" and ", at " .. printable.text(path:sub(2), LONGEST_PATH) or ""
  return nil, "Docker's answer is not what its API describes" .. where
end

return docker_shape
