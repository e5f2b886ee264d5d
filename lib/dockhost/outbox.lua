-- Replies that were ready while there was no connection. Bounded: the oldest go first. Each is given out once.
local outbox = {}

local Outbox = {}
Outbox.__index = Outbox

-- outbox.new{ limit = 256 } -> outbox
function outbox.new(options)
  return setmetatable({ limit = options.limit, replies = {} }, Outbox)
end

-- Returns the reply that had to go, or nil.
function Outbox:put(reply)
  table.insert(self.replies, reply)
  if #self.replies > self.limit then
    return table.remove(self.replies, 1)
  end
end

-- All that is kept, oldest first; the outbox is empty afterwards.
function Outbox:take()
  local replies = self.replies
  self.replies = {}
  return replies
end

return outbox
