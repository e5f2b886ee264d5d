-- The secret that opens the console: made once, kept in the state directory.
local sha256 = require("dockhost.sha256")

local token = {}

token.FILE = "console-token"

-- (host.file, state directory) -> token | nil, message. The file is the user's alone, and its id is 128 random bits.
function token.load(file, state)
  local lock, message = file.lock(state .. "/" .. token.FILE)
  if not lock then
    return nil, message
  end
  local text, why = lock:id()
  lock:close()
  return text, why
end

-- What a cookie holds in its place. A browser sends a cookie to all ports of a host, where users' containers listen:
-- what they catch is of use from the browser's own address alone, and does not tell the token.
function token.of_peer(own, peer)
  return sha256.hex(own .. " " .. peer)
end

-- Whether the two are the same; how long that takes tells nothing of where they differ.
function token.equal(given, own)
  local difference = #given ~ #own
  for i = 1, #own do
    difference = difference | ((given:byte(i) or 0) ~ own:byte(i))
  end
  return difference == 0
end

return token
