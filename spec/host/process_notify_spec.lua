-- host.process.notify: in another process, whose supervisor is a listener of ours.
local exe = io.popen("readlink /proc/$PPID/exe"):read("l")

-- Runs a script that has `notify` at hand, with that $NOTIFY_SOCKET, and returns what it prints.
local function output_of(socket, script)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write('local notify = require("host.process").notify\n', script)
  file:close()
  local environment = socket and ("NOTIFY_SOCKET='%s'"):format(socket) or "-u NOTIFY_SOCKET"
  local pipe = io.popen(("env %s timeout 20 '%s' %s 2>&1"):format(environment, exe, path))
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)
  return output
end

describe("host.process.notify", function()
  local directory, path

  before_each(function()
    directory = io.popen("mktemp -d"):read("l")
    path = directory .. "/notify"
  end)

  after_each(function()
    os.execute("rm -r " .. directory)
  end)

  local function listen(socket, more)
    local command = "exec timeout 60 perl spec/support/notify-listener.pl '%s' %s"
    return assert(io.popen(command:format(socket, more or "")))
  end

  local function tells(socket)
    local listener = listen(socket)
    assert.equal("listening", listener:read("l"))
    assert.equal("true\ntrue\n", output_of(socket, [[
      print(notify("READY=1"))
      print(notify("STATUS=a\nWATCHDOG=1"))
      notify("end")
    ]]))
    assert.equal("READY=1\nSTATUS=a | WATCHDOG=1\n", listener:read("a"))
    listener:close()
  end

  it("tells the socket that a path names", function()
    tells(path)
  end)

  it("tells one that is in no file system", function()
    tells("@" .. path)
  end)

  it("does not wait for a supervisor that does not read", function()
    assert(os.execute("mkfifo " .. directory .. "/hold"))
    local listener = listen(path, "deaf < " .. directory .. "/hold")
    local hold = io.open(directory .. "/hold", "w")
    assert.equal("listening", listener:read("l"))
    assert.matches("EAGAIN\n$", output_of(path, [[
      local told, message, code
      repeat told, message, code = notify("x") until not told
      print(message, code)
    ]]))
    hold:close()
    output_of(path, 'repeat until notify("end")')
    assert.matches("^[x\n]+$", listener:read("a"))
    listener:close()
  end)

  it("is silent where nobody asked", function()
    assert.equal("false\n", output_of(nil, 'print(notify("READY=1"))'))
    assert.equal("false\n", output_of("", 'print(notify("READY=1"))'))
  end)

  it("says what is wrong with the address", function()
    local function failure(socket)
      return output_of(socket, 'print(notify("READY=1"))'):match("^nil\tcan't tell the supervisor: .*\t(%u+)\n$")
    end
    assert.equal("ENOENT", failure(path))
    assert.equal("ECONNREFUSED", failure("@" .. path))
    assert.equal("EAFNOSUPPORT", failure("vsock:2:1234"))
    assert.equal("ENAMETOOLONG", failure("/" .. ("x"):rep(200)))
  end)

  it("takes a text alone", function()
    assert.has_error(function()
      require("host.process").notify()
    end)
  end)
end)
