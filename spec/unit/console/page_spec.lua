local page = require("dockhost.console.page")

describe("a file of the page", function()
  for _, name in ipairs({ "console.js", "console.css", "favicon.svg", "a-b.js" }) do
    it("may be " .. name, function()
      assert.is_true(page.is_file(name))
    end)
  end

  for _, name in ipairs({ "", "console", "index.html", "console.lua", "Console.js", "a/b.js", "../x.js", ".js",
    "a.js.js", "console.js\0", "a_b.js", "a1.js" }) do
    it("may not be '" .. name .. "'", function()
      assert.is_false(page.is_file(name))
    end)
  end

  it("is read from where the program's files are, and answered as what it is", function()
    local answered, asked
    local exchange = { respond = function(_, status, headers, body)
      answered = { status, headers["Content-Type"], body }
      return true
    end }
    page.answer({ share = "/share", node = { read = function(path)
      asked = path
      return "text"
    end } }, exchange, "console.js")
    assert.equal("/share/lib/dockhost/console/page/console.js", asked)
    assert.same({ 200, "text/javascript; charset=utf-8", "text" }, answered)
  end)
end)

it("every file of the page may be asked for", function()
  local list = assert(io.popen("ls lib/dockhost/console/page"))
  local count = 0
  for name in list:lines() do
    count = count + 1
    assert.is_true(name == "index.html" or page.is_file(name), name)
  end
  list:close()
  assert.is_true(count > 3)
end)
