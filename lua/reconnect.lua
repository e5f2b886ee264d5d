-- How long to wait before the nth try to reach the main server (`attempt`, from 1; it starts again after a minute of
-- stable connection). `reason` is "refused" for a refused key, else what ended the last connection. Seconds.
local SHORTEST, LONGEST = 1, 60
local REFUSED_SHORTEST, REFUSED_LONGEST = 60, 900

local function doubling(first, last, attempt)
  return math.min(last, first * 2.0 ^ math.min(attempt - 1, 30))
end

return function(attempt, reason)
  if reason == "refused" then
    return doubling(REFUSED_SHORTEST, REFUSED_LONGEST, attempt)
  end
  -- Full jitter: a thousand nodes that lost the same server spread evenly over the window.
  return math.random() * doubling(SHORTEST, LONGEST, attempt)
end
