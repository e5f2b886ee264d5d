-- The one file that wires the host's primitives into the libraries: ... is the share directory and the arguments.
local share, arguments = ...

-- Loaded when first used: what a verb does not need costs it nothing.
local host = setmetatable({}, {
  __index = function(modules, name)
    local module = require("host." .. name)
    rawset(modules, name, module)
    return module
  end,
})

return require("dockhost.cli").main(host, share, arguments)
