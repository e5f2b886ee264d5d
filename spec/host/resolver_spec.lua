-- host.resolver: names of this machine, and one that never resolves.
local loop = require("host.loop")
local resolver = require("host.resolver")
local timer = require("host.timer")
local within = require("within")

describe("host.resolver", function()
  it("resolves a name", function()
    local addresses = within(5, function(done)
      assert(resolver.lookup("localhost", done))
    end)
    local known = { ["127.0.0.1"] = true, ["::1"] = true }
    assert.is_true(#addresses >= 1)
    for _, address in ipairs(addresses) do
      assert.is_true(known[address], address)
    end
  end)

  it("answers a numeric address with itself, later", function()
    for _, address in ipairs({ "192.0.2.7", "2001:db8::1" }) do
      local called = false
      local addresses = within(5, function(done)
        resolver.lookup(address, function(found)
          called = true
          done(found)
        end)
        assert.is_false(called)
      end)
      assert.same({ address }, addresses)
    end
  end)

  it("says which name failed", function()
    local addresses, message, code = within(20, function(done)
      resolver.lookup("no-such-host.invalid", done)
    end)
    assert.is_nil(addresses)
    assert.matches("can't resolve the name no-such-host.invalid: ", message, 1, true)
    assert.equal("resolve", code)
  end)

  it("leaves the loop free meanwhile", function()
    local turns, next_tick = 0, nil
    local function tick()
      turns = turns + 1
      next_tick = timer.start(0.001, tick)
    end
    within(20, function(done)
      tick()
      resolver.lookup("slow-or-not.invalid", function()
        timer.start(0.05, done)
      end)
    end)
    next_tick:close()
    assert.is_true(turns > 5)
  end)

  it("calls nothing once it is closed", function()
    local called = false
    within(5, function(done)
      local lookup = resolver.lookup("localhost", function()
        called = true
      end)
      lookup:close()
      lookup:close()
      resolver.lookup("localhost", function()
        timer.start(0.05, done)
      end)
    end)
    assert.is_false(called)
  end)

  it("runs many at once", function()
    local left = 50
    within(10, function(done)
      for _ = 1, 50 do
        resolver.lookup("127.0.0.1", function()
          left = left - 1
          if left == 0 then
            done()
          end
        end)
      end
      collectgarbage()
    end)
    assert.equal(0, left)
    assert.is_true(loop.now() > 0)
  end)
end)
