-- A bar on a terminal for what takes long. It is the last line of stderr: log lines are written above it.
local text = require("dockhost.text")
local printable = require("dockhost.printable")

local progress = {}

local WIDTH = 24
local CLEAR_LINE = "\r\27[K"
-- More often is more than an eye sees.
local LEAST_SECONDS = 0.1

local function bar(current, total)
  local filled = math.min(WIDTH, math.floor(WIDTH * current / total))
  return "[" .. ("█"):rep(filled) .. ("░"):rep(WIDTH - filled) .. "]"
end

-- (label, current, total) -> "label [████░░░░] 41 %  12 MB of 29 MB"; without a known total what is there so far
function progress.line(label, current, total)
  label = printable.text(label, 48)
  if not total or total <= 0 then
    return label .. " …" .. (current and current > 0 and " " .. text.bytes(current) or "")
  end
  local percent = math.min(100, current * 100 // total)
  return ("%s %s %d %%  %s of %s"):format(label, bar(current, total), percent, text.bytes(current), text.bytes(total))
end

-- (app) -> function(value) that shows what observers hear of a pull, on a terminal; elsewhere the log tells of it
function progress.of_pulls(app)
  if not app.host.process.isatty(2) then
    return function() end
  end
  local last = -math.huge
  return function(value)
    local now = app.host.loop.now()
    if value.ended then
      app.bar = nil
      io.stderr:write(CLEAR_LINE)
    elseif now - last >= LEAST_SECONDS or not value.current then
      last = now
      app.bar = progress.line("pulling " .. value.image, value.current, value.total)
      io.stderr:write(CLEAR_LINE, app.bar)
    end
    io.stderr:flush()
  end
end

-- (app, write) -> function(line) that writes a line of the log above the bar
function progress.above(app, write)
  return function(line)
    if not app.bar then
      return write(line)
    end
    io.stderr:write(CLEAR_LINE)
    io.stderr:flush()
    write(line)
    io.stderr:write(app.bar)
    io.stderr:flush()
  end
end

return progress
