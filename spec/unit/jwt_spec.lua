local jwt = require("dockhost.jwt")
local mutate = require("mutate")

-- {"alg":"HS256","typ":"JWT"} . {"_id":"u1","username":"node","iat":1764000000,"exp":1766592000} . a signature
local TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
  .. ".eyJfaWQiOiJ1MSIsInVzZXJuYW1lIjoibm9kZSIsImlhdCI6MTc2NDAwMDAwMCwiZXhwIjoxNzY2NTkyMDAwfQ"
  .. ".c2lnbmF0dXJl"
local PAYLOAD = '{"_id":"u1","username":"node","iat":1764000000,"exp":1766592000}'

describe("jwt.claims", function()
  it("hands the payload to the decoder and picks the claims", function()
    local seen
    local claims = jwt.claims(TOKEN, function(text)
      seen = text
      return { _id = "u1", username = "node", iat = 1764000000, exp = 1766592000, other = 1 }
    end)
    assert.equal(PAYLOAD, seen)
    assert.same({ _id = "u1", username = "node", iat = 1764000000, exp = 1766592000 }, claims)
  end)

  it("leaves out claims of a wrong type", function()
    local function decode() return { _id = 1, username = {}, iat = "x", exp = 0 / 0 } end
    assert.same({}, jwt.claims(TOKEN, decode))
  end)

  for _, token in ipairs { "", "key", "a.b", "a.b.c.d", "a.b=.c", "..", "a.Z.c", "a b.Zm8.c", ("x"):rep(20000) } do
    it(("knows that %q is none"):format(token:sub(1, 20)), function()
      local claims, message = jwt.claims(token, function() return {} end)
      assert.is_nil(claims)
      assert.equal("not a JSON web token", message)
    end)
  end

  it("answers when the payload is no object or the decoder fails", function()
    for _, decode in ipairs {
      function() return nil, "bad" end,
      function() return "text" end,
      function() error("bad") end,
    } do
      local claims, message = jwt.claims(TOKEN, decode)
      assert.is_nil(claims)
      assert.equal("the token's payload is not a JSON object", message)
    end
    assert.is_nil(jwt.claims(nil, error))
  end)

  it("answers whatever it is given", function()
    local decoded = 0
    mutate.each({ TOKEN }, 2000, function(mutant)
      local claims, message = jwt.claims(mutant, function() return { exp = 1 } end)
      decoded = decoded + (claims and 1 or 0)
      assert.is_true(claims ~= nil or message == "not a JSON web token")
    end)
    assert.is_true(decoded > 0)
  end)
end)
