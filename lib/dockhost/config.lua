-- The settings: how the values of an environment become them, and what makes no sense together.
local docker_host = require("dockhost.docker_host")
local options = require("dockhost.options")
local printable = require("dockhost.printable")
local text = require("dockhost.text")

local config = {}

config.options = options

local LONGEST_SHOWN = 80
local HIGHEST_PORT = 65535

-- (values) -> function(name) -> trimmed value | nil; a value without text counts as not set.
local function reader(values)
  return function(name)
    local value = values[name]
    value = type(value) == "string" and text.trim(value) or ""
    return value ~= "" and value or nil
  end
end

-- A password in an address stays out of the message.
local function shown(option, value)
  if option.secret then return "its value" end
  local harmless = value:gsub("//[^/@]*@", "//***@"):gsub("^[^/@]*:[^/@]*@", "***@")
  return '"' .. printable.quoted(harmless, LONGEST_SHOWN) .. '"'
end

local function fault(option, message, name)
  name = name or option.name
  return ("%s: %s; for example %s=%s"):format(name, message, name, option.example)
end

local function parse(option, value, name)
  if value:find("[\0-\31\127]") then return nil, fault(option, "the value has control characters", name) end
  local parsed, message = option.parse(value)
  if parsed == nil then return nil, fault(option, shown(option, value) .. " " .. message, name) end
  return parsed
end

local BY_KEY = {}
for _, option in ipairs(options) do BY_KEY[option.key] = option end

-- (option) -> value, the name that it came under
local function value_of(option, get)
  local value, alias = get(option.name), option.alias
  if not value and alias and get(alias) then return get(alias), alias end
  return value or option.default, option.name
end

-- All faults are collected, so that one start shows every one.
local function read_options(get, errors)
  local settings = {}
  for _, option in ipairs(options) do
    local value, name = value_of(option, get)
    if value then
      local parsed, message = parse(option, value, name)
      settings[option.key] = parsed
      errors[#errors + 1] = message
    end
  end
  return settings
end

local function check_ports(settings, errors)
  local first, last = settings.port_start, settings.port_end
  if not (first and last) or first <= last - 2 then return end
  local message
  if first > HIGHEST_PORT - 2 then
    message = fault(BY_KEY.port_start, ('"%d" leaves no room for three ports'):format(first))
  else
    message = fault(BY_KEY.port_end, ('"%d" leaves no room for three ports from DOCKHOST_PORT_START=%d on')
      :format(last, first))
  end
  errors[#errors + 1] = message
end

local function check_key(settings, get, errors, warnings)
  if settings.api_key and settings.api_key_file then
    settings.api_key_file = nil
    warnings[#warnings + 1] = "DOCKHOST_API_KEY and DOCKHOST_API_KEY_FILE are both set: the file is not used"
  end
  if settings.server and not (get("DOCKHOST_API_KEY") or get("DOCKHOST_API_KEY_FILE")) then
    errors[#errors + 1] = "DOCKHOST_API_KEY: is not set, but the main server is: make a key for this node on the main"
      .. " server and set it here or, in a file, as DOCKHOST_API_KEY_FILE; for example"
      .. " DOCKHOST_API_KEY_FILE=/etc/dockhost/api-key"
  end
end

local function check_server_alias(get, warnings)
  local name, alias = get("MAIN_SERVER_BACKEND_URL"), get("MAIN_SERVER")
  if name and alias and name ~= alias then
    warnings[#warnings + 1] = "MAIN_SERVER_BACKEND_URL and MAIN_SERVER differ: MAIN_SERVER_BACKEND_URL is used"
  end
end

local function home_directory(get, below)
  local home = get("HOME")
  return home and home:gsub("/+$", "") .. below
end

local function certificates(settings, get, errors)
  local directory = settings.docker_cert_path or get("DOCKER_CONFIG") or home_directory(get, "/.docker")
  if not directory then errors[#errors + 1] = fault(BY_KEY.docker_cert_path, "is needed where HOME is not set") end
  return directory
end

-- As for the CLI, the certificates alone do not turn TLS on.
local function finish_docker(settings, get, errors, warnings)
  local endpoint = settings.docker
  if endpoint and endpoint.kind == "tcp" then
    local directory = settings.docker_tls_verify and certificates(settings, get, errors)
    docker_host.complete(endpoint, directory or nil)
    if settings.docker_cert_path and not endpoint.tls then
      warnings[#warnings + 1] = "DOCKER_CERT_PATH is set but DOCKER_TLS_VERIFY is not: Docker is spoken to without TLS"
    end
  end
  settings.docker_tls_verify, settings.docker_cert_path = nil, nil
end

local function default_state(get)
  local systemd = (get("STATE_DIRECTORY") or ""):match("^[^:]+")
  if systemd then return systemd end
  local xdg = get("XDG_STATE_HOME")
  -- The XDG specification has relative paths ignored.
  if xdg and xdg:sub(1, 1) == "/" then return xdg:gsub("/+$", "") .. "/dockhost" end
  return home_directory(get, "/.local/state/dockhost")
end

local function finish_state(settings, get, errors)
  local state = settings.state
  if state and state:sub(1, 2) == "~/" then
    state = home_directory(get, state:sub(2))
  elseif not state then
    state = default_state(get)
  end
  if not state then errors[#errors + 1] = fault(BY_KEY.state, "is needed where HOME is not set") end
  settings.state = state
end

local function check_console(settings, warnings)
  local console = settings.console
  if not console or console.host:find("^127%.") or console.host == "localhost" or console.host == "::1" then return end
  warnings[#warnings + 1] = "DOCKHOST_CONSOLE listens beyond this machine, without TLS: put a TLS proxy before it"
end

local function check_unknown(values, warnings)
  local known, names, unknown = {}, {}, {}
  for i, option in ipairs(options) do
    known[option.name], names[i] = true, option.name:match("^DOCKHOST_(.+)$") or option.name
  end
  for name in pairs(values) do
    if type(name) == "string" and name:find("^DOCKHOST_") and not known[name] then unknown[#unknown + 1] = name end
  end
  table.sort(unknown)
  for _, name in ipairs(unknown) do
    local meant = text.closest(name:sub(#"DOCKHOST_" + 1), names)
    if meant and known["DOCKHOST_" .. meant] then meant = "DOCKHOST_" .. meant end
    warnings[#warnings + 1] = printable.text(name, LONGEST_SHOWN) .. " is not a setting"
      .. (meant and ": did you mean " .. meant .. "?" or "")
  end
end

-- (name -> value) -> settings, warnings | nil, errors
function config.load(values)
  local get, errors, warnings = reader(values), {}, {}
  local settings = read_options(get, errors)
  check_ports(settings, errors)
  check_key(settings, get, errors, warnings)
  check_server_alias(get, warnings)
  finish_docker(settings, get, errors, warnings)
  finish_state(settings, get, errors)
  check_console(settings, warnings)
  check_unknown(values, warnings)
  if #errors > 0 then return nil, errors end
  return settings, warnings
end

-- (settings) -> settings that may be changed
function config.copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = config.copy(item) end
  return out
end

-- (settings) -> a copy without the key, for scripts and logs
function config.public(settings)
  local public = config.copy(settings)
  public.api_key = nil
  return public
end

return config
