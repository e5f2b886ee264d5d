-- Sees that the image of new containers is there: pulls it as the setting says, once for all who wait for it.
local images = {}

local Images = {}
Images.__index = Images

-- images.new{ docker = client, flights = task.flights(…), log = logger, progress = function(value)? } -> images
-- `progress` hears of a pull as observers.lua has it.
function images.new(options)
  return setmetatable({
    docker = options.docker,
    flights = options.flights,
    log = options.log,
    progress = options.progress or function() end,
  }, Images)
end

-- Sums the layers' progress; logs each further tenth.
local function progress_logger(self, name)
  local layers, said = {}, 0
  return function(entry)
    local detail = entry.progressDetail
    if type(detail) ~= "table" or not detail.total or entry.status ~= "Downloading" then
      return
    end
    layers[entry.id or ""] = detail
    local current, total = 0, 0
    for _, layer in pairs(layers) do
      current, total = current + (layer.current or 0), total + layer.total
    end
    self.progress({ image = name, current = current, total = total })
    local tenths = total > 0 and current * 10 // total or 0
    if tenths > said then
      said = tenths
      self.log:info("pulling " .. name, { percent = math.tointeger(tenths * 10) })
    end
  end
end

local function pull(self, name)
  self.log:info("pulling " .. name)
  self.progress({ image = name })
  local ok, message, status = self.docker:image_pull(name, progress_logger(self, name))
  if not ok then
    return nil, message, status
  end
  -- A stream that ends early and in good order is not told from a whole one.
  local found, why, code = self.docker:image_inspect(name)
  if not found then
    return nil, code == 404 and "the pull ended without it" or why, code == 404 and 500 or code
  end
  self.log:info("pulled " .. name)
  return true
end

local function missing(name, why)
  return nil, "the image " .. name .. " is not on this node" .. why .. "; `make image` builds one", 503
end

local function pull_failure(name, message, status)
  if status == 503 then
    return nil, message, 503
  end
  return missing(name, " and can't be pulled (" .. message .. ")")
end

-- images:ensure(name, policy) -> true | nil, message, status. The policies are those of DOCKHOST_PULL.
function Images:ensure(name, policy)
  if policy ~= "always" then
    local found, message, status = self.docker:image_inspect(name)
    if found then
      return true
    elseif status ~= 404 then
      return nil, message, status
    elseif policy == "never" then
      return missing(name, ", and DOCKHOST_PULL=never forbids to pull it")
    end
  end
  local ok, message, status = self.flights:run(name, function()
    local pulled, why, code = pull(self, name)
    self.progress({ image = name, ended = true, message = why })
    return pulled, why, code
  end)
  if ok then
    return true
  end
  if policy == "always" and status ~= 503 and self.docker:image_inspect(name) then
    self.log:warn("the image could not be pulled: the local one is used", { image = name, reason = message })
    return true
  end
  return pull_failure(name, message, status)
end

return images
