-- Tells what happens to this node to those who watch it: the metrics and the console. A fault of one harms nobody else.
--
-- | topic        | value                                                                                    |
-- |--------------|------------------------------------------------------------------------------------------|
-- | `command`    | `{ id, event, user?, source?, began }`, at its end also `status, success, message, seconds` |
-- | `call`       | `{ method, path, status, seconds }`: an answer of Docker's; status 503 stands for none      |
-- | `docker`     | `{ up, message? }`: Docker went away or came back                                          |
-- | `container`  | `{ user, action }`: an event of Docker's about a container of ours                         |
-- | `connection` | `{ state, event?, code?, message? }`: what Connection.status has more of                   |
-- | `pull`       | `{ image, current?, total?, ended?, message? }`: bytes; `message` when it failed           |
-- | `scripts`    | `{ loaded }`: whether a reload was taken                                                   |
--
-- `began` is wall-clock time. A value is shared: who keeps it copies it.
local observers = {}

local Observers = {}
Observers.__index = Observers

-- observers.new(log) -> observers
function observers.new(log)
  return setmetatable({ list = {}, log = log }, Observers)
end

-- Calls `fn(topic, value)` with all that happens from now on, until the returned function is called.
function Observers:add(fn)
  local observer = { fn = fn }
  local list = table.move(self.list, 1, #self.list, 1, {})
  table.insert(list, observer)
  self.list = list
  return function()
    local rest = {}
    for _, other in ipairs(self.list) do
      if other ~= observer then
        table.insert(rest, other)
      end
    end
    self.list = rest
  end
end

function Observers:tell(topic, value)
  for _, observer in ipairs(self.list) do
    local ok, why = pcall(observer.fn, topic, value)
    if not ok then
      self.log:error("an observer failed", { topic = topic, reason = tostring(why) })
    end
  end
end

return observers
