local base64 = require("dockhost.base64")
local mutate = require("mutate")

describe("base64", function()
  -- RFC 4648, section 10
  local vectors = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
    { "\xFB\xFF\xBF\0", "+/+/AA==" },
  }

  for _, vector in ipairs(vectors) do
    it(("reads and writes %q"):format(vector[2]), function()
      assert.equal(vector[1], base64.decode(vector[2]))
      assert.equal(vector[2], base64.encode(vector[1]))
    end)
  end

  for _, text in ipairs {
    "Z", "Zg", "Zg=", "Zm8", "Zm9v=", "Zm9v====", "====", "=", "Zg==Zg==", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
    "Zm-_", "\xC3\xA9AA", "Zm9\0",
  } do
    it(("refuses %q"):format(text), function()
      assert.is_nil(base64.decode(text))
    end)
  end

  it("refuses what is not text", function()
    assert.is_nil(base64.decode(nil))
    assert.is_nil(base64.decode(12))
    assert.is_nil(base64.decode_url({}))
  end)

  it("reads the URL-safe alphabet without padding", function()
    assert.equal("\xFB\xFF\xBF", base64.decode_url("-_-_"))
    assert.equal("f", base64.decode_url("Zg"))
    assert.equal("fo", base64.decode_url("Zm8"))
    for _, text in ipairs { "Zg==", "+/+/", "Z", "Zh", "Zm9" } do
      assert.is_nil(base64.decode_url(text), text)
    end
  end)

  it("reads back every byte", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local all = table.concat(bytes)
    for cut = 1, 4 do
      assert.equal(all:sub(cut), base64.decode(base64.encode(all:sub(cut))))
    end
  end)

  it("accepts only the one encoding of what it decodes", function()
    local accepted = 0
    mutate.each({ "Zm9vYmFy", "Zm9vYg==", "+/+/AA==" }, 2000, function(mutant)
      local bytes = base64.decode(mutant)
      if bytes then
        accepted = accepted + 1
        assert.equal(mutant, base64.encode(bytes))
      end
    end)
    assert.is_true(accepted > 0)
  end)
end)
