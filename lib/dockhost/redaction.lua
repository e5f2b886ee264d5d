-- Takes secrets out of texts: each whole, and any piece of one that is long enough to be of use to somebody.
local redaction = {}

local SHORTEST_SECRET <const> = 8
local PIECE <const> = 12
-- Any piece holds one of these whole, and so does a shorter secret.
local BLOCK <const> = 6
-- Once known, a secret stays one: a peer may echo the key of before a reload.
local MOST_SECRETS <const> = 8
-- What is shown of a text is far shorter.
local LONGEST_TEXT <const> = 64 * 1024
local MARK <const> = "[redacted]"

local concat, find = table.concat, string.find

-- Every run of PIECE bytes in a secret.
local function pieces_of(secret)
  local pieces = {}
  for i = 1, #secret - PIECE + 1 do
    pieces[secret:sub(i, i + PIECE - 1)] = true
  end
  return pieces
end

-- A secret cut into blocks, one behind the other.
local function blocks_of(secret)
  local blocks = {}
  for i = 1, #secret - BLOCK + 1, BLOCK do
    blocks[#blocks + 1] = secret:sub(i, i + BLOCK - 1)
  end
  return blocks
end

-- False when nothing of the secret is in the text, as is nearly always so: a look at its blocks costs little.
local function may_hold(text, secret)
  for _, block in ipairs(secret.blocks) do
    if find(text, block, 1, true) then
      return true
    end
  end
  return false
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
    if may_hold(text, secret) then
      text = replace_all(text, secret.text)
      if #secret.text > PIECE then
        text = text:gsub(LONG_WORD, function(word)
          return replace_pieces(word, secret.pieces)
        end)
      end
    end
  end
  return text
end

-- redaction.new(function() -> list of secrets, which may have holes) -> function(text) -> text. The secrets are asked
-- for with each text that could hold one.
function redaction.new(secrets)
  local known, seen = {}, {}
  local function learn(secret)
    if type(secret) ~= "string" or #secret < SHORTEST_SECRET or seen[secret] then
      return
    end
    seen[secret] = true
    table.insert(known, 1, { text = secret, pieces = pieces_of(secret), blocks = blocks_of(secret) })
    if #known > MOST_SECRETS then
      seen[table.remove(known).text] = nil
    end
  end
  return function(text)
    if #text < SHORTEST_SECRET then
      return text
    end
    for _, secret in pairs(secrets and secrets() or {}) do
      learn(secret)
    end
    return known[1] and redact(#text > LONGEST_TEXT and text:sub(1, LONGEST_TEXT) or text, known) or text
  end
end

return redaction
