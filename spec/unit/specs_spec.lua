local specs = require("dockhost.specs")

it("finds busted, which runs this", function()
  assert.is_function((specs.busted()))
end)

it("says how to install busted where there is none", function()
  local runner, message = specs.busted(function(name)
    error("module '" .. name .. "' not found")
  end)
  assert.is_nil(runner)
  assert.matches("apt install lua-busted", message, 1, true)
  assert.matches("luarocks --lua-version=5.4 install busted", message, 1, true)
end)

it("gives back busted's exit code, and leaves os.exit and arg as they were", function()
  local exit, arguments = os.exit, _G.arg
  for given, code in pairs({ [0] = 0, [4] = 4, [true] = 0, [false] = 1 }) do
    assert.equal(code, specs.run(function()
      os.exit(given, true)
    end, {}))
  end
  assert.equal(0, specs.run(function()
    os.exit()
  end, {}))
  assert.equal(0, specs.run(function() end, {}))
  assert.equal(exit, os.exit)
  assert.equal(arguments, _G.arg)
end)
