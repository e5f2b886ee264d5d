local params = require("dockhost.params")
local mutate = require("mutate")

local KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICq2mBmHEkETII5txWaN29uzRnifEzyKBdeZTwKkQ6kh"
-- Stands for JSON's null, which is a userdata.
local NULL = io.stdout

local function refusal(rules, payload)
  local checked, message, code = params.check(rules, payload)
  assert.is_nil(checked)
  assert.equal(400, code)
  return message
end

describe("params.validate_rules", function()
  it("accepts every type, optional or not", function()
    for _, name in ipairs {
      "username", "ssh-keys", "port", "container-id", "string", "integer", "number", "boolean", "table", "any",
    } do
      assert.is_true(params.validate_rules { a = name, b = name .. "?" })
    end
    assert.is_true(params.validate_rules {})
  end)

  for _, case in ipairs {
    { nil, "must be a table" }, { "string", "must be a table" },
    { { a = "text" }, "unknown type" }, { { a = "string??" }, "unknown type" }, { { a = "?" }, "unknown type" },
    { { a = "" }, "unknown type" }, { { a = " string" }, "unknown type" },
    { { a = 12 }, "must be a string" }, { { a = {} }, "must be a string" }, { { "string" }, "needs a name" },
    { { [""] = "string" }, "needs a name" },
  } do
    it("explains: " .. case[2], function()
      local ok, message = params.validate_rules(case[1])
      assert.is_nil(ok)
      assert.matches(case[2], message)
    end)
  end
end)

describe("params.check", function()
  for _, case in ipairs {
    { "username", "alice", "alice" },
    { "ssh-keys", KEY .. "\r\n", KEY .. "\n" },
    { "port", 3100, 3100 }, { "port", 3100.0, 3100 }, { "port", "3100", 3100 }, { "port", 1, 1 },
    { "port", 65535, 65535 },
    { "container-id", "0123456789ab", "0123456789ab" }, { "container-id", ("a"):rep(64), ("a"):rep(64) },
    { "string", "", "" }, { "string", "x", "x" },
    { "integer", 5.0, 5 }, { "integer", -3, -3 }, { "integer", 2 ^ 53, 9007199254740992 },
    { "number", 1.5, 1.5 }, { "number", 2, 2 },
    { "boolean", false, false }, { "boolean", true, true },
    { "any", false, false }, { "any", "x", "x" },
  } do
    it(("takes %s %s"):format(case[1], tostring(case[2]):sub(1, 20)), function()
      local checked = assert(params.check({ field = case[1] }, { field = case[2] }))
      assert.equal(case[3], checked.field)
      assert.equal(math.type(case[3]), math.type(checked.field))
    end)
  end

  it("takes a table as it is", function()
    local value = { 1 }
    assert.equal(value, params.check({ field = "table" }, { field = value }).field)
  end)

  for _, case in ipairs {
    { "username", 7, "must be a string" }, { "username", "", "empty" }, { "username", "disconnect", "reserved" },
    { "username", "a\nb", "control" },
    { "ssh-keys", "nonsense", "known type" }, { "ssh-keys", "", "no SSH public key" }, { "ssh-keys", {}, "a string" },
    { "port", 0, "1 to 65535" }, { "port", 65536, "1 to 65535" }, { "port", -1, "1 to 65535" },
    { "port", 1.5, "1 to 65535" }, { "port", 0 / 0, "1 to 65535" }, { "port", math.huge, "1 to 65535" },
    { "port", "31001x", "1 to 65535" }, { "port", " 1", "1 to 65535" }, { "port", "1 ", "1 to 65535" },
    { "port", "0x10", "1 to 65535" }, { "port", "1e3", "1 to 65535" }, { "port", "1.0", "1 to 65535" },
    { "port", "", "1 to 65535" }, { "port", "0", "1 to 65535" }, { "port", "65536", "1 to 65535" },
    { "port", "-1", "1 to 65535" }, { "port", "+1", "1 to 65535" }, { "port", ("1"):rep(400), "1 to 65535" },
    { "port", "3100; reboot", "1 to 65535" }, { "port", true, "1 to 65535" }, { "port", {}, "1 to 65535" },
    { "container-id", "0123456789a", "12 to 64" }, { "container-id", ("a"):rep(65), "12 to 64" },
    { "container-id", "0123456789AB", "12 to 64" }, { "container-id", "0123456789a/", "12 to 64" },
    { "container-id", 123456789012, "12 to 64" },
    { "string", 1, "must be a string" }, { "integer", 1.5, "an integer" }, { "integer", "1", "an integer" },
    { "integer", 2 ^ 54, "an integer" }, { "integer", math.mininteger, "an integer" },
    { "integer", 1e300, "an integer" },
    { "number", "1", "a number" }, { "number", 0 / 0, "a number" }, { "number", -math.huge, "a number" },
    { "boolean", 0, "a boolean" }, { "boolean", "true", "a boolean" }, { "table", "x", "an object" },
  } do
    it(("refuses %s %s"):format(case[1], tostring(case[2]):sub(1, 20)), function()
      local message = refusal({ field = case[1] .. "?" }, { field = case[2] })
      assert.matches("^field: ", message)
      assert.matches(case[3], message)
    end)
  end

  it("wants what is not optional", function()
    assert.equal("username is missing", refusal({ username = "username" }, {}))
    assert.equal("username is missing", refusal({ username = "username" }, nil))
    assert.equal("username is missing", refusal({ username = "username" }, NULL))
    assert.equal("username is missing", refusal({ username = "username" }, { username = NULL }))
    assert.same({}, params.check({ username = "username?" }, { username = NULL }))
    assert.same({}, params.check({ username = "username?" }))
  end)

  it("refuses a payload that is no object", function()
    for _, payload in ipairs { "text", 12, true, { 1, 2 } } do
      assert.equal("the payload must be an object", refusal({}, payload))
    end
    assert.equal("the payload must be an object", refusal({}, false))
  end)

  it("takes the deployed server's names", function()
    local rules = { username = "username", sshPublicKey = "ssh-keys", startingPort = "port?" }
    local checked = params.check(rules, { USERNAME = "alice", SSH_PUB_KEY = KEY, startingPortNo = "3100" })
    assert.same({ username = "alice", sshPublicKey = KEY .. "\n", startingPort = 3100 }, checked)
  end)

  it("prefers the documented name, unless it is null", function()
    local rules = { username = "username" }
    assert.equal("a", params.check(rules, { username = "a", USERNAME = "b" }).username)
    assert.equal("b", params.check(rules, { username = NULL, USERNAME = "b" }).username)
  end)

  it("names the field as it was sent", function()
    assert.matches("^startingPortNo: ", refusal({ startingPort = "port?" }, { startingPortNo = "x" }))
    assert.matches("^SSH_PUB_KEY: ", refusal({ sshPublicKey = "ssh-keys" }, { SSH_PUB_KEY = "x" }))
  end)

  it("ignores fields without a rule", function()
    assert.same({ note = "x" }, params.check({ note = "string" }, { note = "x", admin = true, USERNAME = "y" }))
  end)

  it("repeats no key in its messages", function()
    assert.not_matches("hunter2", refusal({ sshPublicKey = "ssh-keys" }, { sshPublicKey = "hunter2" }))
  end)

  it("answers every port's text, and raises for none", function()
    local accepted = 0
    mutate.each({ "3100", "65535", "1" }, 3000, function(mutant)
      local checked = params.check({ p = "port" }, { p = mutant })
      if checked then
        accepted = accepted + 1
        assert.equal(mutant, tostring(checked.p))
      end
    end)
    assert.is_true(accepted > 20)
  end)
end)
