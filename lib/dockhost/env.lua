-- The syntax of .env files.
local trim = require("dockhost.text").trim

local env = {}

local LONGEST = 64 * 1024
local MOST_PROBLEMS = 20

local ESCAPES = { n = "\n", ['"'] = '"', ["\\"] = "\\" }

-- Nothing but white space or a comment may follow a closing quote.
local function ends_well(rest)
  return rest:find("^%s*$") or rest:find("^%s+#")
end

local function single_quoted(text)
  local value, rest = text:match("^'([^']*)'(.*)$")
  if not value then return nil, "the quote ' is not closed on this line" end
  if not ends_well(rest) then return nil, "there is text after the closing quote" end
  return value
end

local function closing_quote(text)
  local position = 2
  while position <= #text do
    local char = text:sub(position, position)
    if char == '"' then return position end
    position = position + (char == "\\" and 2 or 1)
  end
end

local function double_quoted(text)
  local last = closing_quote(text)
  if not last then return nil, 'the quote " is not closed on this line' end
  if not ends_well(text:sub(last + 1)) then return nil, "there is text after the closing quote" end
  return (text:sub(2, last - 1):gsub("\\(.)", ESCAPES))
end

-- `text` begins right after the "=", so that a comment is one only after white space.
local function unquoted(text)
  return trim((text:gsub("%s#.*$", "")))
end

local function parse_value(text)
  local first = text:match("^%s*(['\"])")
  if first == "'" then return single_quoted(text:match("^%s*(.*)$")) end
  if first == '"' then return double_quoted(text:match("^%s*(.*)$")) end
  return unquoted(text)
end

local function parse_line(line)
  local name, text = line:match("^%s*export%s+([%a_][%w_.-]*)%s*=(.*)$")
  if not name then name, text = line:match("^%s*([%a_][%w_.-]*)%s*=(.*)$") end
  if not name then return nil, "not a line like NAME=value" end
  local value, message = parse_value(text)
  if not value then return nil, name .. ": " .. message end
  return name, value
end

local function skipped(line)
  return line:find("^%s*$") or line:find("^%s*#")
end

-- (text) -> table of name -> value, list of {line=, message=}. The last of equal names wins; messages repeat no value.
function env.parse(text)
  if type(text) ~= "string" then return {}, { { line = 1, message = "there is no text" } } end
  if #text > LONGEST then return {}, { { line = 1, message = "the file is larger than 64 KiB" } } end
  local values, problems, number = {}, {}, 0
  for line in text:gsub("^\u{FEFF}", ""):gmatch("[^\n]*") do
    number = number + 1
    line = line:gsub("\r$", "")
    if not skipped(line) then
      local name, value = parse_line(line)
      if name then
        values[name] = value
      elseif #problems < MOST_PROBLEMS then
        problems[#problems + 1] = { line = number, message = value }
      end
    end
  end
  return values, problems
end

return env
