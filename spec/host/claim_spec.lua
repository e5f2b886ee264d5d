-- host.claim: names of which one process of a machine has each.
local claim = require("host.claim")

local exe = io.popen("readlink /proc/$PPID/exe"):read("l")
local NAME = "dockhost-spec-" .. tostring({}):match("0x(%x+)")

-- Another process of the host that runs the script; returns what it prints.
local function elsewhere(script)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local claim = require("host.claim")\n', script)
  file:close()
  local pipe = io.popen(("timeout 20 '%s' %s 2>&1"):format(exe, path))
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)
  return output
end

describe("host.claim", function()
  it("gives a name to one at a time, until it is closed", function()
    assert.is_false(claim.is_taken(NAME))
    local first = assert(claim.take(NAME))
    assert.is_true(claim.is_taken(NAME))
    local second, message, code = claim.take(NAME)
    assert.same({ nil, "another process has that name", "busy" }, { second, message, code })
    first:close()
    first:close()
    assert.is_false(claim.is_taken(NAME))
    assert(claim.take(NAME)):close()
  end)

  it("is seen by other processes, and goes with its own", function()
    local mine <close> = assert(claim.take(NAME)) -- luacheck: ignore
    local script = ("print(claim.is_taken(%q), (select(3, claim.take(%q))))"):format(NAME, NAME)
    assert.equal("true\tbusy\n", elsewhere(script))
    assert.equal("true\n", elsewhere(("print(claim.take(%q) ~= nil)"):format(NAME .. "-other")))
    assert.is_false(claim.is_taken(NAME .. "-other"))
  end)

  it("stays while nothing refers to it", function()
    assert(claim.take(NAME .. "-kept"))
    collectgarbage()
    collectgarbage()
    assert.is_true(claim.is_taken(NAME .. "-kept"))
  end)

  it("takes names of 1 to 107 bytes, of any bytes", function()
    for _, name in ipairs({ "", ("x"):rep(108) }) do
      assert.has_error(function()
        claim.take(name)
      end)
    end
    local odd <close> = assert(claim.take("a\0b" .. NAME)) -- luacheck: ignore
    assert.is_true(claim.is_taken("a\0b" .. NAME))
    assert.is_false(claim.is_taken("a\0c" .. NAME))
  end)
end)
