-- What scripts remember from one command to the next, and across reloads; not across a restart. Values are kept as
-- JSON, so that no script holds a part of another's.
local json = require("dockhost.json")

local store = {}

local MAX_KEY <const> = 256
local MAX_BYTES <const> = 1024 * 1024

local Store = {}
Store.__index = Store

-- store.new() -> store, whose methods are `ctx.store`'s
function store.new()
  return setmetatable({ texts = {}, bytes = 0 }, Store)
end

local function check_key(key)
  if type(key) ~= "string" or key == "" or #key > MAX_KEY then
    error("a key of the store is a text of 1 to " .. MAX_KEY .. " bytes", 3)
  end
end

local function size(key, text)
  return text and #key + #text or 0
end

-- (key) -> value | nil
function Store:get(key)
  check_key(key)
  local text = self.texts[key]
  return text and json.decode(text)
end

-- Keeps a value, which must be of JSON's kinds; nil forgets the key. Returns true, or nil and why not.
function Store:set(key, value)
  check_key(key)
  local text, message
  if value ~= nil then
    text, message = json.encode(value)
    if not text then
      return nil, message
    end
  end
  local bytes = self.bytes - size(key, self.texts[key]) + size(key, text)
  if bytes > MAX_BYTES then
    return nil, "the store is full: it holds 1 MiB"
  end
  self.texts[key], self.bytes = text, bytes
  return true
end

-- The keys that begin with `prefix`, sorted.
function Store:keys(prefix)
  prefix = prefix or ""
  local keys = {}
  for key in pairs(self.texts) do
    if key:sub(1, #prefix) == prefix then
      table.insert(keys, key)
    end
  end
  table.sort(keys)
  return keys
end

return store
