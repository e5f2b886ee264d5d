-- host.process: this process, and others by their identity.
local process = require("host.process")

local function spawn(command)
  local pipe = assert(io.popen("exec " .. command))
  return pipe
end

local function start_time(pid)
  local stat = assert(io.open("/proc/" .. pid .. "/stat")):read("a")
  local fields = {}
  for field in stat:match("%) (.*)"):gmatch("%S+") do
    fields[#fields + 1] = field
  end
  return fields[20]
end

describe("host.process", function()
  it("tells the environment", function()
    local environ = process.environ()
    assert.equal(os.getenv("PATH"), environ.PATH)
    for name, value in pairs(environ) do
      assert.equal(os.getenv(name), value)
    end
  end)

  it("conceals a variable: wiped where /proc shows it, gone for the process and its children", function()
    local exe = io.popen("readlink /proc/$PPID/exe"):read("l")
    local script = os.tmpname()
    local out = assert(io.open(script, "w"))
    out:write([[
      local p = require("host.process")
      p.conceal("SECRET")
      p.conceal("NOT_SET")
      print(p.environ().SECRET, os.getenv("SECRET"), p.environ().SECRETS)
      print((io.open("/proc/self/environ"):read("a"):gsub("%z+", " ")))
      io.stdout:flush()
      os.execute("echo child:$SECRET:$SECRETS")
    ]])
    out:close()
    local printed = io.popen(("env -i SECRETS=stays SECRET=hunter2 LAST=1 %s %s"):format(exe, script)):read("a")
    os.remove(script)
    assert.equal("nil\tnil\tstays\nSECRETS=stays SECRET= LAST=1 \nchild::stays\n", printed)
    for _, name in ipairs({ "", "A=B" }) do
      assert.has_error(function()
        process.conceal(name)
      end)
    end
  end)

  it("tells a terminal from what is none", function()
    local exe = io.popen("readlink /proc/$PPID/exe"):read("l")
    local script = os.tmpname()
    local out = assert(io.open(script, "w"))
    out:write('local p = require("host.process") print(p.isatty(0), p.isatty(1), p.isatty(2))')
    out:close()
    local piped = io.popen(("%s %s < /dev/null 2>&1"):format(exe, script)):read("l")
    local terminal = io.popen(("script -qec '%s %s' /dev/null < /dev/null"):format(exe, script)):read("l")
    os.remove(script)
    assert.equal("false\tfalse\tfalse", piped)
    assert.matches("true\ttrue", terminal)
    assert.error_matches(function()
      process.isatty(3)
    end, "not a standard descriptor")
  end)

  it("identifies itself as alive", function()
    local identity = process.identity()
    assert.matches("^%d+:%d+:%d+:[%x-]+$", identity)
    assert.equal(identity, process.identity())
    assert.is_true(process.alive(identity))
    assert.equal(start_time("self"), identity:match("^%d+:%d+:(%d+)"))
    assert.equal(assert(io.open("/proc/sys/kernel/random/boot_id")):read("l"), identity:match("[^:]+$"))
  end)

  it("knows a process that came later with the same number", function()
    local namespace, pid, start = process.identity():match("(%d+):(%d+):(%d+)")
    assert.is_false(process.alive(("%s:%s:%d"):format(namespace, pid, start + 1)))
  end)

  it("knows when another process has ended, zombie or not", function()
    local namespace = process.identity():match("^%d+")
    local pipe = spawn("cat /proc/self/stat")
    local stat = pipe:read("a")
    local pid = stat:match("^%d+")
    local fields = {}
    for field in stat:match("%) (.*)"):gmatch("%S+") do
      fields[#fields + 1] = field
    end
    local identity = ("%s:%s:%s"):format(namespace, pid, fields[20])
    -- It has closed its end of the pipe; popen waits for it only in close.
    while not assert(io.open("/proc/" .. pid .. "/stat")):read("a"):find(") Z ", 1, true) do
      assert(os.execute("true"))
    end
    assert.is_false(process.alive(identity))
    pipe:close()
    assert.is_false(process.alive(identity))
  end)

  it("understands what an earlier version was called, which had no boot id", function()
    local old = process.identity():match("^%d+:%d+:%d+")
    assert.is_true(process.alive(old))
    assert.is_false(process.alive(old .. "1"))
  end)

  it("can't tell of another start of the machine, where all else may be the same", function()
    local rest = process.identity():match("^%d+:%d+:%d+:")
    assert.is_nil(process.alive(rest .. "00000000-0000-0000-0000-000000000000"))
    assert.is_nil(process.alive(rest))
    assert.is_nil(process.alive(rest .. ("0"):rep(10000)))
  end)

  it("can't tell of another namespace, or of rubbish", function()
    assert.is_nil(process.alive("1:1:1"))
    assert.is_nil(process.alive(""))
    assert.is_nil(process.alive("a:b:c"))
    assert.is_nil(process.alive(process.identity() .. ":1"))
  end)

  it("tells its version", function()
    assert.matches("^%d+%.%d+%.%d+$", process.version)
  end)
end)
