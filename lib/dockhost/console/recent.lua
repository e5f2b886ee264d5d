-- The last commands and the last lines of the log, bounded in number and size. Lines are kept as the JSON that is sent.
local json = require("dockhost.json")

local recent = {}

local MOST_COMMANDS = 50
local MOST_LINES, MOST_LINE_BYTES = 200, 128 * 1024
local LONGEST_MESSAGE, LONGEST_VALUE, MOST_FIELDS = 1024, 256, 16

local Recent = {}
Recent.__index = Recent

-- recent.new(redact = function(text) -> text) -> recent
function recent.new(redact)
  return setmetatable({ redact = redact, commands = {}, lines = {}, first = 1, last = 0, bytes = 0 }, Recent)
end

-- At most `limit` bytes, and no part of a character.
local function cut(text, limit)
  if #text <= limit then
    return text
  end
  return text:sub(1, limit):gsub("[\xC0-\xFF]?[\x80-\xBF]*$", "") .. "…"
end

local function shown(self, text, limit)
  return type(text) == "string" and cut(self.redact(text), limit) or nil
end

local function index_of(self, id)
  for i, entry in ipairs(self.commands) do
    if entry.id == id then
      return i
    end
  end
end

-- Takes what observers hear of a command. Returns its entry, as JSON.
function Recent:command(value)
  local entry = {
    id = value.id,
    event = shown(self, value.event, LONGEST_VALUE),
    user = shown(self, value.user, LONGEST_VALUE),
    startedAt = value.began,
    ms = value.seconds and math.floor(value.seconds * 1000 + 0.5) or json.null,
    status = value.status,
    success = value.success,
    message = shown(self, value.message, LONGEST_MESSAGE),
    source = value.source or "server",
  }
  local at = index_of(self, value.id)
  if at then
    self.commands[at] = entry
  else
    table.insert(self.commands, 1, entry)
    self.commands[MOST_COMMANDS + 1] = nil
  end
  return json.encode(entry)
end

-- The commands as JSON, the newest first.
function Recent:commands_json()
  return json.encode(json.array(table.move(self.commands, 1, #self.commands, 1, {})))
end

local function plain(value)
  local kind = type(value)
  if kind == "string" then
    return cut(value, LONGEST_VALUE)
  elseif kind == "boolean" or math.type(value) == "integer" then
    return value
  elseif kind == "table" then
    return cut(json.encode(value) or "…", LONGEST_VALUE)
  end
  return kind == "number" and ("%.14g"):format(value) or kind
end

local function fields_of(fields)
  local out, count = {}, 0
  for name, value in pairs(type(fields) == "table" and fields or {}) do
    if type(name) == "string" and count < MOST_FIELDS then
      count = count + 1
      out[cut(name, LONGEST_VALUE)] = plain(value)
    end
  end
  return out
end

-- Takes a record of the log. Returns it as JSON.
function Recent:line(record)
  local message = type(record.message) == "string" and record.message or plain(record.message)
  local text = json.encode({
    time = record.time,
    level = record.level,
    name = record.name,
    message = cut(tostring(message), LONGEST_MESSAGE),
    fields = fields_of(record.fields),
  })
  self.last = self.last + 1
  self.lines[self.last], self.bytes = text, self.bytes + #text
  while self.last - self.first >= MOST_LINES or self.bytes > MOST_LINE_BYTES and self.first < self.last do
    self.bytes = self.bytes - #self.lines[self.first]
    self.lines[self.first] = nil
    self.first = self.first + 1
  end
  return text
end

-- The lines as JSON, the oldest first.
function Recent:lines_json()
  return "[" .. table.concat(self.lines, ",", self.first, self.last) .. "]"
end

return recent
