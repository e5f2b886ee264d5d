local ports = require("dockhost.ports")

local function set(list)
  local result = {}
  for _, port in ipairs(list or {}) do
    result[port] = true
  end
  return result
end

-- world: first, last, listening = list, unbindable = list
local function new(world)
  return ports.new({
    listening = function()
      return set(world.listening)
    end,
    bindable = function(port)
      return not set(world.unbindable)[port]
    end,
    range = function()
      return world.first or 1024, world.last or 65535
    end,
  })
end

local function first_of(world, start, bound)
  local triple, message, status = new(world):reserve(start, set(bound))
  if not triple then
    return nil, message, status
  end
  assert.same({ ssh = triple.ssh, http = triple.ssh + 1, https = triple.ssh + 2 }, triple)
  return triple.ssh
end

describe("ports:reserve", function()
  it("takes the start and the two after it", function()
    assert.equal(3100, first_of({}, 3100))
  end)

  it("begins at the range's start where none is given, or a smaller one", function()
    assert.equal(1024, first_of({}))
    assert.equal(4000, first_of({ first = 4000 }, 80))
  end)

  for what, world in pairs({
    ["something listens"] = { listening = { 3101 } },
    ["the bind fails"] = { unbindable = { 3102 } },
  }) do
    it("goes on in steps of three where " .. what, function()
      assert.equal(3103, first_of(world, 3100))
    end)
  end

  it("goes past the bindings of containers", function()
    assert.equal(3106, first_of({}, 3100, { 3100, 3105 }))
  end)

  it("tries the last triple of the range, then wraps to its start", function()
    local world = { first = 3000, last = 3011, listening = { 3006 } }
    assert.equal(3009, first_of(world, 3006))
    world.listening = { 3006, 3011 }
    assert.equal(3000, first_of(world, 3006))
  end)

  it("never leaves the range", function()
    assert.equal(3000, first_of({ first = 3000, last = 3010, listening = {} }, 3009))
    assert.equal(65533, first_of({}, 65533))
    assert.equal(1024, first_of({}, 65534))
  end)

  it("wraps when the start is beyond the end", function()
    assert.equal(3000, first_of({ first = 3000, last = 3010 }, 60000))
  end)

  it("tries after the wrap all that lies before the start", function()
    local world = { first = 3000, last = 3008, listening = { 3000, 3006 } }
    assert.equal(3003, first_of(world, 3006))
    -- A triple that reaches across the start is one as well.
    assert.equal(3000, first_of({ first = 3000, last = 3004, listening = { 3004 } }, 3002))
  end)

  it("says 503 and names the range when there is none left", function()
    local triple, message, status = first_of({ first = 3000, last = 3004, listening = { 3001, 3004 } }, 3000)
    assert.is_nil(triple)
    assert.equal(503, status)
    assert.matches("3000 and 3004", message)
  end)

  it("gives none out twice until it is released", function()
    local pool = new({ first = 3000, last = 3005 })
    local one = pool:reserve(nil, {})
    local two = pool:reserve(nil, {})
    assert.equal(3000, one.ssh)
    assert.equal(3003, two.ssh)
    assert.is_nil((pool:reserve(nil, {})))
    pool:release(one)
    assert.equal(3000, pool:reserve(nil, {}).ssh)
  end)

  it("holds none of the three where one of them is not free", function()
    local pool = new({ first = 3000, last = 3002, listening = { 3002 } })
    assert.is_nil((pool:reserve(nil, {})))
    assert.is_nil(next(pool.held))
  end)

  it("says why where the listening ports can't be read", function()
    local pool = ports.new({
      listening = function()
        return nil, "netlink: Permission denied", "EPERM"
      end,
      bindable = error,
      range = function()
        return 1024, 65535
      end,
    })
    local triple, message, status = pool:reserve(3100, {})
    assert.is_nil(triple)
    assert.matches("Permission denied", message)
    assert.equal(503, status)
  end)

  it("probes by bind only what is not known to be taken", function()
    local probed = {}
    local pool = ports.new({
      listening = function()
        return set({ 3000 })
      end,
      bindable = function(port)
        table.insert(probed, port)
        return true
      end,
      range = function()
        return 3000, 4000
      end,
    })
    pool:reserve(nil, {})
    assert.same({ 3003, 3004, 3005 }, probed)
  end)
end)
