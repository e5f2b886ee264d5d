-- Shows what `dockhost check` finds: lines as they come, with marks and colour on a terminal, or one JSON object.
local json = require("dockhost.json")
local printable = require("dockhost.printable")

local report = {}

local WORDS = { ok = "ok", warning = "warn", failure = "FAIL" }
local MARKS = { ok = "\27[32m✔\27[0m", warning = "\27[33m!\27[0m", failure = "\27[31m✘\27[0m" }
local CLEAR_LINE = "\r\27[K"

local Report = {}
Report.__index = Report

-- report.new{ json = boolean, terminal = boolean, write = function(text) } -> report
function report.new(options)
  return setmetatable({
    json = options.json,
    terminal = options.terminal and not options.json,
    write = options.write,
    found = {},
  }, Report)
end

-- Says what is waited for; the line of that step takes its place. Returns what is shown, if anything.
function Report:wait(name, text)
  if not self.terminal then
    return nil
  end
  local shown = ("\27[2m… %-11s %s\27[0m"):format(name, printable.text(text))
  self.write(shown)
  self.waits = true
  return shown
end

local function plain_line(name, found)
  local advice = found.advice and " — " .. found.advice or ""
  return ("%-5s%-12s %s\n"):format(WORDS[found.level], name, printable.text(found.message .. advice))
end

local function terminal_line(name, found)
  local advice = found.advice and ("\n  %-11s → %s"):format("", printable.text(found.advice)) or ""
  return ("%s %-11s %s%s\n"):format(MARKS[found.level], name, printable.text(found.message), advice)
end

function Report:add(name, found)
  table.insert(self.found, { name = name, found = found })
  if self.json then
    return
  end
  self.write((self.waits and CLEAR_LINE or "") .. (self.terminal and terminal_line or plain_line)(name, found))
  self.waits = false
end

-- Whether nothing failed. Warnings are no failures.
function Report:is_ok()
  for _, line in ipairs(self.found) do
    if line.found.level == "failure" then
      return false
    end
  end
  return true
end

-- Returns whether nothing failed.
function Report:finish()
  local ok = self:is_ok()
  if self.json then
    local checks = {}
    for i, line in ipairs(self.found) do
      local found = line.found
      checks[i] = {
        name = line.name,
        ok = found.level ~= "failure",
        level = found.level,
        message = found.message,
        advice = found.advice,
      }
    end
    self.write(json.encode({ ok = ok, checks = json.array(checks) }) .. "\n")
  end
  return ok
end

return report
