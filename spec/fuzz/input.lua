-- Takes an input of a fuzzer apart.
local input = {}

-- Its lines, without their ends, as an iterator.
function input.lines(bytes)
  return (bytes .. "\n"):gmatch("([^\n]*)\n")
end

-- Its first line and the rest.
function input.head(bytes)
  local line, rest = bytes:match("^([^\n]*)\n(.*)$")
  return line or bytes, rest or ""
end

-- A number that a text stands for: its decimal digits, or its first byte.
function input.number(text)
  local digits = text:match("^%d%d?%d?%d?%d?%d?")
  return math.tointeger(tonumber(digits)) or text:byte() or 0
end

-- The text in pieces of lengths that depend on the seed.
function input.pieces(text, seed)
  local pieces, at = {}, 1
  while at <= #text do
    seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
    local size = (seed >> 16) % 3 == 0 and 1 + (seed >> 8) % 7 or 1 + (seed >> 8) % 900
    pieces[#pieces + 1] = text:sub(at, at + size - 1)
    at = at + size
  end
  return pieces
end

return input
