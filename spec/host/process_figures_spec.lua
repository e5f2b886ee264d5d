-- host.process.figures and libraries: against what the kernel and the libraries say of the same.
local process = require("host.process")

local function status(name)
  return tonumber(assert(io.open("/proc/self/status")):read("a"):match("\n" .. name .. ":%s*(%d+)"))
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

describe("host.process.figures", function()
  it("tells the memory as the kernel does", function()
    local figures = process.figures()
    -- The kernel counts in batches for each thread.
    assert.is_true(math.abs(figures.resident - status("VmRSS") * 1024) < 1024 * 1024)
    assert.is_true(math.abs(figures.virtual - status("VmSize") * 1024) < 1024 * 1024)
    local held = ("x"):rep(32 * 1024 * 1024)
    assert.is_true(process.figures().resident - figures.resident > 24 * 1024 * 1024)
    assert.equal(32 * 1024 * 1024, #held)
  end)

  it("tells the processor time, which only this process's work takes", function()
    local before, clock = process.figures().cpu, os.clock()
    while os.clock() - clock < 0.2 do
    end
    local taken = process.figures().cpu - before
    assert.is_true(taken >= 0.19 and taken < 5, tostring(taken))
  end)

  it("counts the open descriptors, and knows how many there may be", function()
    local before = process.figures().descriptors
    local files = {}
    for i = 1, 7 do
      files[i] = assert(io.open("/dev/null"))
    end
    assert.equal(before + 7, process.figures().descriptors)
    for _, file in ipairs(files) do
      file:close()
    end
    assert.equal(before, process.figures().descriptors)
    local most = assert(io.open("/proc/self/limits")):read("a"):match("Max open files%s+(%d+)")
    assert.equal(tonumber(most), process.figures().most_descriptors)
  end)

  it("tells when the process was started, and the same each time", function()
    local started = process.figures().started
    local age = output("ps -o etimes= -p $PPID")
    assert.is_true(math.abs(os.time() - tonumber(age) - started) < 3)
    assert.equal(started, process.figures().started)
  end)

  it("counts the threads", function()
    assert.equal(status("Threads"), process.figures().threads)
  end)
end)

describe("host.process.libraries", function()
  it("tells the versions that run", function()
    local libraries = process.libraries()
    assert.matches("^5%.4%.%d+$", libraries.lua)
    local loaded = assert(io.open("/proc/self/maps")):read("a")
    assert.matches("^[34]%.%d+%.%d+$", libraries.libwebsockets)
    assert.truthy(loaded:find("libwebsockets", 1, true))
    assert.matches("^[78]%.%d+%.%d+", libraries.curl)
    assert.equal((output("pkg-config --modversion libcurl"):match("^%d+%.%d+%.%d+")), libraries.curl)
  end)
end)
