-- Strict base64 (RFC 4648): what two decoders could read differently is refused.
local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

local function digits_of(alphabet)
  local values = {}
  for i = 1, #alphabet do values[alphabet:byte(i)] = i - 1 end
  return values
end

local STANDARD = digits_of(ALPHABET .. "+/")
local URL_SAFE = digits_of(ALPHABET .. "-_")

-- The last group of two or three digits; bits that make no byte must be zero.
local function decode_tail(values, text, first)
  local a, b, c = text:byte(first, -1)
  a, b = values[a], values[b]
  if not (a and b) then return nil end
  if not c then return b & 15 == 0 and string.char(a << 2 | b >> 4) or nil end
  c = values[c]
  if not c or c & 3 ~= 0 then return nil end
  return string.char(a << 2 | b >> 4, (b & 15) << 4 | c >> 2)
end

local function decode_digits(values, text)
  local out, whole = {}, #text - #text % 4
  for i = 1, whole, 4 do
    local a, b, c, d = text:byte(i, i + 3)
    a, b, c, d = values[a], values[b], values[c], values[d]
    if not (a and b and c and d) then return nil end
    out[#out + 1] = string.char(a << 2 | b >> 4, (b & 15) << 4 | c >> 2, (c & 3) << 6 | d)
  end
  if whole < #text then
    local tail = decode_tail(values, text, whole + 1)
    if not tail then return nil end
    out[#out + 1] = tail
  end
  return table.concat(out)
end

-- (text) -> bytes | nil: the standard alphabet, padded.
function base64.decode(text)
  if type(text) ~= "string" or #text % 4 ~= 0 then return nil end
  local digits = text:gsub("==?$", "")
  if #text - #digits ~= -#digits % 4 then return nil end
  return decode_digits(STANDARD, digits)
end

-- (text) -> bytes | nil: the URL-safe alphabet, without padding.
function base64.decode_url(text)
  if type(text) ~= "string" then return nil end
  return decode_digits(URL_SAFE, text)
end

local function digit(value)
  return string.char((ALPHABET .. "+/"):byte(value + 1))
end

-- (bytes) -> text: the standard alphabet, padded.
function base64.encode(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local group = a << 16 | (b or 0) << 8 | (c or 0)
    out[#out + 1] = digit(group >> 18) .. digit(group >> 12 & 63)
      .. (b and digit(group >> 6 & 63) or "=") .. (c and digit(group & 63) or "=")
  end
  return table.concat(out)
end

return base64
