local script_files = require("script_files")

local describe_instance = dofile(script_files.shipped .. "/container.lua")

local INSTANCE = { username = "ada", image = "some/image", keys = "ssh-ed25519 AAAA ada\n",
  ports = { ssh = 3100, http = 3101, https = 3102 } }
local CONFIG = { memory = 536870912, cpus = 0.5, pids = 512 }

local function body(config)
  return describe_instance(INSTANCE, config or CONFIG)
end

describe("a new instance", function()
  it("is of the image, with the key where the Node backend's image looks for it", function()
    assert.equal("some/image", body().Image)
    assert.same({ "SSH_PUB_KEY=" .. INSTANCE.keys }, body().Env)
  end)

  it("has its three ports published", function()
    assert.same({
      ["22/tcp"] = { { HostPort = "3100" } },
      ["80/tcp"] = { { HostPort = "3101" } },
      ["443/tcp"] = { { HostPort = "3102" } },
    }, body().HostConfig.PortBindings)
    assert.same({ ["22/tcp"] = {}, ["80/tcp"] = {}, ["443/tcp"] = {} }, body().ExposedPorts)
  end)

  it("has the limits of the settings", function()
    local host = body().HostConfig
    assert.equal(536870912, host.Memory)
    assert.equal(500000000, host.NanoCpus)
    assert.equal("integer", math.type(host.NanoCpus))
    assert.equal(512, host.PidsLimit)
  end)

  for _, case in ipairs({ { 0.29, 290000000 }, { 0.57, 570000000 }, { 1.1, 1100000000 }, { 64, 64000000000 } }) do
    it("may use " .. case[1] .. " processors exactly", function()
      assert.equal(case[2], body({ memory = 0, cpus = case[1], pids = 0 }).HostConfig.NanoCpus)
    end)
  end

  it("has no limits where the settings say 0", function()
    local host = body({ memory = 0, cpus = 0, pids = 0 }).HostConfig
    assert.same({ 0, 0, 0 }, { host.Memory, host.NanoCpus, host.PidsLimit })
  end)

  it("is hardened and bounded", function()
    local host = body().HostConfig
    assert.equal("dockhost", host.NetworkMode)
    assert.equal("unless-stopped", host.RestartPolicy.Name)
    assert.is_true(host.Init)
    assert.is_false(host.Privileged)
    assert.same({ "NET_RAW", "MKNOD" }, host.CapDrop)
    assert.is_nil(host.CapAdd)
    assert.same({ Type = "json-file", Config = { ["max-size"] = "10m", ["max-file"] = "3" } }, host.LogConfig)
  end)
end)
