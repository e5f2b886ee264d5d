local lan = require("dockhost.lan")

local function interface(name, address, changes)
  local made = { name = name, address = address, physical = true, up = true, loopback = false }
  for key, value in pairs(changes or {}) do made[key] = value end
  return made
end

describe("lan.pick", function()
  local lo = interface("lo", "127.0.0.1", { physical = false, loopback = true })

  for name, case in pairs {
    ["the first private address"] = {
      { lo, interface("eth0", "8.8.4.4"), interface("eth1", "192.168.1.10"), interface("eth2", "10.0.0.1") },
      "192.168.1.10",
    },
    ["a carrier's shared address"] = { { interface("eth0", "100.64.0.1") }, "100.64.0.1" },
    ["the end of 172.16/12"] = { { interface("eth0", "172.31.255.1") }, "172.31.255.1" },
    ["a public address when there is no private one"] = {
      { interface("eth0", "169.254.3.4"), interface("eth1", "172.32.0.1") }, "172.32.0.1",
    },
    ["a physical interface before Docker's"] = {
      {
        interface("docker0", "172.17.0.1"), interface("br-0123", "172.18.0.1"), interface("veth1a2b", "10.1.1.1"),
        interface("wlan0", "192.168.0.7"),
      },
      "192.168.0.7",
    },
    ["a bridge that has a device"] = { { interface("br0", "192.168.0.8") }, "192.168.0.8" },
    ["nothing of an interface that is down"] = { { interface("eth0", "10.0.0.1", { up = false }) }, nil },
    ["nothing virtual"] = { { interface("tun0", "10.8.0.1", { physical = false }) }, nil },
    ["nothing of loopback"] = { { lo, interface("eth0", "127.0.0.2") }, nil },
    ["nothing link-local"] = { { interface("eth0", "169.254.1.1") }, nil },
    ["nothing malformed"] = {
      {
        interface("eth0", "10.0.0"), interface("eth0", "10.0.0.256"), interface("eth0", "fe80::1"),
        interface("eth0", nil), interface(nil, "10.0.0.1"), interface("eth0", "0.0.0.0"),
        interface("eth0", "224.0.0.1"), "eth0",
      },
      nil,
    },
    ["nothing of nothing"] = { {}, nil },
  } do
    it("chooses " .. name, function()
      assert.equal(case[2], lan.pick(case[1]))
    end)
  end

  it("answers when the interfaces could not be read", function()
    assert.is_nil(lan.pick(nil))
  end)
end)
