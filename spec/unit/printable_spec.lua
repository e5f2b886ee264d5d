local printable = require("dockhost.printable")
local mutate = require("mutate")

describe("printable", function()
  for _, case in ipairs {
    { "plain \"text\" \\", "plain \"text\" \\", 'plain \\"text\\" \\\\', 'plain \\"text\\" \\\\' },
    { "[]{}~!#", "[]{}~!#", "[]{}~!#", "[]{}~!#" },
    { "Jürgen 用户 🙂", "Jürgen 用户 🙂", "Jürgen 用户 🙂", "Jürgen 用户 🙂" },
    { "a\nb\r\tc", "a\\nb\\r\\tc", "a\\nb\\r\\tc", "a\\nb\\r\\tc" },
    { "\0\27[2J\127", "\\x00\\x1B[2J\\x7F", "\\x00\\x1B[2J\\x7F", "\\u0000\\u001b[2J\\u007f" },
    { "\u{85}\u{9B}", "\\u{85}\\u{9B}", "\\u{85}\\u{9B}", "\\u0085\\u009b" },
    { "\u{202E}a\u{2066}", "\\u{202E}a\\u{2066}", "\\u{202E}a\\u{2066}", "\\u202ea\\u2066" },
    { "\u{2028}", "\\u{2028}", "\\u{2028}", "\\u2028" },
    { "\xFFa\xC3", "\\xFFa\\xC3", "\\xFFa\\xC3", "\u{FFFD}a\u{FFFD}" },
    { "é\x80", "é\\x80", "é\\x80", "é\u{FFFD}" },
    { "\xED\xA0\x80", "\\xED\\xA0\\x80", "\\xED\\xA0\\x80", ("\u{FFFD}"):rep(3) },
  } do
    it(("shows %q"):format(case[1]), function()
      assert.equal(case[2], printable.text(case[1]))
      assert.equal(case[3], printable.quoted(case[1]))
      assert.equal(case[4], printable.json(case[1]))
    end)
  end

  it("cuts at the limit, never inside a character or an escape", function()
    assert.equal("abc", printable.text("abc", 3))
    assert.equal("ab…", printable.text("abc", 2))
    assert.equal("aé", printable.text("aé", 3))
    assert.equal("a…", printable.text("aé", 2))
    assert.equal("a…", printable.text("a\0", 4))
    assert.equal("a\\x00", printable.text("a\0", 5))
    assert.equal("…", printable.json("\n", 1))
  end)

  it("leaves nothing that could harm a line", function()
    mutate.each({ "abc\n\27[2J\u{202E}é", "用户\u{85}\"\\" }, 2000, function(mutant)
      for _, show in pairs(printable) do
        local shown = show(mutant, 40)
        assert.is_true(utf8.len(shown) ~= nil and #shown <= 43)
        assert.is_nil(shown:find("[\0-\31\127]"))
        assert.is_nil(shown:find("\xC2[\x80-\x9F]"))
        assert.is_nil(shown:find("\u{202E}", 1, true))
      end
      assert.is_nil(printable.quoted(mutant):gsub("\\.", ""):find('"'))
      assert.is_nil(printable.json(mutant):gsub("\\.", ""):find('"'))
    end)
  end)
end)
