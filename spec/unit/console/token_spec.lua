local token = require("dockhost.console.token")

local OWN = ("0123456789abcdef"):rep(2)

describe("the token", function()
  local asked, closed
  local function file(id, message)
    asked, closed = nil, false
    return {
      lock = function(path)
        asked = path
        return {
          id = function()
            return id, message
          end,
          close = function()
            closed = true
          end,
        }
      end,
    }
  end

  it("is kept in the state directory", function()
    assert.equal(OWN, token.load(file(OWN), "/state"))
    assert.equal("/state/console-token", asked)
    assert.is_true(closed)
  end)

  it("is none where it can't be kept", function()
    assert.same({ nil, "no space left" }, { token.load(file(nil, "no space left"), "/state") })
    assert.is_true(closed)
    assert.same({ nil, "permission denied" }, { token.load({
      lock = function()
        return nil, "permission denied", "EACCES"
      end,
    }, "/state") })
  end)
end)

describe("a token that is given", function()
  it("is the right one", function()
    assert.is_true(token.equal(OWN, OWN))
  end)

  it("is another, wherever it differs", function()
    for i = 1, #OWN do
      assert.is_false(token.equal(OWN:sub(1, i - 1) .. "g" .. OWN:sub(i + 1), OWN), i)
    end
  end)

  for name, given in pairs({
    ["is empty"] = "",
    ["is shorter"] = OWN:sub(1, -2),
    ["is longer"] = OWN .. "0",
    ["is twice it"] = OWN .. OWN,
    ["is it and a zero byte"] = OWN .. "\0",
    ["is of zero bytes"] = ("\0"):rep(32),
    ["is in capitals"] = OWN:upper(),
  }) do
    it("is another where it " .. name, function()
      assert.is_false(token.equal(given, OWN))
    end)
  end
end)
