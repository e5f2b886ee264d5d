-- Replies that were ready while there was no connection. Bounded: the oldest go first. Each is given out once.
local outbox = {}

local Outbox = {}
Outbox.__index = Outbox

-- outbox.new{ limit = of replies, bytes = of all together } -> outbox
function outbox.new(options)
  return setmetatable({ limit = options.limit, most = options.bytes, bytes = 0, replies = {} }, Outbox)
end

-- Keeps a reply of that many bytes. Returns the list of those that had to go.
function Outbox:put(reply, bytes)
  table.insert(self.replies, { reply, bytes })
  self.bytes = self.bytes + bytes
  local lost = {}
  while #self.replies > self.limit or self.bytes > self.most and self.replies[2] do
    table.insert(lost, (self:first()))
  end
  return lost
end

-- Takes the oldest out: a reply, or nil.
function Outbox:first()
  local entry = table.remove(self.replies, 1)
  if entry then
    self.bytes = self.bytes - entry[2]
    return entry[1]
  end
end

function Outbox:count()
  return #self.replies
end

return outbox
