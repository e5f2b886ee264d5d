local debug_filter = require("dockhost.debug_filter")

describe("debug_filter", function()
  for _, case in ipairs {
    { nil, "dockhost", false },
    { "", "dockhost", false },
    { "*", "dockhost:docker", true },
    { "dockhost:*", "dockhost:docker", true },
    { "dockhost:*", "dockhost:docker:stream", true },
    { "dockhost:*", "dockhost", false },
    { "dockhost*", "dockhost", true },
    { "dockhost:docker", "dockhost:docker", true },
    { "dockhost:docker", "dockhost:docker2", false },
    { "dockhost:docker", "dockhost:docke", false },
    { "*:docker", "dockhost:docker", true },
    { "d*:d*r", "dockhost:docker", true },
    { "d*:d*x", "dockhost:docker", false },
    { "*r*r", "rr", true },
    { "**", "", true },
    { "a,dockhost:ws", "dockhost:ws", true },
    { "a dockhost:ws", "dockhost:ws", true },
    { "a,  dockhost:ws,", "dockhost:ws", true },
    { "dockhost:*,-dockhost:ws", "dockhost:ws", false },
    { "-dockhost:ws,dockhost:*", "dockhost:ws", false },
    { "-dockhost:w*,dockhost:*", "dockhost:docker", true },
    { "-dockhost:ws", "dockhost:docker", false },
    { "-", "-", true },
    { "dockhost.", "dockhostx", false },
    { "%a+", "abc", false },
    { "[a]", "[a]", true },
  } do
    it(("%s %s %s"):format(case[1], case[3] and "enables" or "does not enable", case[2]), function()
      assert.equal(case[3], debug_filter.new(case[1])(case[2]))
    end)
  end

  it("is not slowed down by many stars", function()
    local started = os.clock()
    assert.is_false(debug_filter.new(("a*"):rep(50) .. "b")(("a"):rep(2000)))
    assert.is_true(os.clock() - started < 0.5)
  end)
end)
