-- New containers are made in opening hours alone. The refusal is a 503, on which a main server tries its next node.
--
-- To adapt: change the hours (the node's local time; from 20 to 6 is the night), or save the file under the name of
-- another command that should keep them, such as start-container.
local OPENS, CLOSES = 8, 20

local run = shadowed.run

local function is_open(hour)
  if OPENS <= CLOSES then
    return hour >= OPENS and hour < CLOSES
  end
  return hour >= OPENS or hour < CLOSES
end

function shadowed.run(params, ctx)
  if not is_open(os.date("*t", math.floor(ctx.time())).hour) then
    return nil, ("this node is open from %d to %d o'clock"):format(OPENS, CLOSES), 503
  end
  return run(params, ctx)
end

return shadowed
