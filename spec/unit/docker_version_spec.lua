local docker_version = require("dockhost.docker_version")

describe("the version that is chosen", function()
  -- the daemon's newest, its oldest, what is spoken; the daemons' own are those of their releases
  local cases = {
    { "1.41", "1.12", "1.41" }, -- Docker Engine 20.10
    { "1.41", "1.24", "1.41" }, -- Podman 4 and 5
    { "1.43", "1.12", "1.43" }, -- Docker Engine 24
    { "1.44", "1.24", "1.44" }, -- Docker Engine 25
    { "1.48", "1.24", "1.44" }, -- Docker Engine 28
    { "1.52", "1.44", "1.44" }, -- Docker Engine 29
    { "1.100", "1.44", "1.44" },
    { "1.99", "1.60", "1.60" },
    { "2.3", "2.0", "2.0" },
    { "1.55", nil, "1.44" },
  }
  for _, case in ipairs(cases) do
    it(("of a daemon of %s to %s is %s"):format(case[2] or "?", case[1], case[3]), function()
      assert.equal(case[3], docker_version.choose(case[1], case[2]))
    end)
  end

  for _, old in ipairs({ "1.40", "1.9", "0.99" }) do
    it("is none with a daemon of " .. old, function()
      local version, message = docker_version.choose(old, "1.2")
      assert.is_nil(version)
      assert.equal(1, (message:find("is too old: it speaks API " .. old .. " at the newest, and", 1, true)))
    end)
  end

  it("is none where the daemon's own do not fit", function()
    assert.same({ nil, "speaks no version of its API: 1.60 at the oldest, 1.50 at the newest" },
      { docker_version.choose("1.50", "1.60") })
  end)

  for _, word in ipairs({ "fifteen", "1", "1.41.2", "", "1.4e1", "99999999999.1" }) do
    it(("is none where %q stands for a version"):format(word), function()
      assert.same({ nil, "is not a Docker Engine" }, { docker_version.choose(word) })
    end)
  end
end)

describe("a refusal", function()
  it("is one of the version in the daemon's own words alone", function()
    local old = "client version 1.41 is too old. Minimum supported API version is 1.44"
    local new = "client version 1.44 is too new. Maximum supported API version is 1.41"
    assert.is_true(docker_version.is_refusal(400, old))
    assert.is_true(docker_version.is_refusal(400, new))
    assert.is_false(docker_version.is_refusal(400, "invalid reference format"))
    assert.is_false(docker_version.is_refusal(500, old))
  end)
end)
