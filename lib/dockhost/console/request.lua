-- What a request says: the parts of its target, its cookies and the token that it shows. Anybody may send these texts,
-- of up to 16 KiB: no pattern here goes over one again and again.
local request = {}

-- (text) -> the text that its percent escapes stand for | nil when one is malformed
function request.unescape(text)
  if text:gsub("%%%x%x", ""):find("%", 1, true) then
    return nil
  end
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function query_of(text)
  local query = {}
  for pair in text:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    name, value = request.unescape(name), request.unescape((value:gsub("+", " ")))
    if name and value then
      query[name] = value
    end
  end
  return query
end

-- ("/a?b=c") -> "/a", { b = "c" } | nil. The path keeps its escapes.
function request.target(text)
  if text:sub(1, 1) ~= "/" or text:find("#", 1, true) then
    return nil
  end
  local mark = text:find("?", 1, true)
  return text:sub(1, (mark or 0) - 1), query_of(mark and text:sub(mark + 1) or "")
end

-- The value of the cookie of that name in a Cookie header.
function request.cookie(header, name)
  for pair in (header or ""):gmatch("[^;]+") do
    local key, value = pair:match("^%s*([^=%s]+)%s*=(.*)$")
    if key == name then
      return value:match("%S+") or ""
    end
  end
end

-- The token of an Authorization header.
function request.bearer(header)
  return (header or ""):match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+) *$")
end

-- The cookies of a host name are shared by all its ports, on which other consoles may be.
function request.cookie_name(port)
  return "dockhost-" .. port
end

-- Whether a Content-Type header means JSON.
function request.is_json(header)
  return (header or ""):lower():find("^%s*application/json%s*$") ~= nil
    or (header or ""):lower():find("^%s*application/json%s*;") ~= nil
end

return request
