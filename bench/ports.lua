-- Prints, one a line, how many milliseconds the search for a free triple took: from 20000 on, past what is taken.
local loop = require("host.loop")
local port = require("host.port")
local ports = require("dockhost.ports")

for _ = 1, 15 do
  local search = ports.new({
    listening = port.listening,
    bindable = port.bindable,
    range = function()
      return 20000, 65535
    end,
  })
  local began = loop.now()
  assert(search:reserve(20000, {}))
  print((loop.now() - began) * 1000)
end
