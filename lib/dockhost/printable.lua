-- Text from anywhere made safe to show on one line: what could forge a line, steer a terminal or turn the reading
-- direction is escaped.
local printable = {}

-- Line separators and the marks that reorder text around them.
local DECEPTIVE = {
  [0x061C] = true, [0x200E] = true, [0x200F] = true, [0x2028] = true, [0x2029] = true,
  [0x202A] = true, [0x202B] = true, [0x202C] = true, [0x202D] = true, [0x202E] = true,
  [0x2066] = true, [0x2067] = true, [0x2068] = true, [0x2069] = true,
}

local TEXT_NAMES = { [9] = "\\t", [10] = "\\n", [13] = "\\r" }
local JSON_NAMES = { [9] = "\\t", [10] = "\\n", [13] = "\\r", [34] = "\\\"", [92] = "\\\\" }

local function unsafe(code)
  return code < 0x20 or code >= 0x7F and code < 0xA0 or DECEPTIVE[code]
end

local function escape_text(code)
  if not unsafe(code) then return nil end
  return TEXT_NAMES[code] or (code < 0x80 and "\\x%02X" or "\\u{%X}"):format(code)
end

local function escape_quoted(code)
  if code == 34 or code == 92 then return JSON_NAMES[code] end
  return escape_text(code)
end

local function escape_json(code)
  if JSON_NAMES[code] then return JSON_NAMES[code] end
  if unsafe(code) then return ("\\u%04x"):format(code) end
end

local function invalid_text(byte)
  return ("\\x%02X"):format(byte)
end

local function invalid_json()
  return "\u{FFFD}"
end

-- utf8.offset would take stray continuation bytes for a part of the character.
local function character_at(text, position)
  if utf8.len(text, position, position) then return utf8.codepoint(text, position) end
end

local function piece_at(text, position, escape, invalid)
  local code = character_at(text, position)
  if not code then return invalid(text:byte(position)), 1 end
  local char = utf8.char(code)
  return escape(code) or char, #char
end

-- At most `limit` bytes and then "…"; plain ASCII, the common case, is not taken apart.
local function convert(text, limit, escape, invalid, special)
  if not text:find(special) then
    return #text <= limit and text or text:sub(1, limit) .. "…"
  end
  local out, size, position = {}, 0, 1
  while position <= #text do
    local piece, width = piece_at(text, position, escape, invalid)
    size = size + #piece
    if size > limit then
      out[#out + 1] = "…"
      break
    end
    out[#out + 1] = piece
    position = position + width
  end
  return table.concat(out)
end

-- All of ASCII's visible characters but the quote and the backslash. "]" can only come first.
local PLAIN_IN_QUOTES = "[^]-~ !#-[]"

-- (text, limit of bytes?) -> text
function printable.text(text, limit)
  return convert(text, limit or math.huge, escape_text, invalid_text, "[^ -~]")
end

-- (text, limit?) -> text for between double quotes
function printable.quoted(text, limit)
  return convert(text, limit or math.huge, escape_quoted, invalid_text, PLAIN_IN_QUOTES)
end

-- (text, limit?) -> text for between the quotes of a JSON string
function printable.json(text, limit)
  return convert(text, limit or math.huge, escape_json, invalid_json, PLAIN_IN_QUOTES)
end

return printable
