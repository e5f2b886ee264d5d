local username = require("dockhost.username")
local mutate = require("mutate")

describe("username.check", function()
  for _, name in ipairs {
    "alice", "a", "a b", "me@example.com", "Jürgen", "用户", "-rm", "../etc", "$(id)", "dockhost-x61", ("x"):rep(128),
    "Connect", "\u{10FFFF}", "\u{A0}",
  } do
    it(("accepts %q"):format(name), function()
      assert.equal(name, username.check(name))
    end)
  end

  for _, case in ipairs {
    { "", "empty" },
    { ("x"):rep(129), "128 bytes" },
    { ("é"):rep(65), "128 bytes" },
    { "a\nb", "control" }, { "a\0", "control" }, { "\27[2J", "control" }, { "a\127", "control" },
    { "a\u{85}", "control" }, { "\u{80}", "control" }, { "\u{9F}", "control" },
    { "\xFF", "UTF%-8" }, { "\xC0\xAF", "UTF%-8" }, { "\xED\xA0\x80", "UTF%-8" }, { "\xF4\x90\x80\x80", "UTF%-8" },
    { "abc\xC3", "UTF%-8" },
    { "connect", "reserved" }, { "connect_error", "reserved" }, { "disconnect", "reserved" },
    { "disconnecting", "reserved" }, { "newListener", "reserved" }, { "removeListener", "reserved" },
  } do
    it(("refuses %q"):format(case[1]:sub(1, 20)), function()
      local name, message = username.check(case[1])
      assert.is_nil(name)
      assert.matches(case[2], message)
    end)
  end

  it("refuses what is not a string", function()
    for _, value in ipairs { 12, true, {}, 1.5 } do
      assert.is_nil(username.check(value))
      assert.equal("the user name must be a string", select(2, username.check(value)))
    end
    assert.is_nil(username.check(nil))
  end)
end)

describe("a container's name", function()
  for _, case in ipairs {
    { "alice", "alice" },
    { "a.b_c-D9", "a.b_c-D9" },
    { "a", "dockhost-x61" },
    { "a b", "dockhost-x612062" },
    { "_a", "dockhost-x5f61" },
    { "é", "dockhost-xc3a9" },
    { "dockhost-", "dockhost-" },
    { "dockhost-x", "dockhost-x646f636b686f73742d78" },
    { "dockhost-x61", "dockhost-x646f636b686f73742d783631" },
    { "a/../b", "dockhost-x612f2e2e2f62" },
  } do
    it(("of %q is %s"):format(case[1], case[2]), function()
      assert.equal(case[2], username.container_name(case[1]))
      assert.equal(case[1], username.from_container_name(case[2]))
      assert.equal(case[1], username.from_container_name("/" .. case[2]))
      assert.equal(case[1], username.from_container_name(username.hex_name(case[1])))
    end)
  end

  for _, name in ipairs {
    "", "/", "a", "dockhost-x", "dockhost-x6", "dockhost-x6G", "dockhost-xC3A9", "dockhost-xff", "dockhost-x0a",
    "dockhost-x" .. ("61"):rep(129), "connect", "dockhost-x636f6e6e656374", "a b", "//alice", "alice\n",
  } do
    it(("%q tells no user"):format(name:sub(1, 30)), function()
      assert.is_nil(username.from_container_name(name))
    end)
  end

  it("that is no string tells no user", function()
    assert.is_nil(username.from_container_name(nil))
    assert.is_nil(username.from_container_name(7))
  end)

  it("always tells its user, and is one that Docker allows", function()
    local accepted = 0
    mutate.each({ "alice", "dockhost-x61", "Jürgen Å", "a.b-c_d" }, 3000, function(mutant)
      local name = username.check(mutant)
      if name then
        accepted = accepted + 1
        local container = username.container_name(name)
        assert.matches("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$", container)
        assert.equal(name, username.from_container_name(container))
      end
    end)
    assert.is_true(accepted > 100)
  end)
end)

describe("username.emittable", function()
  it("is true for names that only `check` refuses", function()
    for _, name in ipairs { "alice", "a\nb", ("x"):rep(129), ("x"):rep(1024) } do
      assert.is_true(username.emittable(name))
    end
  end)

  it("is false for what may not be an event's name", function()
    for _, value in ipairs { "", "disconnect", "newListener", "\xFF", ("x"):rep(1025), 7, {}, false } do
      assert.is_false(username.emittable(value))
    end
    assert.is_false(username.emittable(nil))
  end)
end)
