local key = require("dockhost.key")

local function reading(text, message)
  return function(path, limit)
    assert.equal("/etc/key", path)
    assert.is_true(limit >= 4096)
    return text, message
  end
end

describe("key.read", function()
  it("takes the key of the settings where no file is named", function()
    assert.equal("k", key.read({ api_key = "k" }, error))
  end)

  it("takes a file's without the space around it", function()
    assert.equal("abc.def", key.read({ api_key_file = "/etc/key" }, reading("  abc.def\r\n")))
  end)

  for name, text in pairs({ empty = "", ["of white space"] = " \n\n", ["of two lines"] = "a\nb\n", binary = "a\0b" }) do
    it("refuses a file that is " .. name .. ", and says which", function()
      local value, message = key.read({ api_key_file = "/etc/key" }, reading(text))
      assert.is_nil(value)
      assert.matches("/etc/key must hold the key alone", message)
    end)
  end

  it("says which setting names a file that can't be read, and why it can't", function()
    local value, message = key.read({ api_key_file = "/etc/key" }, reading(nil, "/etc/key: No such file or directory"))
    assert.is_nil(value)
    assert.matches("No such file", message)
    assert.matches("DOCKHOST_API_KEY_FILE", message)
  end)
end)

-- base64url of {"exp":1800000000}, {"exp":"soon"}, {} between a header and a signature
local HEADER = "eyJhbGciOiJIUzI1NiJ9."
describe("key.expiry", function()
  it("is the exp of a JWT", function()
    assert.equal(1800000000, key.expiry(HEADER .. "eyJleHAiOjE4MDAwMDAwMDB9.c2ln"))
  end)

  for name, value in pairs({
    ["an exp that is no number"] = HEADER .. "eyJleHAiOiJzb29uIn0.c2ln",
    ["no exp"] = HEADER .. "e30.c2ln",
    ["no JWT"] = "plain-key",
    ["dots alone"] = "..",
  }) do
    it("is nil with " .. name, function()
      assert.is_nil(key.expiry(value))
    end)
  end
end)

local DAY, NOW = 86400, 1000000000

describe("key.warning", function()
  for _, case in ipairs({
    { 8 * DAY, nil }, { 7 * DAY + 1, nil },
    { 7 * DAY, "expires in 7 days", false }, { 2 * DAY, "expires in 2 days", false },
    { DAY, "expires in 24 hours", true }, { 3600 * 1.5, "expires in 1 hours", true },
    { 0, "has expired: get a new one", true }, { -5, "has expired: get a new one", true },
  }) do
    it(("with %g s left: %s"):format(case[1], case[2] or "nothing"), function()
      local message, urgent = key.warning(NOW + case[1], NOW)
      if not case[2] then
        return assert.is_nil(message)
      end
      assert.matches(case[2], message)
      assert.equal(case[3], urgent)
    end)
  end

  it("is nothing for a key that does not expire", function()
    assert.is_nil(key.warning(nil, NOW))
  end)
end)

describe("key.next_warning", function()
  for _, case in ipairs({
    { 30 * DAY, 23 * DAY }, { 7 * DAY, 6 * DAY }, { 2 * DAY, DAY }, { DAY, DAY }, { 60, 60 },
  }) do
    it(("with %g s left is in %g s"):format(case[1], case[2]), function()
      assert.equal(case[2], key.next_warning(NOW + case[1], NOW))
    end)
  end

  it("is nil when nothing is left to warn of", function()
    assert.is_nil(key.next_warning(NOW - 1, NOW))
    assert.is_nil(key.next_warning(nil, NOW))
  end)
end)

describe("the name that a key takes on its machine", function()
  it("is the key's own, and does not hold it", function()
    local name = key.claim("a-key-of-this-node", "wss://a")
    assert.equal(name, key.claim("a-key-of-this-node", "wss://a"))
    assert.not_equal(name, key.claim("a-key-of-this-nodf", "wss://a"))
    assert.not_equal(name, key.claim("a-key-of-this-node", "wss://b"))
    assert.matches("^dockhost%-key%-%x+$", name)
    assert.equal(45, #name)
  end)

  it("is that of the node, where the key tells which that is", function()
    -- {"_id":"node-1","exp":1}, {"_id":"node-1","exp":2} and {"_id":"node-2","exp":1}
    local first, second = "e30.eyJfaWQiOiJub2RlLTEiLCJleHAiOjF9.a", "e30.eyJfaWQiOiJub2RlLTEiLCJleHAiOjJ9.b"
    assert.equal(key.claim(first, "wss://a"), key.claim(second, "wss://a"))
    assert.not_equal(key.claim(first, "wss://a"), key.claim("e30.eyJfaWQiOiJub2RlLTIiLCJleHAiOjF9.c", "wss://a"))
  end)
end)
