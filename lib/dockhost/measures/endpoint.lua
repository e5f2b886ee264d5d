-- Which endpoint of Docker's API a path is of: "/v1.41/containers/ada/json?size=1" is "/containers/{id}/json". What is
-- none that is known is "other": scripts may ask for any path.
local OTHER = require("dockhost.metrics").OTHER

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do
    found[word] = true
  end
  return found
end

local SINGLE = set("version info events _ping")
-- What follows the name of a collection and is no id, and what follows an id.
local COLLECTIONS = {
  containers = {
    id = "{id}",
    words = set("json create prune"),
    actions = set("json start stop restart kill pause unpause rename update wait logs stats top archive exec changes"),
  },
  distribution = { id = "{name}", words = {}, actions = set("json") },
  exec = { id = "{id}", words = {}, actions = set("start json") },
  images = { id = "{name}", words = set("json create search prune"), actions = set("json history tag push") },
  networks = { id = "{id}", words = set("create prune"), actions = set("connect disconnect") },
  volumes = { id = "{name}", words = set("create prune"), actions = {} },
}

local function template(first, second, action)
  local collection = COLLECTIONS[first]
  if not second then
    return (SINGLE[first] or collection) and "/" .. first or OTHER
  elseif not collection then
    return OTHER
  elseif not action then
    return "/" .. first .. "/" .. (collection.words[second] and second or collection.id)
  end
  return collection.actions[action] and "/" .. first .. "/" .. collection.id .. "/" .. action or OTHER
end

-- (path, with the API's version and a query or without) -> template
return function(path)
  local plain = path:gsub("%?.*$", ""):gsub("^/v%d+%.%d+/", "/")
  local first, second, action, rest = plain:match("^/([^/]+)/?([^/]*)/?([^/]*)(.*)$")
  if not first or rest ~= "" then
    return OTHER
  end
  return template(first, second ~= "" and second or nil, action ~= "" and action or nil)
end
