-- The two framings of the Docker Engine's streams: lines of JSON, and the multiplexed output of a container.
local docker_stream = {}

local MAX_LINE = 1024 * 1024
local MAX_FRAME = 4 * 1024 * 1024

-- Returns a function that takes chunks and calls `on_line` with each whole line, without its end. A line that grows
-- past 1 MiB is dropped.
function docker_stream.lines(on_line)
  local rest = ""
  return function(chunk)
    rest = rest .. chunk
    local from = 1
    while true do
      local at = rest:find("\n", from, true)
      if not at then
        break
      end
      local line = rest:sub(from, at - 1):gsub("\r$", "")
      from = at + 1
      if line ~= "" then
        on_line(line)
      end
    end
    rest = rest:sub(from)
    if #rest > MAX_LINE then
      rest = ""
    end
  end
end

-- Takes the frames of a container's output apart (Engine API, "ContainerAttach", stream format): returns the text of
-- both streams in order. A container with a terminal sends no frames: pass `tty`.
function docker_stream.demultiplex(body, tty)
  if tty then
    return body
  end
  local parts, at = {}, 1
  while at + 7 <= #body do
    local kind, size = string.unpack(">Bxxx I4", body, at)
    if kind > 2 or size > MAX_FRAME then
      return nil, "Docker sent a malformed log stream"
    end
    parts[#parts + 1] = body:sub(at + 8, at + 7 + size)
    at = at + 8 + size
  end
  return table.concat(parts)
end

return docker_stream
