-- Which debug lines are wanted, in the syntax of npm's `debug`: "dockhost:*,-dockhost:ws".
local debug_filter = {}

local STAR = ("*"):byte()

-- Matches without recursion: on a mismatch the last star takes one character more.
local function matches(name, pattern)
  local n, p, star, mark = 1, 1, nil, nil
  while n <= #name do
    if pattern:byte(p) == STAR then
      star, mark, p = p, n, p + 1
    elseif pattern:byte(p) == name:byte(n) then
      n, p = n + 1, p + 1
    elseif star then
      mark = mark + 1
      n, p = mark, star + 1
    else
      return false
    end
  end
  return not pattern:find("[^*]", p)
end

local function any_matches(name, patterns)
  for _, pattern in ipairs(patterns) do
    if matches(name, pattern) then return true end
  end
  return false
end

-- (pattern | nil) -> function(name) -> boolean
function debug_filter.new(pattern)
  local wanted, excluded = {}, {}
  for word in (pattern or ""):gmatch("[^%s,]+") do
    local negated = word:match("^%-(.+)$")
    local list = negated and excluded or wanted
    list[#list + 1] = negated or word
  end
  return function(name)
    return any_matches(name, wanted) and not any_matches(name, excluded)
  end
end

return debug_filter
