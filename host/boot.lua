-- The one file that wires the host's primitives into the libraries: ... is the share directory and the arguments.
local share, arguments = ...

-- What start-up throws away would leave a heap that an idle process holds for ever.
collectgarbage("incremental", 110, 0, 0)

-- A package brings lua-cjson along where its release has none for this Lua.
package.cpath = share:gsub("/share/dockhost$", "/lib/dockhost") .. "/?.so;" .. package.cpath

-- Loaded when first used: what a verb does not need costs it nothing.
local host = setmetatable({}, {
  __index = function(modules, name)
    local module = require("host." .. name)
    rawset(modules, name, module)
    return module
  end,
})

return require("dockhost.cli").main(host, share, arguments)
