-- The API key: from the settings, or read from its file on each connect; and what its expiry means for a person.
local json = require("dockhost.json")
local jwt = require("dockhost.jwt")

local key = {}

local MAX_FILE = 16 * 1024
local DAY = 86400

-- key.read(settings, read) -> key | nil, message. `read(path, limit)` -> text | nil, message.
function key.read(settings, read)
  if not settings.api_key_file then
    return settings.api_key
  end
  local text, message = read(settings.api_key_file, MAX_FILE)
  if not text then
    return nil, "there is no key: " .. message .. "; DOCKHOST_API_KEY_FILE names this file"
  end
  local found = text:match("^%s*(.-)%s*$")
  if found == "" or found:find("%c") then
    return nil, "the key file " .. settings.api_key_file .. " must hold the key alone, on one line"
  end
  return found
end

-- When the key expires (seconds since the epoch), or nil where it does not say.
function key.expiry(value)
  local claims = jwt.claims(value, json.decode)
  return claims and math.type(claims.exp) and claims.exp or nil
end

-- What to tell a person of the time that is left: a message and whether it is urgent, or nil.
function key.warning(expiry, now)
  if not expiry then
    return nil
  end
  local left = expiry - now
  if left <= 0 then
    return "the API key has expired: get a new one from the main server and set DOCKHOST_API_KEY", true
  elseif left <= DAY then
    return string.format("the API key expires in %d hours: get a new one from the main server", left // 3600), true
  elseif left <= 7 * DAY then
    return string.format("the API key expires in %d days: get a new one from the main server", left // DAY), false
  end
end

-- How long until the next warning is due, or nil.
function key.next_warning(expiry, now)
  if not expiry then
    return nil
  end
  for _, threshold in ipairs({ 7 * DAY, DAY, 0 }) do
    local seconds = expiry - threshold - now
    if seconds > 0 then
      return seconds
    end
  end
end

-- The name that a node takes on its machine while it serves that main server with a key: it tells nothing of the key.
-- To the server all keys of a node are one: what counts is the node's id in them.
function key.claim(value, server)
  local claims = jwt.claims(value, json.decode)
  local identity = claims and claims._id or value
  return "dockhost-key-" .. require("dockhost.sha256").hex(server .. " " .. identity):sub(1, 32)
end

return key
