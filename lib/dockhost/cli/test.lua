-- `dockhost test`: runs the specs of a script directory, with the fakes of Docker, the network and the time.
local cli = require("dockhost.cli")
local specs = require("dockhost.specs")

local test = {}

-- (host, share, parsed, busted: the one that is installed where none is given) -> exit code
function test.start(_, share, parsed, busted)
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
  local code = specs.run(runner, { parsed.positional[1] or "." })
  package.path = path
  return code == 0 and cli.OK or cli.FAILED
end

return test
