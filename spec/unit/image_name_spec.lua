local image_name = require("dockhost.image_name")
local mutate = require("mutate")

describe("image_name.check", function()
  for _, name in ipairs {
    "sohampirale/instance", "instance", "instance:latest", "a/b/c:1.2-x_y", "localhost/a", "localhost:5000/a:b",
    "registry.example.com/a/b", "Registry.Example.com:443/a", "127.0.0.1:5000/dockhost", "a__b", "a.b", "a---b", "a_b",
    "a@sha256:" .. ("0a"):rep(32), "a:b@sha256:" .. ("0a"):rep(32), "sha256:" .. ("0a"):rep(32), "a:" .. ("t"):rep(128),
  } do
    it("accepts " .. name, function()
      assert.equal(name, image_name.check(name))
    end)
  end

  for _, case in ipairs {
    { "a b", "spaces" }, { "a\t", "spaces" },
    { "Sohampirale/instance", "capital" }, { "A", "capital" }, { "localhost/A", "capital" },
    { "", "not an image" }, { "/a", "not an image" }, { "a/", "not an image" }, { "a//b", "not an image" },
    { "-a", "not an image" }, { "a-", "not an image" }, { "a___b", "not an image" }, { "a..b", "not an image" },
    { "a_.b", "not an image" }, { "é", "not an image" }, { "a$b", "not an image" }, { "localhost/", "not an image" },
    { "a:", "tag" }, { "a:-b", "tag" }, { "a:" .. ("t"):rep(129), "tag" }, { "a:b:c", "not an image" },
    { "http://example.com/a", "registry" }, { "-x.com/a", "registry" }, { "x..com/a", "registry" },
    { "a.com:b/c", "registry" },
    { "a@sha256:xyz", "digest" }, { "a@", "digest" }, { "a@sha256:0a", "digest" },
    { ("0a"):rep(32), "an id" }, { ("a"):rep(256), "255" },
  } do
    it(("refuses %q"):format(case[1]:sub(1, 30)), function()
      local name, message = image_name.check(case[1])
      assert.is_nil(name)
      assert.matches(case[2], message)
    end)
  end

  it("answers whatever it is given", function()
    local accepted = 0
    mutate.each({ "registry.example.com:443/a/b_c:1.2@sha256:" .. ("0a"):rep(32), "a/b" }, 2000, function(mutant)
      local name, message = image_name.check(mutant)
      accepted = accepted + (name and 1 or 0)
      if name then
        assert.is_nil(name:find("[^%w._/:@-]"))
      else
        assert.is_string(message)
      end
    end)
    assert.is_true(accepted > 20)
  end)
end)
