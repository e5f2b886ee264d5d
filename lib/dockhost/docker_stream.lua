-- The two framings of the Docker Engine's streams: lines of JSON, and the multiplexed output of a container.
local docker_stream = {}

local MAX_LINE = 1024 * 1024
local MAX_FRAME = 4 * 1024 * 1024

-- Returns a function that takes chunks and calls `on_line` with each whole line, without its end. A line of more than
-- 1 MiB is dropped. The pieces of a line are joined once, at its end, however small they come.
function docker_stream.lines(on_line)
  local pieces, size = {}, 0
  local function keep(piece)
    size = size + #piece
    if size > MAX_LINE then
      pieces = {}
    elseif piece ~= "" then
      pieces[#pieces + 1] = piece
    end
  end
  local function finish()
    local line = table.concat(pieces):gsub("\r$", "")
    pieces, size = {}, 0
    if line ~= "" then
      on_line(line)
    end
  end
  return function(chunk)
    local from = 1
    local at = chunk:find("\n", 1, true)
    while at do
      keep(chunk:sub(from, at - 1))
      finish()
      from, at = at + 1, chunk:find("\n", at + 1, true)
    end
    keep(chunk:sub(from))
  end
end

-- Takes the frames of a container's output apart (Engine API, "ContainerAttach", stream format): returns a function
-- that takes chunks and gives the text of both streams to `on_text(text, 1 for stdout | 2 for stderr)`, in order. It
-- returns false from where on the stream is malformed, else true. A container with a terminal sends no frames.
function docker_stream.frames(on_text)
  local header, left, sound, kind = "", 0, true, nil
  local function take_header(chunk, at)
    local piece = chunk:sub(at, at + 7 - #header)
    header = header .. piece
    if #header == 8 then
      kind, left = string.unpack(">Bxxx I4", header)
      header, sound = "", kind <= 2 and left <= MAX_FRAME
    end
    return at + #piece
  end
  return function(chunk)
    local at = 1
    while sound and at <= #chunk do
      if left == 0 then
        at = take_header(chunk, at)
      else
        local piece = chunk:sub(at, at + left - 1)
        on_text(piece, kind)
        at, left = at + #piece, left - #piece
      end
    end
    return sound
  end
end

-- Keeps the end of a text: returns a function that adds a piece, and one that returns the last `limit` bytes, without
-- the rest of a line that is cut.
function docker_stream.ending(limit)
  local parts, size, cut = {}, 0, false
  local function shorten()
    local text = table.concat(parts)
    if #text > limit then
      text, cut = text:sub(-limit), true
    end
    parts, size = { text }, #text
    return text
  end
  local function add(piece)
    parts[#parts + 1] = piece
    size = size + #piece
    if size > 2 * limit then
      shorten()
    end
  end
  return add, function()
    local text = shorten()
    return cut and text:gsub("^[^\n]*\n", "") or text
  end
end

return docker_stream
