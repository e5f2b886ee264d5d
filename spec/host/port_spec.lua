-- host.port: against real listeners, which a Node process holds.
local port = require("host.port")

local LISTEN = [[
const net = require("net");
const [address, count] = process.argv.slice(1);
const servers = Array.from({ length: Number(count) }, () => net.createServer());
let waiting = servers.length;
for (const server of servers) {
  server.listen({ port: 0, host: address, ipv6Only: address.includes(":") }, () => {
    if (--waiting === 0) console.log([process.pid, ...servers.map((s) => s.address().port)].join(" "));
  });
}
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500);
]]

-- Returns the ports and what ends the listeners.
local function listen(address, count)
  local pipe = assert(io.popen(("exec node -e '%s' '%s' %d"):format(LISTEN, address, count)))
  local numbers = {}
  for number in pipe:read("l"):gmatch("%d+") do
    numbers[#numbers + 1] = math.tointeger(number)
  end
  local pid = table.remove(numbers, 1)
  return numbers, function()
    os.execute("kill " .. pid)
    pipe:close()
  end
end

-- Stands for a kernel or a sandbox that refuses a family of sockets.
local REFUSE = [[
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int socket(int domain, int type, int protocol) {
  if (domain != atoi(getenv("REFUSED_FAMILY")))
    return (int)syscall(SYS_socket, domain, type, protocol);
  errno = EAFNOSUPPORT;
  return -1;
}
]]
local AF_INET6, AF_NETLINK = 10, 16

-- Runs a script in a host of its own that gets no sockets of the family, and returns what it printed.
local function without(family, script)
  local path, library = os.tmpname(), os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local port = require("host.port")\n', script)
  file:close()
  local compiler = assert(io.popen("cc -shared -fPIC -xc - -o " .. library, "w"))
  compiler:write(REFUSE)
  assert(compiler:close())
  local exe = assert(io.popen("readlink /proc/$PPID/exe")):read("l")
  local setup = "ASAN_OPTIONS=verify_asan_link_order=0 REFUSED_FAMILY=%d LD_PRELOAD=%s"
  local pipe = assert(io.popen((setup .. " '%s' %s 2>&1"):format(family, library, exe, path)))
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)
  os.remove(library)
  return output
end

describe("host.port", function()
  for _, address in ipairs({ "127.0.0.1", "0.0.0.0", "::1", "::" }) do
    it("finds what listens on " .. address, function()
      local numbers, stop = listen(address, 1)
      local listening, bindable = port.listening()[numbers[1]], port.bindable(numbers[1])
      stop()
      assert.is_true(listening)
      assert.is_false(bindable)
      assert.is_nil(port.listening()[numbers[1]])
      assert.is_true(port.bindable(numbers[1]))
    end)
  end

  it("finds more listeners than one message of the kernel holds", function()
    local numbers, stop = listen("127.0.0.1", 2000)
    local listening = port.listening()
    stop()
    for _, number in ipairs(numbers) do
      assert.is_true(listening[number])
    end
  end)

  it("answers with integers and nothing but true", function()
    local _, stop = listen("127.0.0.1", 1)
    local listening = port.listening()
    stop()
    for number, value in pairs(listening) do
      assert.are.equal("integer", math.type(number))
      assert.is_true(value)
    end
  end)

  it("leaves out a port that is only one end of a connection", function()
    local numbers, stop = listen("127.0.0.1", 1)
    local pipe = assert(io.popen(("exec node -e '%s' %d"):format(
      [[const s = require("net").connect(process.argv[1], "127.0.0.1", () => console.log(process.pid, s.localPort))]],
      numbers[1])))
    local pid, own = pipe:read("n", "n")
    local listening = port.listening()
    os.execute("kill " .. pid)
    pipe:close()
    stop()
    assert.is_true(listening[numbers[1]])
    assert.is_nil(listening[own])
  end)

  it("counts a port as free that only closed connections linger on", function()
    local script = [[
      const net = require("net");
      const server = net.createServer((socket) => socket.end());
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address();
        net.connect(port, "127.0.0.1").resume().on("close", () => server.close(() => console.log(port)));
      });
    ]]
    local number = assert(io.popen(("exec node -e '%s'"):format(script))):read("n")
    assert.is_true(port.bindable(number))
  end)

  it("is decided by IPv4 alone where there is no IPv6", function()
    local numbers, stop = listen("127.0.0.1", 1)
    local script = ("print(port.bindable(%d))"):format(numbers[1])
    local taken = without(AF_INET6, script)
    stop()
    assert.are.equal("false\n", taken)
    assert.are.equal("true\n", without(AF_INET6, script))
  end)

  it("reports as a failure that the kernel can't be asked", function()
    assert.matches("^nil\t[^\t]*listened on[^\t]*\tEAFNOSUPPORT\n$", without(AF_NETLINK, "print(port.listening())"))
  end)

  for _, number in ipairs({ 0, 65536, -1, 1.5, "x" }) do
    it(("raises for %s, which is no port"):format(number), function()
      assert.has_error(function()
        port.bindable(number)
      end)
    end)
  end
end)
