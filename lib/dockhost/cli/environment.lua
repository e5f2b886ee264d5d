-- Where the settings come from: the environment, then a file.
local config = require("dockhost.config")
local env = require("dockhost.env")

local environment = {}

local MAX_ENV_FILE = 64 * 1024

-- The environment. Its secrets are kept here and wiped there, where /proc would go on to show them.
local function own_values(app)
  local values = app.host.process.environ()
  for _, option in ipairs(config.options) do
    local name = option.name
    if option.secret and values[name] then
      app.wiped[name] = values[name]
      app.host.process.conceal(name)
    end
  end
  for name, value in pairs(app.wiped) do
    values[name] = value
  end
  return values
end

-- The environment over the .env file. A missing .env is nothing; a missing --env-file is an error.
local function values_of(app)
  local env_file, own = app.parsed.env_file, own_values(app)
  local content, message, code = app.read(env_file or ".env", MAX_ENV_FILE)
  if not content then
    if env_file or code ~= "ENOENT" then
      return nil, { "no settings: " .. message }
    end
    content = ""
  end
  local values, faults = env.parse(content)
  local errors = {}
  for i, fault in ipairs(faults) do
    errors[i] = string.format("%s:%d: %s", env_file or ".env", fault.line, fault.message)
  end
  if #errors > 0 then
    return nil, errors
  end
  for name, value in pairs(own) do
    values[name] = value
  end
  return values
end

-- (app with host, parsed, read and wiped = {}) -> settings, warnings | nil, errors. Waits.
function environment.settings(app)
  local values, errors = values_of(app)
  if not values then
    return nil, errors
  end
  return config.load(values)
end

return environment
