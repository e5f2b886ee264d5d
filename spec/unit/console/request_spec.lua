local address = require("dockhost.console.address")
local request = require("dockhost.console.request")

describe("a target", function()
  for text, expected in pairs({
    ["/"] = { "/", {} },
    ["/?"] = { "/", {} },
    ["/?token=abc"] = { "/", { token = "abc" } },
    ["/api/logs/J%C3%B6rg?tail=5&follow=1"] = { "/api/logs/J%C3%B6rg", { tail = "5", follow = "1" } },
    ["/a?b=%26+%3D&c&=d&%zz=1&e=%"] = { "/a", { b = "& =", c = "", [""] = "d" } },
    ["/a?b=c?d"] = { "/a", { b = "c?d" } },
    ["//evil.example/"] = { "//evil.example/", {} },
  }) do
    it("has a path and a query: " .. text, function()
      assert.same(expected, { request.target(text) })
    end)
  end

  for _, text in ipairs({ "", "*", "http://evil.example/", "evil.example:443", "/a#b" }) do
    it("is none: '" .. text .. "'", function()
      assert.is_nil(request.target(text))
    end)
  end
end)

it("escapes are undone", function()
  assert.equal("a/b \xC3\xB6%", request.unescape("a%2Fb%20%c3%B6%25"))
  assert.equal("plain", request.unescape("plain"))
  for _, text in ipairs({ "%", "a%2", "%g0", "%%20" }) do
    assert.is_nil(request.unescape(text), text)
  end
end)

describe("a cookie", function()
  for header, value in pairs({
    ["dockhost-3002=abc"] = "abc",
    ["a=b; dockhost-3002=abc; c=d"] = "abc",
    ["  dockhost-3002 = abc "] = "abc",
    ["dockhost-3002=abc=d"] = "abc=d",
    ["dockhost-3002="] = "",
    ["dockhost-3002=first; dockhost-3002=second"] = "first",
  }) do
    it("has a value: " .. header, function()
      assert.equal(value, request.cookie(header, "dockhost-3002"))
    end)
  end

  for _, header in ipairs({ "", "dockhost-3002", "dockhost-3003=abc", "xdockhost-3002=abc", "a=dockhost-3002=abc" }) do
    it("is missing: '" .. header .. "'", function()
      assert.is_nil(request.cookie(header, "dockhost-3002"))
    end)
  end

  it("is missing without the header", function()
    assert.is_nil(request.cookie(nil, "dockhost-3002"))
  end)
end)

-- As long as the host lets a header be. One look at each byte takes far less than a hundredth of this.
describe("a text that was made to be hard to read", function()
  local LONG, MOST_SECONDS = 16000, 0.3
  for name, read in pairs({
    ["a target"] = function() return request.target("/" .. ("a"):rep(LONG) .. "#") end,
    ["a query"] = function() return request.target("/?" .. ("="):rep(LONG)) end,
    ["a cookie's value"] = function() return request.cookie("d=x" .. (" "):rep(LONG) .. "y", "d") end,
    ["a cookie's name"] = function() return request.cookie((" "):rep(LONG), "d") end,
    ["a bearer"] = function() return request.bearer("Bearer " .. ("x "):rep(LONG // 2) .. "y") end,
    ["a bearer behind spaces"] = function() return request.bearer("Bearer" .. (" "):rep(LONG) .. "x y") end,
    ["a content type"] = function() return request.is_json("application/json" .. (" "):rep(LONG) .. "y") end,
    ["a Host"] = function()
      return address.is_own({ host = "127.0.0.1", port = 3002 }, ("1"):rep(LONG) .. "::")
        or address.is_numeric(("1"):rep(LONG) .. "::") or nil
    end,
  }) do
    it("is read at once: " .. name, function()
      local began = os.clock()
      read()
      assert.is_true(os.clock() - began < MOST_SECONDS)
    end)
  end
end)

it("a bearer's token is read", function()
  assert.equal("abc", request.bearer("Bearer abc"))
  assert.equal("abc", request.bearer("bearer  abc "))
  for _, header in ipairs({ "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b", "xBearer abc" }) do
    assert.is_nil(request.bearer(header), header)
  end
  assert.is_nil(request.bearer(nil))
end)

it("JSON is known by its content type", function()
  for _, header in ipairs({ "application/json", "Application/JSON", "application/json; charset=utf-8",
    "application/json;charset=utf-8" }) do
    assert.is_true(request.is_json(header), header)
  end
  for _, header in ipairs({ "", "text/plain", "application/jsonp", "text/plain; application/json",
    "application/x-www-form-urlencoded", "text/plain, application/json", "multipart/form-data" }) do
    assert.is_false(request.is_json(header), header)
  end
  assert.is_false(request.is_json(nil))
end)
