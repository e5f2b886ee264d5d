-- Turns the host's loop until a condition came about:
--   within(2, function(done) timer.start(0.1, done) end)
-- ends when `done` is called, returns what it was given, and fails the test when that takes longer than 2 seconds, or
-- when a callback raises.
local loop = require "host.loop"
local timer = require "host.timer"

return function(seconds, body)
  local results, failure
  loop.on_error(function(traceback)
    failure = failure or traceback
    loop.stop()
  end)
  local limit = timer.start(seconds, function()
    failure = failure or ("not done within %g s"):format(seconds)
    loop.stop()
  end)
  body(function(...)
    results = results or table.pack(...)
    loop.stop()
  end)
  loop.run()
  limit:close()
  if failure then
    error(failure, 2)
  end
  return table.unpack(results, 1, results.n)
end
