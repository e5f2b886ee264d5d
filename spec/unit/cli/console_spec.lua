local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")

local TOKEN = ("0123456789abcdef"):rep(2)

local host, environ
before_each(function()
  environ = { HOME = "/root", DOCKHOST_STATE = "/state" }
  host = fake_host.new({ environ = environ, files = { ["/state/console-token"] = TOKEN } })
end)

local function console()
  local code, printed = captured.run(cli.main, host, "/share", { "console" })
  return code, printed.stdout
end

describe("console", function()
  it("prints the address that opens it, and the log has no token", function()
    local code, stdout = console()
    assert.same({ 0, "http://127.0.0.1:3002/?token=" .. TOKEN .. "\n" }, { code, stdout })
    assert.is_nil(host:logged():find(TOKEN, 1, true))
  end)

  it("is where the settings say", function()
    environ.DOCKHOST_CONSOLE = "[::1]:4000"
    assert.equal("http://[::1]:4000/?token=" .. TOKEN .. "\n", select(2, console()))
  end)

  it("says so where there is none", function()
    environ.DOCKHOST_CONSOLE = "off"
    local code, stdout = console()
    assert.same({ 1, "" }, { code, stdout })
    assert.matches("DOCKHOST_CONSOLE is off", host:logged())
  end)

  it("says what makes a token where there is none yet", function()
    host.files["/state/console-token"] = nil
    local code, stdout = console()
    assert.same({ 1, "" }, { code, stdout })
    assert.matches("/state/console%-token yet: `dockhost run` makes it", host:logged())
  end)

  it("says why it can't be read", function()
    host.file.read = function(path, _, done)
      if path == "/state/console-token" then
        done(nil, path .. ": Permission denied", "EACCES")
      else
        done(nil, path .. ": No such file or directory", "ENOENT")
      end
      return { close = function() end }
    end
    local code, stdout = console()
    assert.same({ 1, "" }, { code, stdout })
    assert.matches("the token can't be read: .*Permission denied", host:logged())
  end)
end)
