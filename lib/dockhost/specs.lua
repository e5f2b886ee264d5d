-- Runs busted in this process, whatever it is embedded in.
local specs = {}

local MISSING = "busted, which runs specs, is not here for Lua 5.4. To install it:\n"
  .. "  apt install lua-busted        (Debian, Ubuntu)\n"
  .. "  luarocks --lua-version=5.4 install busted"

-- (what finds modules, or nil for `require`) -> busted's entry | nil, message
function specs.busted(find)
  local ok, runner = pcall(find or require, "busted.runner")
  if not ok then
    return nil, MISSING
  end
  return runner
end

-- Busted ends the process itself, which must close what it has open.
local function exits_as_error(fn)
  local exit, left = os.exit, {}
  os.exit = function(code) -- luacheck: ignore 122
    left.code = code == true and 0 or code == false and 1 or code or 0
    error(left, 0)
  end
  local ok, failure = xpcall(fn, function(failure)
    return failure == left and failure or debug.traceback(failure)
  end)
  os.exit = exit -- luacheck: ignore 122
  return ok, failure, left.code
end

-- specs.run(busted, arguments of its command line) -> exit code
function specs.run(busted, arguments)
  local before = _G.arg
  _G.arg = { -- luacheck: ignore 122
    [0] = before and before[0],
    "--ignore-lua",
    "--pattern=_spec",
    "--recursive",
    table.unpack(arguments),
  }
  local ok, failure, code = exits_as_error(function()
    busted({ standalone = false })
  end)
  _G.arg = before -- luacheck: ignore 122
  if not ok and not code then
    io.stderr:write(tostring(failure), "\n")
    return 1
  end
  return code or 0
end

return specs
