-- Stands between the Docker client and the daemon: what only reads passes, what would change anything is shown instead
-- and answered as if it had been done.
local json = require("dockhost.json")

local dry_run = {}

local Dry = {}
Dry.__index = Dry

-- The id of a container that is not there. Docker's own are 64 hex digits as well.
local function fake_id(n)
  return ("%064x"):format(n)
end

-- How Docker would describe the container that a body asks for, running.
local function described(id, name, body)
  local host_config = body.HostConfig or {}
  return {
    Id = id,
    Name = "/" .. name,
    Config = { Image = body.Image, Labels = body.Labels, Env = body.Env },
    HostConfig = host_config,
    State = { Status = "running", Running = true, ExitCode = 0 },
    NetworkSettings = { Ports = host_config.PortBindings or {} },
    RestartCount = 0,
  }
end

local changes = {}

function changes.create_container(self, body, query)
  self.last = self.last + 1
  local id = fake_id(self.last)
  self.made["/containers/" .. id .. "/json"] = described(id, query:match("name=([^&]*)") or id, body)
  return 201, { Id = id, Warnings = {} }
end

function changes.pull(self, _, query)
  local name, tag = query:match("fromImage=([^&]*)"), query:match("tag=([^&]*)")
  for _, reference in ipairs({ name, tag and name .. "%3A" .. tag }) do
    self.made["/images/" .. reference .. "/json"] = { Id = "sha256:" .. fake_id(0) }
  end
  return 200
end

function changes.create_exec(self)
  self.last = self.last + 1
  local id = fake_id(self.last)
  self.made["/exec/" .. id .. "/json"] = { Running = false, ExitCode = 0 }
  return 201, { Id = id }
end

function changes.create(self)
  self.last = self.last + 1
  return 201, { Id = fake_id(self.last) }
end

local ROUTES = {
  { "^/containers/create$", changes.create_container },
  { "^/images/create$", changes.pull },
  { "^/containers/[^/]+/exec$", changes.create_exec },
  { "^/networks/create$", changes.create },
}

local function change(self, path, body, query)
  for _, route in ipairs(ROUTES) do
    if path:find(route[1]) then
      return route[2](self, body, query)
    end
  end
  return path:find("/start$") and path:find("^/exec/") and 200 or 204
end

local function content(body)
  if type(body) == "function" then
    local parts = {}
    for chunk in body do
      table.insert(parts, chunk)
    end
    body = table.concat(parts)
  end
  return body or ""
end

-- What is shown of a body: JSON as a value, anything else by its size.
local function decoded(headers, text)
  if text ~= "" and headers["Content-Type"] == "application/json" then
    return json.decode(text)
  end
  return nil, #text > 0 and ("(%d bytes of %s)"):format(#text, headers["Content-Type"] or "something") or nil
end

local handle = { close = function() end }

local function answer(options, status, value)
  local text = value and json.encode(value) or ""
  if options.on_head then
    options.on_head(status, {})
  end
  if options.on_data and text ~= "" then
    options.on_data(text)
  end
  options.on_done(status, {}, not options.on_data and text or nil)
  return handle
end

-- A request as host.http.request takes it.
function Dry:request(options)
  local path, query = options.url:match("^%w+://[^/]*/v%d+%.%d+(/[^?]*)%??(.*)$")
  local known = self.made[path]
  if known and options.method == "GET" then
    return answer(options, 200, known)
  elseif options.method == "GET" or not path then
    return self.real(options)
  end
  local body, size = decoded(options.headers or {}, content(options.body))
  self.show(options.method, path .. (query ~= "" and "?" .. query or ""), body, size)
  return answer(options, change(self, path, body or {}, query))
end

-- dry_run.new(request, show = function(method, path, body | nil, note | nil)) -> a function like `request`
function dry_run.new(request, show)
  local self = setmetatable({ real = request, show = show, made = {}, last = 0 }, Dry)
  return function(options)
    return self:request(options)
  end
end

return dry_run
