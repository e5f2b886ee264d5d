-- Runs busted inside of the host, so that specs may require host.*:
--   build/host-lua spec/support/host_busted.lua [BUSTED ARGUMENT...] spec/host
-- Returns busted's exit status rather than exiting, so that the host closes everything and leaks show.
local EXIT = {}

local function run()
  require "busted.runner" { standalone = false }
end

_G.arg = { [0] = arg[0], "--ignore-lua", "--pattern=_spec", "--recursive", table.unpack(arg) } -- luacheck: ignore 122
os.exit = function(code) -- luacheck: ignore 122
  EXIT.code = code
  error(EXIT, 0)
end

local ok, failure = xpcall(run, function(failure)
  return failure == EXIT and failure or debug.traceback(failure)
end)
if not ok and failure ~= EXIT then
  io.stderr:write(failure, "\n")
  return 1
end
return tonumber(EXIT.code) or 0
