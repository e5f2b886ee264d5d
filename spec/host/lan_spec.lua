-- host.lan: in a network namespace of its own, with made-up interfaces and a made-up /sys/class/net.
local lan = require("host.lan")

local SETUP = [[
set -e
mount -t tmpfs none /sys/class/net
link() { ip link add "$1" type bridge; ip addr add "$2"/24 dev "$1"; }
ip link set lo up
cd /sys/class/net
mkdir lo

link eth0 192.0.2.1; ip link set eth0 up
ip addr add 192.0.2.7/24 dev eth0 label eth0:1
mkdir -p eth0/device

link eth1 192.0.2.2; mkdir -p eth1/device        # down

link veth0 192.0.2.3; mkdir veth0                # no hardware

link docker0 192.0.2.4; mkdir -p docker0/brif/veth0 docker0/lower_veth0

link br0 192.0.2.5; mkdir -p br0/brif/eth0

link bond0 192.0.2.6; mkdir -p bond0/lower_eth1

link vlan0 192.0.2.8; mkdir -p vlan0/lower_br1 br1/brif/bond0   # a VLAN on a bridge on a bond

link loop0 192.0.2.9; mkdir -p loop0/lower_loop1 loop1/lower_loop0
ip link add none0 type bridge; ip link set none0 up              # no address
cd /
exec "$@"
]]

local REPORT = [[
for _, i in ipairs(require("host.lan").interfaces()) do
  print(i.name, i.address, i.physical and "physical" or "virtual", i.up and "up" or "down", i.loopback)
end
]]

local function temporary(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

local function report()
  local exe = assert(io.popen("readlink /proc/$PPID/exe")):read("l")
  local setup, script = temporary(SETUP), temporary(REPORT)
  local pipe = assert(io.popen(("unshare -mn sh %s '%s' %s 2>&1"):format(setup, exe, script)))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line:gsub("\t", " ")
  end
  pipe:close()
  os.remove(setup)
  os.remove(script)
  table.sort(lines)
  return lines
end

describe("host.lan", function()
  it("tells the interfaces with hardware behind them from the others", function()
    assert.are.same({
      "bond0 192.0.2.6 physical down false",
      "br0 192.0.2.5 physical down false",
      "docker0 192.0.2.4 virtual down false",
      "eth0 192.0.2.1 physical up false",
      "eth0 192.0.2.7 physical up false",
      "eth1 192.0.2.2 physical down false",
      "lo 127.0.0.1 virtual up true",
      "loop0 192.0.2.9 virtual down false",
      "veth0 192.0.2.3 virtual down false",
      "vlan0 192.0.2.8 physical down false",
    }, report())
  end)

  it("agrees with the machine that runs it", function()
    local expected = {}
    for line in assert(io.popen("ip -4 -o addr")):lines() do
      local name, address = line:match("^%d+:%s+(%S+)%s+inet (%d+%.%d+%.%d+%.%d+)")
      expected[#expected + 1] = name .. " " .. address
    end
    local found = {}
    for _, interface in ipairs(lan.interfaces()) do
      found[#found + 1] = interface.name .. " " .. interface.address
    end
    table.sort(expected)
    table.sort(found)
    assert.are.same(expected, found)
  end)
end)
