-- Small helpers that shape text for people.
local printable = require("dockhost.printable")

local text = {}

-- (text) -> text without white space around it. One pattern for both ends would take quadratic time.
function text.trim(value)
  return value:match("^.*%S", (value:match("^%s*()"))) or ""
end

local UNITS = { "kB", "MB", "GB", "TB", "PB", "EB" }

-- (bytes) -> "92 MB"; below ten of a unit with one decimal, as Docker shows sizes.
function text.bytes(n)
  if n < 1000 then return ("%d B"):format(math.max(0, math.floor(n))) end
  local unit = 0
  -- What would be rounded to "1000 kB" is one of the next unit.
  while n >= 999.5 and unit < #UNITS do
    n, unit = n / 1000, unit + 1
  end
  return (n < 9.95 and "%.1f %s" or "%.0f %s"):format(n, UNITS[unit])
end

local LONGEST_WORD = 64

-- Edit distance in which swapping two neighbours is one edit.
local function distance(a, b)
  local rows = { [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    local row, last = { [0] = i }, rows[i - 1]
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], rows[i - 2][j - 2] + 1)
      end
    end
    rows[i] = row
  end
  return rows[#a][#b]
end

local function begins(longer, shorter)
  return #shorter >= 3 and longer:sub(1, #shorter) == shorter
end

-- (word, list) -> the word of the list that was probably meant | nil
function text.closest(word, list)
  if #word > LONGEST_WORD then return nil end
  word = word:lower()
  local best, least = nil, math.max(1, #word // 3) + 1
  for _, candidate in ipairs(list) do
    local other = candidate:lower()
    local edits = distance(word, other)
    if begins(other, word) or begins(word, other) then edits = math.min(edits, 1) end
    if edits < least then best, least = candidate, edits end
  end
  return best
end

local function cell(value)
  return value == nil and "" or printable.text(tostring(value))
end

local function widths_of(rows, count)
  local widths = {}
  for column = 1, count do
    widths[column] = 0
    for _, row in ipairs(rows) do
      widths[column] = math.max(widths[column], utf8.len(cell(row[column])))
    end
  end
  return widths
end

local function line_of(row, widths)
  local cells = {}
  for column, width in ipairs(widths) do
    local shown = cell(row[column])
    cells[column] = shown .. (" "):rep(width - utf8.len(shown))
  end
  return (table.concat(cells, "  "):match("^.*[^ ]") or "") .. "\n"
end

-- (rows) -> lines with aligned columns; the first row tells how many there are.
function text.columns(rows)
  if #rows == 0 then return "" end
  local widths, lines = widths_of(rows, #rows[1]), {}
  for i, row in ipairs(rows) do lines[i] = line_of(row, widths) end
  return table.concat(lines)
end

return text
