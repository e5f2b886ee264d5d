-- Tells the others of this machine which key serves here, without telling the key: the main server forgets a node when
-- any connection of its key ends, so nobody may dial with it beside.
local key = require("dockhost.key")

local claiming = {}

local BUSY = "another dockhost of this machine serves with the same key: the main server forgets a node when another "
  .. "connection of its key ends, so give each node a key of its own"

-- Claims the key of each connection that the main server accepts.
function claiming.start(app)
  local claim, claimed
  app.node.observers:add(function(topic, value)
    if topic ~= "connection" or value.event ~= "accepted" then
      return
    end
    local name = key.claim(app.node.connection.key, app.node.settings.server.text)
    if name == claimed then
      return
    end
    if claim then
      claim:close()
    end
    local message, code
    claim, message, code = app.host.claim.take(name)
    claimed = claim and name
    if code == "busy" then
      app.log:warn(BUSY)
    elseif not claim then
      app.log:debug("the key can't be claimed on this machine: " .. message)
    end
  end)
end

return claiming
