-- Seeded random damage to a text, for specs of parsers: the same seed always makes the same texts.
local mutate = {}

local function insert(text, position, random)
  return text:sub(1, position - 1) .. string.char(random(0, 255)) .. text:sub(position)
end

local function remove(text, position)
  return text:sub(1, position - 1) .. text:sub(position + 1)
end

local function replace(text, position, random)
  return text:sub(1, position - 1) .. string.char(random(0, 255)) .. text:sub(position + 1)
end

local function truncate(text, position)
  return text:sub(1, position - 1)
end

local function double(text, position)
  return text:sub(1, position) .. text:sub(position)
end

local KINDS = { insert, remove, replace, truncate, double }

-- mutate.each(texts, count, fn): calls fn(mutant, original) for `count` mutants, each damaged one to four times.
function mutate.each(texts, count, fn)
  math.randomseed(20261124)
  for _ = 1, count do
    local original = texts[math.random(#texts)]
    local mutant = original
    for _ = 1, math.random(4) do
      mutant = KINDS[math.random(#KINDS)](mutant, math.random(#mutant + 1), math.random)
    end
    fn(mutant, original)
  end
end

return mutate
