-- Image references as Docker's grammar has them: [domain/]path[:tag][@digest].
local image_name = {}

local LONGEST_NAME = 255

local function is_domain(word)
  return word:find("[.:]") or word == "localhost"
end

local function check_domain(domain)
  local host = domain:gsub(":%d+$", "")
  for part in (host .. "."):gmatch("(.-)%.") do
    if not part:find("^%w[%w-]*$") or part:find("%-$") then return nil, "has a malformed registry name" end
  end
  return true
end

-- Letters and digits, parted by one of "." "_" "__" or any number of "-".
local function check_component(component)
  if component:find("%u") then return nil, "has capital letters: a repository's name has none" end
  local position = 1
  while true do
    local last = select(2, component:find("^[a-z0-9]+", position))
    if not last then return nil, "is not an image's name" end
    if last == #component then return true end
    local _, parted = component:find("^%-+", last + 1)
    if not parted then _, parted = component:find("^__?", last + 1) end
    if not parted then _, parted = component:find("^%.", last + 1) end
    if not parted then return nil, "is not an image's name" end
    position = parted + 1
  end
end

local function check_path(path)
  for component in (path .. "/"):gmatch("(.-)/") do
    local ok, message = check_component(component)
    if not ok then return nil, message end
  end
  return true
end

local function check_name(name)
  if #name > LONGEST_NAME then return nil, "is longer than " .. LONGEST_NAME .. " bytes" end
  if #name == 64 and not name:find("[^0-9a-f]") then return nil, "is an id: a name is needed" end
  local domain, path = name:match("^([^/]*)/(.*)$")
  if not domain or not is_domain(domain) then return check_path(name) end
  local ok, message = check_domain(domain)
  if not ok then return nil, message end
  return check_path(path)
end

local function check_digest(digest)
  local hex = digest:match("^%a%w*:(%x+)$")
  return hex and #hex >= 32
end

-- A ":" after the last "/" begins the tag; one before it, a registry's port.
local function split_tag(text)
  local name, tag = text:match("^(.*):([^/:]*)$")
  if name then return name, tag end
  return text, nil
end

-- (text) -> text | nil, message
function image_name.check(text)
  if text:find("%s") then return nil, "has spaces" end
  local rest, digest = text:match("^([^@]*)@(.*)$")
  if digest and not check_digest(digest) then return nil, "has a malformed digest" end
  local name, tag = split_tag(rest or text)
  if tag and not (tag:find("^[%w_][%w_.-]*$") and #tag <= 128) then return nil, "has a malformed tag" end
  local ok, message = check_name(name)
  if not ok then return nil, message end
  return text
end

return image_name
