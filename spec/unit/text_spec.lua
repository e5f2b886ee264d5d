local text = require("dockhost.text")

describe("text.bytes", function()
  for n, shown in pairs {
    [-1] = "0 B", [0] = "0 B", [999] = "999 B", [1000] = "1.0 kB", [1536] = "1.5 kB", [9949] = "9.9 kB",
    [9950] = "10 kB", [92e6] = "92 MB", [999499] = "999 kB", [999500] = "1.0 MB", [536870912] = "537 MB",
    [1.5e9] = "1.5 GB", [2e12] = "2.0 TB", [1e30] = "1000000000000 EB",
  } do
    it(("of %s is %s"):format(n, shown), function()
      assert.equal(shown, text.bytes(n))
    end)
  end
end)

describe("text.trim", function()
  it("takes the white space off both ends", function()
    for given, trimmed in pairs { [""] = "", ["  "] = "", [" a b\r\n"] = "a b", ["a"] = "a", ["\t\na"] = "a" } do
      assert.equal(trimmed, text.trim(given))
    end
  end)
end)

describe("text.closest", function()
  local words = { "PORT_START", "PORT_END", "MEMORY", "CPUS", "LOG", "run", "check" }
  for word, meant in pairs {
    PORTSTART = "PORT_START", PROT_END = "PORT_END", MEM = "MEMORY", CPU = "CPUS", LOGG = "LOG", rnu = "run",
    chek = "check", memory = "MEMORY",
  } do
    it(("takes %s for %s"):format(word, meant), function()
      assert.equal(meant, text.closest(word, words))
    end)
  end

  it("has no suggestion for what resembles nothing", function()
    for _, word in ipairs { "", "FOO", "EVERYTHING", ("PORT_START"):rep(1000) } do
      assert.is_nil(text.closest(word, words))
    end
    assert.is_nil(text.closest("LOG", {}))
  end)
end)

describe("text.columns", function()
  it("aligns by characters and ends no line with spaces", function()
    assert.equal("USER    STATE\nJürgen  up\nal\n", text.columns {
      { "USER", "STATE" }, { "Jürgen", "up" }, { "al", "" },
    })
  end)

  it("takes numbers, missing cells and hostile text", function()
    local shown = text.columns { { "A", "B", "C" }, { 1, nil, "x" }, { "\27[2J", 2 } }
    assert.equal("A        B  C\n1           x\n\\x1B[2J  2\n", shown)
  end)

  it("is empty without rows", function()
    assert.equal("", text.columns {})
  end)

  it("takes no quadratic time over spaces", function()
    local started = os.clock()
    text.columns { { "A" }, { "x" .. (" "):rep(60000) .. "x" } }
    assert.is_true(os.clock() - started < 0.5)
  end)
end)
