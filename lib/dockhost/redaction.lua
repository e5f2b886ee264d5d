-- Takes secrets out of texts: each whole, and any piece of one that is long enough to be of use to somebody.
local redaction = {}

local SHORTEST_SECRET <const> = 8
local PIECE <const> = 12
-- Once known, a secret stays one: a peer may echo the key of before a reload.
local MOST_SECRETS <const> = 8
-- What is shown of a text is far shorter.
local LONGEST_TEXT <const> = 64 * 1024
local MARK <const> = "[redacted]"

local concat = table.concat

-- Every run of PIECE bytes in a secret.
local function pieces_of(secret)
  local pieces = {}
  for i = 1, #secret - PIECE + 1 do
    pieces[secret:sub(i, i + PIECE - 1)] = true
  end
  return pieces
end

local function replace_all(text, secret)
  local parts, from = {}, 1
  while true do
    local first, last = text:find(secret, from, true)
    if not first then
      break
    end
    parts[#parts + 1] = text:sub(from, first - 1) .. MARK
    from = last + 1
  end
  return from == 1 and text or concat(parts) .. text:sub(from)
end

-- Where a stretch of the word that consists of pieces ends; nil when none begins at `at`.
local function stretch_end(word, at, pieces)
  local last
  while pieces[word:sub(at, at + PIECE - 1)] do
    last, at = at + PIECE - 1, at + 1
  end
  return last
end

local function replace_pieces(word, pieces)
  local parts, from, at = {}, 1, 1
  while at <= #word - PIECE + 1 do
    local last = stretch_end(word, at, pieces)
    if last then
      parts[#parts + 1] = word:sub(from, at - 1) .. MARK
      from = last + 1
    end
    at = last and from or at + 1
  end
  return from > 1 and concat(parts) .. word:sub(from) or nil
end

local LONG_WORD <const> = ("%S"):rep(PIECE) .. "%S*"

local function redact(text, known)
  for _, secret in ipairs(known) do
    text = replace_all(text, secret.text)
    if #secret.text > PIECE then
      text = text:gsub(LONG_WORD, function(word)
        return replace_pieces(word, secret.pieces)
      end)
    end
  end
  return text
end

-- redaction.new(function() -> list of secrets, which may have holes) -> function(text) -> text
function redaction.new(secrets)
  local known, seen = {}, {}
  local function learn(secret)
    if type(secret) ~= "string" or #secret < SHORTEST_SECRET or seen[secret] then
      return
    end
    seen[secret] = true
    table.insert(known, 1, { text = secret, pieces = pieces_of(secret) })
    if #known > MOST_SECRETS then
      seen[table.remove(known).text] = nil
    end
  end
  return function(text)
    for _, secret in pairs(secrets and secrets() or {}) do
      learn(secret)
    end
    return known[1] and redact(#text > LONGEST_TEXT and text:sub(1, LONGEST_TEXT) or text, known) or text
  end
end

return redaction
