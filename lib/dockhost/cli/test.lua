-- `dockhost test`: runs the specs of a script directory, with the fakes of Docker, the network and the time.
local cli = require("dockhost.cli")
local printable = require("dockhost.printable")
local specs = require("dockhost.specs")

local test = {}

local function exists(path)
  local file <close> = io.open(path) -- luacheck: ignore
  return file ~= nil
end

-- (host, share, parsed, busted: the one that is installed where none is given) -> exit code
function test.start(_, share, parsed, busted)
  local directory = parsed.positional[1] or "."
  if not exists(directory) then
    io.stderr:write("dockhost: there is no ", printable.text(directory), ": name a directory of scripts, or a spec\n")
    return cli.FAILED
  end
  local runner, message = busted, nil
  if not runner then
    runner, message = specs.busted()
  end
  if not runner then
    io.stderr:write("dockhost: ", message, "\n")
    return cli.FAILED
  end
  local path = package.path
  package.path = share .. "/spec/support/?.lua;" .. path
  local code = specs.run(runner, { directory })
  package.path = path
  return code == 0 and cli.OK or cli.FAILED
end

return test
