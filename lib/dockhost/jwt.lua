-- What a JSON web token says of itself. Nothing is verified: only the main server can do that.
local base64 = require("dockhost.base64")

local jwt = {}

local LONGEST = 16 * 1024

local CLAIMS = { exp = "number", iat = "number", username = "string", _id = "string" }

local function pick(payload)
  local claims = {}
  for name, kind in pairs(CLAIMS) do
    local value = rawget(payload, name)
    if type(value) == kind and value == value then claims[name] = value end
  end
  return claims
end

-- (token, decode: function(JSON) -> value | nil) -> {exp?, iat?, username?, _id?} | nil, message. Claims of a wrong
-- type are left out.
function jwt.claims(token, decode)
  if type(token) ~= "string" or #token > LONGEST then return nil, "not a JSON web token" end
  local encoded = token:match("^[%w_-]+%.([%w_-]+)%.[%w_-]*$")
  local text = encoded and base64.decode_url(encoded)
  if not text then return nil, "not a JSON web token" end
  local called, payload = pcall(decode, text)
  if not called or type(payload) ~= "table" then return nil, "the token's payload is not a JSON object" end
  return pick(payload)
end

return jwt
