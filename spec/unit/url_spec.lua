-- dockhost.url: the ways in which people write a main server's address.
local url = require("dockhost.url")

-- text, tls, host, port, namespace, canonical text
local ADDRESSES = {
  { "ws://main.example.com", false, "main.example.com", 80, "/", "ws://main.example.com" },
  { "wss://main.example.com", true, "main.example.com", 443, "/", "wss://main.example.com" },
  { "http://main.example.com:3000/", false, "main.example.com", 3000, "/", "ws://main.example.com:3000" },
  { "https://main.example.com:443/admin", true, "main.example.com", 443, "/admin", "wss://main.example.com/admin" },
  { "HTTPS://Main.Example.COM", true, "main.example.com", 443, "/", "wss://main.example.com" },
  { "localhost:3000", false, "localhost", 3000, "/", "ws://localhost:3000" },
  { "localhost", false, "localhost", 80, "/", "ws://localhost" },
  { "my_host.internal:1", false, "my_host.internal", 1, "/", "ws://my_host.internal:1" },
  { "127.0.0.1:65535/a/b", false, "127.0.0.1", 65535, "/a/b", "ws://127.0.0.1:65535/a/b" },
  { "wss://[::1]:8443", true, "::1", 8443, "/", "wss://[::1]:8443" },
  { "[2001:DB8::7]", false, "2001:db8::7", 80, "/", "ws://[2001:db8::7]" },
  { "[1:2:3:4:5:6:7:8]:80", false, "1:2:3:4:5:6:7:8", 80, "/", "ws://[1:2:3:4:5:6:7:8]" },
  { "[::ffff:10.0.0.1]:90", false, "::ffff:10.0.0.1", 90, "/", "ws://[::ffff:10.0.0.1]:90" },
  { "[::]", false, "::", 80, "/", "ws://[::]" },
  { "host/admin", false, "host", 80, "/admin", "ws://host/admin" },
  { "host/a@b:c", false, "host", 80, "/a@b:c", "ws://host/a@b:c" },
}

-- text, a part of the message
local REFUSED = {
  { "", "is empty" },
  { " host", "space" },
  { "host name", "space" },
  { "host\n", "control" },
  { "host\0", "control" },
  { "ftp://host", "must begin with" },
  { "://host", "must begin with" },
  { "ws://", "names no host" },
  { ":3000", "names no host" },
  { "/admin", "names no host" },
  { "user@host", "user name or password" },
  { "wss://user:secret@host:3000", "user name or password" },
  { "host:0", "port must be" },
  { "host:65536", "port must be" },
  { "host:http", "port must be" },
  { "host:", "port must be" },
  { "host:-1", "port must be" },
  { "host:000080", "port must be" },
  { "host?role=x", "query" },
  { "host/#x", "fragment" },
  { "host\\admin", "backslash" },
  { "host/no\xFFdes", "not valid UTF-8" },
  { "::1", "brackets" },
  { "fe80::1:3000", "brackets" },
  { "[::1", "brackets" },
  { "[localhost]", "no IPv6" },
  { "[1:2:3]", "no IPv6" },
  { "[1::2::3]", "no IPv6" },
  { "[::12345]", "no IPv6" },
  { "[1:2:3:4:5:6:7::8]", "no IPv6" },
  { "[fe80::1%eth0]", "no IPv6" },
  { "[10.0.0.1::]", "no IPv6" },
  { "[::1]3000", "port must be" },
  { "a..b", "host name" },
  { "-host", "host name" },
  { "hö.example", "host name" },
  { "host/a,b", "namespace" },
  { "host/" .. ("n"):rep(256), "namespace" },
  { ("h"):rep(254), "host name" },
  { "host/" .. ("n"):rep(3000), "too long" },
}

describe("url.parse", function()
  for _, case in ipairs(ADDRESSES) do
    it("reads " .. case[1], function()
      assert.are.same(
        { tls = case[2], host = case[3], port = case[4], namespace = case[5], text = case[6] },
        url.parse(case[1])
      )
    end)

    it("reads the canonical form of " .. case[1] .. " as the same", function()
      assert.are.same(url.parse(case[1]), url.parse(case[6]))
    end)
  end

  for _, case in ipairs(REFUSED) do
    it(("refuses %q"):format(case[1]:sub(1, 40)), function()
      local parsed, message = url.parse(case[1])
      assert.is_nil(parsed)
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.is_truthy(message:find("wss://main.example.com", 1, true), message)
    end)
  end

  it("never repeats a secret", function()
    local _, message = url.parse("wss://user:hunter2@host")
    assert.is_nil(message:find("hunter2", 1, true))
  end)

  it("never raises on mutated addresses", function()
    math.randomseed(19)
    for _ = 1, 5000 do
      local text = ADDRESSES[math.random(#ADDRESSES)][1]
      local at = math.random(#text)
      local parsed, message = url.parse(text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1))
      assert(parsed or type(message) == "string")
    end
  end)
end)
