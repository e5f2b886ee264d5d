-- Hands what an operation's callbacks bring over to the task that waits for its end: there a script's function is under
-- the watchdog, may wait, and fails its own command alone.
local delivery = {}

local MOST_WAITING = 16 * 1024 * 1024
-- When this waits, an operation that can be held is, until all was taken.
local HOLD_WAITING = 256 * 1024
-- What a piece costs besides its bytes.
local PIECE_BYTES = 256

-- delivery.run(wait, start) -> what `done` was given. `start(push, done)` begins the operation and returns its handle,
-- or nil, message, code; its callbacks call push(bytes, fn, ...), and fn(...) is called in the task. A handle may have
-- hold(boolean), as that of host.http.
function delivery.run(wait, start)
  local pieces, first, last, bytes = {}, 1, 0, 0
  local handle, results, wake, held
  local function tell()
    if wake then
      wake()
    end
  end
  local function done(...)
    results = results or table.pack(...)
    tell()
  end
  local _ <close> = setmetatable({}, {
    __close = function()
      if handle and (not results or results.overflow) then
        handle:close()
      end
    end,
  })
  local function hold(wanted)
    if handle and handle.hold and held ~= wanted then
      held = wanted
      handle:hold(wanted)
    end
  end
  local function push(size, ...)
    bytes = bytes + size + PIECE_BYTES
    if bytes > MOST_WAITING then
      results = { nil, "it comes faster than it is taken", "too-large", n = 3, overflow = true }
      return tell()
    end
    last = last + 1
    pieces[last] = table.pack(...)
    if bytes > HOLD_WAITING then
      hold(true)
    end
    tell()
  end
  local message, code
  handle, message, code = start(function(size, ...)
    if not results then
      push(size, ...)
    end
  end, done)
  if not handle then
    return nil, message, code
  end
  while true do
    local piece = pieces[first]
    if piece then
      pieces[first] = nil
      first = first + 1
      piece[1](table.unpack(piece, 2, piece.n))
    elseif results then
      return table.unpack(results, 1, results.n)
    else
      pieces, first, last, bytes = {}, 1, 0, 0
      if held then
        hold(false)
      end
      wait(function(ready)
        wake = ready
        return function()
          handle:close()
        end
      end)
      wake = nil
    end
  end
end

return delivery
