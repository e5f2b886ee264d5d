-- Docker may have done what it never answered: before a command says that it failed, Docker is asked how things are.
local lost_answer = {}

-- A daemon that was killed is back by then, and one that was cut off has finished.
local SECONDS = 10

-- Waits until `is_so(inspected)` holds for the container; `inspected` is nil where it is gone. Returns true, or nil
-- where that did not come to be known.
function lost_answer.settled(ctx, id, is_so)
  return (ctx.hold(SECONDS, function()
    local inspected, message, status = ctx.docker:container_inspect(id)
    if (inspected or status == 404) and is_so(inspected) then
      return true
    end
    return nil, message, 503
  end))
end

return lost_answer
