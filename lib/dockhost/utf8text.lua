-- Keeps text valid UTF-8. Lua's own utf8.len is the judge: it refuses surrogates, overlong forms and code points past
-- U+10FFFF.
local utf8text = {}

local len = utf8.len
local REPLACEMENT <const> = "\u{FFFD}"

-- (text) -> boolean
function utf8text.valid(text)
  return len(text) ~= nil
end

-- (text) -> text with each byte that belongs to no character replaced by U+FFFD
function utf8text.repair(text)
  local count, bad = len(text)
  if count then
    return text
  end
  local parts, from = {}, 1
  while not count do
    parts[#parts + 1] = text:sub(from, bad - 1)
    from = bad + 1
    count, bad = len(text, from)
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts, REPLACEMENT)
end

return utf8text
