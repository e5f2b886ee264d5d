-- Keeps text valid UTF-8. Lua's own utf8.len is the judge: it refuses surrogates, overlong forms and code points past
-- U+10FFFF.
local utf8text = {}

local concat, len, sub = table.concat, utf8.len, string.sub
local REPLACEMENT <const> = "\u{FFFD}"
-- What is no part of a character, whatever stands around it.
local NEVER <const> = "[\xC0\xC1\xF5-\xFF]"
local BATCH <const> = 4096

-- (text) -> boolean
function utf8text.valid(text)
  return len(text) ~= nil
end

-- Rows of bad bytes are replaced at once, and what is finished is put together in batches: a text of rubbish would take
-- many times its size.
local function replace_rows(text)
  local whole, parts, from = {}, {}, 1
  local count, bad = len(text)
  while not count do
    local first, last = bad, bad - 1
    repeat
      last = last + 1
      count, bad = len(text, last + 1)
    until count or bad ~= last + 1
    parts[#parts + 1] = sub(text, from, first - 1) .. REPLACEMENT:rep(last - first + 1)
    from = last + 1
    if #parts == BATCH then
      whole[#whole + 1], parts = concat(parts), {}
    end
  end
  return concat(whole) .. concat(parts) .. sub(text, from)
end

-- (text) -> text with each byte that belongs to no character replaced by U+FFFD
function utf8text.repair(text)
  if len(text) then
    return text
  end
  return replace_rows((text:gsub(NEVER, REPLACEMENT)))
end

return utf8text
