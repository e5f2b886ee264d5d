local env = require("dockhost.env")
local mutate = require("mutate")

describe("env.parse", function()
  for line, value in pairs {
    ["A=b"] = "b",
    ["A="] = "",
    ["A=b\r"] = "b",
    ["  A = b c  "] = "b c",
    ["export A=b"] = "b",
    ["  export\tA=b"] = "b",
    ["A=b # comment"] = "b",
    ["A=b\t#comment"] = "b",
    ["A=b#c"] = "b#c",
    ["A=#b"] = "#b",
    ["A= # comment"] = "",
    ["A=b=c"] = "b=c",
    ["A=b\\nc"] = "b\\nc",
    ["A=it's"] = "it's",
    ["A='b # \"c\\n'"] = "b # \"c\\n",
    ["A=''"] = "",
    ["A='b' # comment"] = "b",
    ['A="b c"'] = "b c",
    ['A=""'] = "",
    ['A="b\\nc"'] = "b\nc",
    ['A="\\"\\\\"'] = '"\\',
    ['A="\\\\n"'] = "\\n",
    ['A="\\t$HOME #x"  '] = "\\t$HOME #x",
    ["\u{FEFF}A=b"] = "b",
  } do
    it(("reads %q"):format(line), function()
      local values, problems = env.parse(line)
      assert.same({}, problems)
      assert.same({ A = value }, values)
    end)
  end

  it("reads a file, the last of equal names winning", function()
    local values, problems = env.parse("# settings\r\n\r\nA=1\r\n   # more\r\nB_2='x'\nA=2\nexport=3")
    assert.same({}, problems)
    assert.same({ A = "2", B_2 = "x", export = "3" }, values)
  end)

  for line, message in pairs {
    ["word"] = "not a line like NAME=value",
    ["=x"] = "not a line like NAME=value",
    ["1A=x"] = "not a line like NAME=value",
    ["A B=x"] = "not a line like NAME=value",
    ["A='x"] = "A: the quote ' is not closed on this line",
    ['A="x'] = 'A: the quote " is not closed on this line',
    ['A="x\\"'] = 'A: the quote " is not closed on this line',
    ["A='x'y"] = "A: there is text after the closing quote",
    ['A="x"#y'] = "A: there is text after the closing quote",
  } do
    it(("finds fault with %q and goes on"):format(line), function()
      local values, problems = env.parse("B=1\n" .. line .. "\nC=2")
      assert.same({ { line = 2, message = message } }, problems)
      assert.same({ B = "1", C = "2" }, values)
    end)
  end

  it("is bounded", function()
    local values, problems = env.parse("A=" .. ("x"):rep(65 * 1024))
    assert.same({}, values)
    assert.same({ { line = 1, message = "the file is larger than 64 KiB" } }, problems)
    assert.equal(20, #select(2, env.parse(("x\n"):rep(1000))))
  end)

  it("takes no quadratic time over white space", function()
    local started = os.clock()
    env.parse("A=x" .. (" "):rep(60000) .. "x")
    env.parse((" "):rep(60000) .. "x")
    env.parse("A" .. (" "):rep(60000) .. "x")
    assert.is_true(os.clock() - started < 0.5)
  end)

  it("answers whatever it is given", function()
    assert.same({}, (env.parse(nil)))
    mutate.each({ "A=b\nexport C='d'\n# x\nE=\"f\\n\\\"\" # g\n" }, 2000, function(mutant)
      local values, problems = env.parse(mutant)
      for name, value in pairs(values) do
        assert.matches("^[%a_][%w_.-]*$", name)
        assert.is_string(value)
      end
      for _, problem in ipairs(problems) do assert.is_string(problem.message) end
    end)
  end)
end)
