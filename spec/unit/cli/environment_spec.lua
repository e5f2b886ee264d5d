local environment = require("dockhost.cli.environment")
local fake_host = require("fake_host")

-- What a verb has by then: `read` answers from a table of files, without waiting.
local function app_of(environ, files, env_file)
  local host = fake_host.new({ environ = environ })
  return {
    host = host,
    parsed = { env_file = env_file },
    wiped = {},
    read = function(path)
      local text = files and files[path]
      if not text then
        return nil, "can't read " .. path, "ENOENT"
      end
      return text
    end,
  }
end

describe("the settings of an environment", function()
  it("come from it, then from .env", function()
    local files = { [".env"] = "DOCKHOST_PULL=never\nDOCKHOST_PIDS=7\n", ["other.env"] = "DOCKHOST_PIDS=8\n" }
    local environ = { HOME = "/root", DOCKHOST_PULL = "always" }
    local settings = environment.settings(app_of(environ, files))
    assert.same({ "always", 7 }, { settings.pull, settings.pids })
    settings = environment.settings(app_of(environ, files, "other.env"))
    assert.same({ "always", 8 }, { settings.pull, settings.pids })
  end)

  it("need a file that is named, and no other", function()
    assert.is_table(environment.settings(app_of({ HOME = "/root" })))
    local settings, errors = environment.settings(app_of({ HOME = "/root" }, {}, "gone.env"))
    assert.is_nil(settings)
    assert.same({ "no settings: can't read gone.env" }, errors)
  end)

  it("name the line of a file that does not parse", function()
    local settings, errors = environment.settings(app_of({ HOME = "/root" }, { [".env"] = "A=1\nnonsense\n" }))
    assert.is_nil(settings)
    assert.same({ ".env:2: not a line like NAME=value" }, errors)
  end)

  it("are secret no longer than until they are read, and known ever after", function()
    local environ = { HOME = "/root", DOCKHOST_API_KEY = "a-key-of-this-node" }
    local app = app_of(environ)
    for _ = 1, 2 do
      assert.equal("a-key-of-this-node", environment.settings(app).api_key)
      assert.same({ HOME = "/root" }, environ)
    end
    assert.same({ DOCKHOST_API_KEY = "a-key-of-this-node" }, app.wiped)
  end)

  it("leave no secret behind when they do not stand", function()
    local environ = { HOME = "/root", DOCKHOST_API_KEY = "a-key-of-this-node", DOCKHOST_PULL = "sometimes" }
    assert.is_nil((environment.settings(app_of(environ, { [".env"] = "nonsense" }))))
    assert.is_nil(environ.DOCKHOST_API_KEY)
  end)
end)
