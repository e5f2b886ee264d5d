-- The program itself: where it finds its files, what it hands to the boot script, how it ends.
local function shell(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1"):format(command)))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return output, status
end

local host_lua = io.popen("readlink /proc/$PPID/exe"):read("l")
local dockhost = host_lua:gsub("host%-lua$", "dockhost")

describe("the program", function()
  local root

  before_each(function()
    root = io.popen("mktemp -d"):read("l")
  end)

  after_each(function()
    shell("rm -rf " .. root)
  end)

  local function write(name, text)
    shell(("mkdir -p $(dirname %s/%s)"):format(root, name))
    local file = assert(io.open(root .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end

  describe("dockhost", function()
    -- Installs a copy with this boot script, and runs it.
    local function run(boot, place, arguments)
      write((place or "share/dockhost/") .. "host/boot.lua", boot)
      shell(("mkdir -p %s/bin && cp %s %s/bin"):format(root, dockhost, root))
      return shell(("%s/bin/dockhost %s"):format(root, arguments or ""))
    end

    it("runs the installed boot script with the share directory and the arguments", function()
      local output, status = run([[
        local share, arguments = ...
        print(share, arguments[0], #arguments, arguments[1], arguments[2], arg == arguments)]], nil, "a 'b c'")
      assert.equal(("%s/share/dockhost\t%s/bin/dockhost\t2\ta\tb c\ttrue\n"):format(root, root), output)
      assert.equal(0, status)
    end)

    it("prefers the tree that it was built in", function()
      write("share/dockhost/host/boot.lua", "print('installed')")
      assert.equal("built\n", (run("print('built')", "")))
    end)

    it("finds the libraries beside the script", function()
      write("share/dockhost/lib/greeting.lua", "return 'hello'")
      assert.equal("hello\n", (run("print((require('greeting')))")))
    end)

    it("exits with what the script returns", function()
      assert.equal(3, select(2, run("return 3")))
      assert.equal(0, select(2, run("return")))
    end)

    it("tells an error with its traceback and exits 70", function()
      local output, status = run("local function f() error('broken') end f()")
      assert.equal(70, status)
      assert.matches("boot%.lua:1: broken\nstack traceback:", output)
      output, status = run("this is not Lua")
      assert.equal(70, status)
      assert.matches("syntax error", output)
    end)

    it("says which file is missing", function()
      shell(("mkdir -p %s/bin && cp %s %s/bin"):format(root, dockhost, root))
      local output, status = shell(root .. "/bin/dockhost")
      assert.equal(70, status)
      assert.matches("cannot open " .. root .. "/share/dockhost/host/boot.lua", output, 1, true)
    end)

    it("closes what the script left open", function()
      local output, status = run([[
        require("host.timer").start(100, print)
        require("host.signal").on("HUP", print)
        require("host.watch").start("/", print)
        require("host.file").read("/etc/passwd", 100000, print)
        require("host.resolver").lookup("localhost", print)
        local loop = require("host.loop")
        require("host.websocket").connect{ host = "a", address = "127.0.0.1", port = 1, path = "/", timeout = 1,
          limit = 1, on_open = print, on_message = print, on_close = print }
        loop.stop()
        loop.run()]])
      assert.same({ "", 0 }, { output, status })
    end)

    it("outlives a reader of its output that is gone", function()
      run([[
        for _ = 1, 3 do io.stderr:write(("x"):rep(100000)) end
        io.open(arg[1], "w"):write("survived"):close()]], nil, root .. "/out 2>&1 | true")
      assert.equal("survived", io.open(root .. "/out"):read("a"))
    end)
  end)

  describe("host-lua", function()
    it("runs a script with arg as lua has it", function()
      write("script.lua", "print(arg[-1], arg[0], arg[1], ...) return 5")
      local output, status = shell(("%s %s/script.lua x"):format(host_lua, root))
      assert.equal(("%s\t%s/script.lua\tx\tx\n"):format(host_lua, root), output)
      assert.equal(5, status)
    end)

    it("says how it is used", function()
      local output, status = shell(host_lua)
      assert.equal(70, status)
      assert.matches("usage: .* SCRIPT %[ARGUMENT%.%.%.%]", output)
    end)
  end)
end)
