-- The files of the page, read anew each time: somebody opens it now and then.
local answer = require("dockhost.console.answer")

local page = {}

local DIRECTORY = "/lib/dockhost/console/page/"
local MOST_BYTES = 1024 * 1024
local TYPES = {
  html = "text/html; charset=utf-8",
  css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8",
  svg = "image/svg+xml",
}

-- Whether a file of the page may have that name.
function page.is_file(name)
  local kind = name:match("^[a-z-]+%.([a-z]+)$")
  return kind ~= nil and kind ~= "html" and TYPES[kind] ~= nil
end

-- Answers with that file. Waits.
function page.answer(console, exchange, name)
  local text, message, code = console.node.read(console.share .. DIRECTORY .. name, MOST_BYTES)
  if text then
    return answer.send(exchange, 200, TYPES[name:match("[a-z]+$")], text)
  elseif code == "ENOENT" then
    return answer.text(exchange, 404, "there is no such file")
  end
  console.log:error("the console's page can't be read", { reason = message })
  answer.text(exchange, 500, "the page can't be read: see the log")
end

return page
