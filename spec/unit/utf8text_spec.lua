-- dockhost.utf8text: strict validity and repair.
local utf8text = require("dockhost.utf8text")

local VALID = {
  empty = "",
  ascii = "plain text\0\127",
  ["two to four bytes"] = "é € 😀",
  ["last code point"] = "\u{10FFFF}",
  ["around the surrogates"] = "\u{D7FF}\u{E000}",
}

local REPAIRED = {
  { "a stray continuation byte", "a\x80b", "a\u{FFFD}b" },
  { "a truncated character", "a\xE2\x82", "a\u{FFFD}\u{FFFD}" },
  { "an overlong slash", "\xC0\xAF", "\u{FFFD}\u{FFFD}" },
  { "a surrogate", "\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}" },
  { "past the last code point", "\xF4\x90\x80\x80", ("\u{FFFD}"):rep(4) },
  { "an old five-byte form", "\xF8\x88\x80\x80\x80", ("\u{FFFD}"):rep(5) },
  { "a bad byte before a good character", "\xFF€", "\u{FFFD}€" },
  { "a bad byte at the end", "€\xFE", "€\u{FFFD}" },
}

describe("utf8text", function()
  for name, text in pairs(VALID) do
    it("keeps " .. name, function()
      assert.is_true(utf8text.valid(text))
      assert.are.equal(text, utf8text.repair(text))
    end)
  end

  for _, case in ipairs(REPAIRED) do
    it("repairs " .. case[1], function()
      assert.is_false(utf8text.valid(case[2]))
      assert.are.equal(case[3], utf8text.repair(case[2]))
    end)
  end

  it("repairs each bad byte by itself", function()
    local function slowly(text)
      local out = text:gsub("[\x80-\xFF]", "\u{FFFD}")
      return out
    end
    for _, piece in ipairs({ "\xFF", "\x80", "a\x80", "\xE2\x82b\xFE" }) do
      local text = piece:rep(9000)
      assert.equal(slowly(text), utf8text.repair(text))
    end
  end)

  for _, piece in ipairs({ "\xFF", "\x80", "\xE2\x82", "a\xFF", "a\x80", "\xED\xA0\x80" }) do
    it(("takes little time and heap for 4 MiB of %q"):format(piece), function()
      local text = piece:rep(4 * 1024 * 1024 // #piece)
      collectgarbage()
      local heap, started = collectgarbage("count"), os.clock()
      assert.is_true(utf8text.valid(utf8text.repair(text)))
      assert.is_true(os.clock() - started < 0.9)
      assert.is_true(collectgarbage("count") - heap < 64 * 1024)
    end)
  end

  it("repairs any bytes into valid text", function()
    math.randomseed(7)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(0, 40) do
        bytes[i] = string.char(math.random(0, 255))
      end
      assert.is_true(utf8text.valid(utf8text.repair(table.concat(bytes))))
    end
  end)
end)
