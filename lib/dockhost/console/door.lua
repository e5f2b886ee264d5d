-- Who may pass: requests of the console's own page, and of those who have the token.
local address = require("dockhost.console.address")
local request = require("dockhost.console.request")
local token = require("dockhost.console.token")

local door = {}

-- Whether the page of another site sent it. Only a person who follows a link to the page itself comes from elsewhere.
local function is_foreign(exchange, route)
  local site = exchange:header("sec-fetch-site")
  return site ~= nil and site ~= "same-origin" and site ~= "none" and not route.entrance
end

-- door.admit(exchange, route, listener) -> true | nil, status, message: what can be told without the token. `route`:
-- `open` is for all, `entrance` is the page that links lead to.
function door.admit(exchange, route, listener)
  local host = exchange:header("host") or ""
  if not address.is_own(listener, host) and not (route.open and address.is_numeric(host)) then
    return nil, 421, "this console is at " .. address.url(listener) .. " and answers to no other name"
  end
  local origin = exchange:header("origin")
  if origin and origin:lower() ~= "http://" .. host:lower() then
    return nil, 403, "requests of other sites are refused"
  elseif is_foreign(exchange, route) then
    return nil, 403, "requests of other sites are refused"
  end
  return true
end

-- Whether it shows the token, by its cookie or, as scripts do, itself.
function door.knows(exchange, own, port)
  local cookie = request.cookie(exchange:header("cookie"), request.cookie_name(port))
  local bearer = request.bearer(exchange:header("authorization"))
  if not own then
    return false
  end
  return cookie ~= nil and token.equal(cookie, token.of_peer(own, exchange:peer()))
    or bearer ~= nil and token.equal(bearer, own)
end

return door
