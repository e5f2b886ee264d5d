-- What host.guard makes of string.find, match, gmatch and gsub: the same, under the watchdog.
local guard = require("host.guard")

local function results(fn, ...)
  return table.pack(fn(...))
end

local function all(text, pattern, init)
  local found = {}
  for a, b in text:gmatch(pattern, init) do
    table.insert(found, { a, b })
  end
  return found
end

describe("matching", function()
  for _, case in ipairs({
    { string.find, { "hello", "l" }, { 3, 3 } },
    { string.find, { "hello", "l", 4 }, { 4, 4 } },
    { string.find, { "hello", "l", -2 }, { 4, 4 } },
    { string.find, { "hello", "" }, { 1, 0 } },
    { string.find, { "hello", "", 6 }, { 6, 5 } },
    { string.find, { "hello", "", 7 }, { nil } },
    { string.find, { "hello", "xyz" }, { nil } },
    { string.find, { "a.b", ".", 1, true }, { 2, 2 } },
    { string.find, { "a\0b", "\0b" }, { 2, 3 } },
    { string.find, { "a.b", "%." }, { 2, 2 } },
    { string.find, { "key=value", "(%w+)=(%w+)" }, { 1, 9, "key", "value" } },
    { string.find, { "abc", "()b()" }, { 2, 2, 2, 3 } },
    { string.match, { "  trim  ", "^%s*(.-)%s*$" }, { "trim" } },
    { string.match, { "THE (quick) fox", "%((%a+)%)" }, { "quick" } },
    { string.match, { "f(a(b)c)d", "%b()" }, { "(a(b)c)" } },
    { string.match, { "THE quick", "%f[%l]%l+" }, { "quick" } },
    { string.match, { "abab", "(ab)%1" }, { "ab" } },
    { string.match, { "2024-01-02", "^(%d+)-(%d+)-(%d+)$" }, { "2024", "01", "02" } },
    { string.match, { "x]y", "[]]" }, { "]" } },
    { string.match, { "a-b", "[a%-]+" }, { "a-" } },
    { string.match, { "aaab", "a-b" }, { "aaab" } },
    { string.match, { "aaa", "a?a?$" }, { "aa" } },
    { string.match, { "\0\1", "[\0-\1]+" }, { "\0\1" } },
    { string.match, { "abc", "^b" }, { nil } },
    { string.match, { "äö", "[\x80-\xFF]+" }, { "äö" } },
    { string.gsub, { "hello", "l", "L" }, { "heLLo", 2 } },
    { string.gsub, { "hello", "l", "L", 1 }, { "heLlo", 1 } },
    { string.gsub, { "abc", "%w", "%0%0" }, { "aabbcc", 3 } },
    { string.gsub, { "a b", "(%w) (%w)", "%2 %1 %%" }, { "b a %", 1 } },
    { string.gsub, { "abc", "", "-" }, { "-a-b-c-", 4 } },
    { string.gsub, { "$name", "%$(%w+)", { name = "ada" } }, { "ada", 1 } },
    { string.gsub, { "$none", "%$(%w+)", {} }, { "$none", 1 } },
    { string.gsub, { "abc", "b", function() return false end }, { "abc", 1 } },
    { string.gsub, { "abc", "b", function(c) return c:upper() end }, { "aBc", 1 } },
    { string.gsub, { "abc", "()", "%1" }, { "1a2b3c4", 4 } },
    { string.gsub, { "aaa", "^a", "b" }, { "baa", 1 } },
  }) do
    it(("finds %q in %q"):format(case[2][2], case[2][1]), function()
      local found = results(case[1], table.unpack(case[2]))
      found.n = nil
      assert.same(case[3], found)
    end)
  end

  it("goes through all matches", function()
    assert.same({ { "a", "1" }, { "b", "2" } }, all("a=1, b=2", "(%w)=(%w)"))
    assert.same({ { "b", "2" } }, all("a=1, b=2", "(%w)=(%w)", 4))
    assert.same({ { "" }, { "" }, { "" } }, all("ab", "x*"))
    assert.same({}, all("ab", "x", 99))
  end)

  for pattern, message in pairs({
    ["("] = "unfinished capture",
    [")"] = "invalid pattern capture",
    ["["] = "malformed pattern (missing ']')",
    ["%"] = "malformed pattern (ends with '%')",
    ["%f"] = "missing '[' after '%f' in pattern",
    ["%b"] = "malformed pattern (missing arguments to '%b')",
    ["%1"] = "invalid capture index %1",
    [("(a)"):rep(33)] = "too many captures",
  }) do
    it("refuses " .. pattern:sub(1, 20), function()
      local ok, why = pcall(string.match, ("a"):rep(400), pattern)
      assert.is_false(ok)
      assert.matches(message, why, 1, true)
    end)
  end

  it("refuses what can't be a replacement", function()
    for _, case in ipairs({
      { "%", "invalid use of '%'" },
      { "%2", "invalid capture index %2" },
      { { a = {} }, "a table" },
    }) do
      local ok, why = pcall(string.gsub, "a", "a", case[1])
      assert.is_false(ok)
      assert.matches(case[2], why, 1, true)
    end
    assert.is_false((pcall(string.gsub, "a", "a", print, {})))
    assert.is_false((pcall(string.gsub, "a", "a", true)))
  end)
end)

describe("what takes for ever", function()
  local text, worst = ("a"):rep(5000), (".*"):rep(9) .. "b"

  local function stopped(fn, ...)
    local results_of = table.pack(guard.resume(coroutine.create(fn), 0.1, ...))
    assert.is_false(results_of[1])
    assert.matches("pattern_spec.lua:%d+: stopped: it ran 0.1 s without yielding", results_of[2])
  end

  it("is stopped: find, match, gsub", function()
    for _, name in ipairs({ "find", "match", "gsub" }) do
      stopped(function()
        return (string[name](text, worst, name == "gsub" and "" or nil))
      end)
    end
  end)

  it("is stopped: what is never balanced", function()
    stopped(function()
      return (("("):rep(1000000):find("%b()"))
    end)
  end)

  it("is over at once: nothing, many times", function()
    assert.equal("", (""):rep(1 << 40))
    assert.equal("abab", ("ab"):rep(2))
    assert.equal(",", (""):rep(2, ","))
    assert.equal("", ("a"):rep(-1))
    assert.equal("", (""):rep(-1))
  end)

  it("is stopped: gmatch", function()
    stopped(function()
      for _ in text:gmatch(worst) do end
    end)
  end)

  it("does not come of a plain search, whatever is searched", function()
    local s, p = ("a"):rep(20000000), ("a"):rep(10000000) .. "b"
    local ok, found = guard.resume(coroutine.create(string.find), 30, s, p, 1, true)
    assert.is_true(ok)
    assert.is_nil(found)
  end)

  it("is stopped in pcall and xpcall, over and over", function()
    stopped(function()
      while true do
        pcall(string.match, text, worst)
      end
    end)
    stopped(function()
      return xpcall(string.match, function()
        while true do end
      end, text, worst)
    end)
  end)

  it("is stopped where nothing can yield: in a comparator, in a callback", function()
    stopped(function()
      table.sort({ 1, 2 }, function()
        return text:match(worst) ~= nil
      end)
    end)
    stopped(function()
      return (("x"):gsub("x", function()
        return text:match(worst)
      end))
    end)
  end)

  it("is left alone where no watchdog is", function()
    assert.is_nil((("a"):rep(60):match((".-"):rep(4) .. "b")))
  end)
end)
