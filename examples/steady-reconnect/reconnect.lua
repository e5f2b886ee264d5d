-- Redials soon and steadily rather than after growing waits: for a main server of one's own, which a few nodes can't
-- overwhelm when it comes back. A refused key waits as shipped.
--
-- To adapt: change the waits. Keep the randomness, or all nodes knock at the same moment.
local SOON, SOON_TRIES, STEADY = 1, 10, 15

return function(attempt, reason)
  if reason == "refused" then
    return shadowed(attempt, reason)
  end
  local wait = attempt <= SOON_TRIES and SOON or STEADY
  return wait * (0.5 + math.random())
end
