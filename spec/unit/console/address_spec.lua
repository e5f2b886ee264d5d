local address = require("dockhost.console.address")

local function listener(host, numeric)
  return { host = host, port = 3002, address = numeric or host }
end

describe("a console's URL", function()
  for host, url in pairs({
    ["127.0.0.1"] = "http://127.0.0.1:3002/",
    ["localhost"] = "http://localhost:3002/",
    ["::1"] = "http://[::1]:3002/",
    ["0.0.0.0"] = "http://127.0.0.1:3002/",
    ["::"] = "http://[::1]:3002/",
    ["192.0.2.4"] = "http://192.0.2.4:3002/",
  }) do
    it("is " .. url .. " where it listens at " .. host, function()
      assert.equal(url, address.url(listener(host)))
      assert.equal(url .. "?token=abc", address.url(listener(host), "abc"))
    end)
  end
end)

describe("a Host header", function()
  for _, case in ipairs({
    { "127.0.0.1", "127.0.0.1:3002" },
    { "127.0.0.1", "localhost:3002" },
    { "127.0.0.1", "LocalHost:3002" },
    { "::1", "[::1]:3002" },
    { "::1", "localhost:3002" },
    { "localhost", "localhost:3002" },
    { "localhost", "127.0.0.1:3002" },
    { "localhost", "[::1]:3002" },
    { "0.0.0.0", "192.0.2.4:3002" },
    { "0.0.0.0", "localhost:3002" },
    { "::", "[2001:db8::1]:3002" },
    { "192.0.2.4", "192.0.2.4:3002" },
    { "Node.lan", "node.lan:3002", "192.0.2.4" },
    { "node.lan", "192.0.2.4:3002", "192.0.2.4" },
  }) do
    it("is its own: " .. case[2] .. " of " .. case[1], function()
      assert.is_true(address.is_own(listener(case[1], case[3]), case[2]))
    end)
  end

  for _, case in ipairs({
    { "127.0.0.1", "" },
    { "127.0.0.1", "127.0.0.1" },
    { "127.0.0.1", "127.0.0.1:3003" },
    { "127.0.0.1", "127.0.0.1:3002:3002" },
    { "127.0.0.1", "127.0.0.1:3002 " },
    { "127.0.0.1", "evil.example:3002" },
    { "127.0.0.1", "localhost.evil.example:3002" },
    { "127.0.0.1", "evil.example:3002@localhost:3002" },
    { "127.0.0.1", "localhost.:3002" },
    { "127.0.0.1", "192.0.2.4:3002" },
    { "0.0.0.0", "evil.example:3002" },
    { "0.0.0.0", "2130706433:3002" },
    { "192.0.2.4", "localhost:3002" },
    { "192.0.2.4", "evil.example:3002" },
    { "node.lan", "evil.example:3002", "192.0.2.4" },
  }) do
    it("is not: '" .. case[2] .. "' of " .. case[1], function()
      assert.is_false(address.is_own(listener(case[1], case[3]), case[2]))
    end)
  end

  it("without a port means port 80", function()
    assert.is_true(address.is_own({ host = "127.0.0.1", port = 80 }, "127.0.0.1"))
  end)

  it("that is an address can't be rebound, whatever its port", function()
    for _, host in ipairs({ "127.0.0.1:1", "192.0.2.4", "[2001:db8::1]:9100", "localhost:9" }) do
      assert.is_true(address.is_numeric(host), host)
    end
    for _, host in ipairs({ "evil.example", "evil.example:3002", "", "1.2.3", "1.2.3.4.evil.example", "[evil]:1" }) do
      assert.is_false(address.is_numeric(host), host)
    end
  end)
end)
