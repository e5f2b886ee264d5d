local node_support = require("node_support")

local node, container
after_each(function()
  node:finish()
end)

-- Runs `run(ctx)` as a command on a node with one running container.
local function command(run)
  node = node_support.new({ commands = { try = {
    params = {},
    run = function(_, ctx)
      return run(ctx)
    end,
  } } })
  container = node.docker:add({ name = "ada", state = "running" })
  container.program = function()
    return { { "stdout", "one" }, { "stderr", "two" }, { "stdout", "three" } }, 3
  end
end

describe("ctx.exec", function()
  it("returns the exit code and the output of both streams", function()
    local cmd
    command(function(ctx)
      local options = { cmd = { "ls", "-l" }, user = "root", dir = "/srv", env = { "A=b" } }
      local code, output = ctx.exec(container.id, options)
      return { code = code, output = output }
    end)
    local program = container.program
    container.program = function(given)
      cmd = given
      return program()
    end
    assert.same({ code = 3, output = "onetwothree" }, node:call("try", {}).data)
    assert.same({ "ls", "-l" }, cmd)
    local body = node.docker:asked("POST", "/exec$")[1].body
    assert.matches('"WorkingDir":"/srv"', body)
    assert.matches('"User":"root"', body)
    assert.matches('"Env":["A=b"]', body, 1, true)
  end)

  it("hands output over as it comes, to a function that may wait", function()
    local pieces = {}
    command(function(ctx)
      local code, output = ctx.exec(container.id, { cmd = { "ls" }, on_output = function(text, stream)
        ctx.sleep(1)
        table.insert(pieces, stream .. " " .. text)
      end })
      return { code = code, output = output }
    end)
    assert.same({ code = 3, output = "" }, node:call("try", {}).data)
    assert.same({ "stdout one", "stderr two", "stdout three" }, pieces)
  end)

  it("fails with the daemon's words where the container does not run", function()
    command(function(ctx)
      return ctx.exec(container.id, { cmd = { "ls" } })
    end)
    container.state = "exited"
    local reply = node:call("try", {})
    assert.is_false(reply.success)
    assert.matches("is not running", reply.message)
  end)

  for method, pattern in pairs({ POST = "/exec$", GET = "/exec/[^/]+/json$" }) do
    it("fails where Docker does, at " .. pattern, function()
      command(function(ctx)
        return ctx.exec(container.id, { cmd = { "ls" } })
      end)
      node.docker:fail(method, pattern, 500, "the daemon is unwell")
      assert.equal("the daemon is unwell", node:call("try", {}).message)
    end)
  end

  it("fails where the stream does", function()
    command(function(ctx)
      return ctx.exec(container.id, { cmd = { "ls" } })
    end)
    node.docker:fail("POST", "/exec/[^/]+/start$", 500, "no stream today")
    assert.equal("no stream today", node:call("try", {}).message)
  end)

  it("fails where the stream is malformed", function()
    command(function(ctx)
      return ctx.exec(container.id, { cmd = { "ls" } })
    end)
    container.tty = true
    node.docker:before("POST", "/exec/[^/]+/start$", function()
      container.program = function()
        return { { "stdout", ("x"):rep(5 * 1024 * 1024) } }, 0
      end
    end)
    assert.matches("malformed", node:call("try", {}).message)
  end)

  it("ends with the command: an error in on_output is the command's", function()
    command(function(ctx)
      ctx.exec(container.id, { cmd = { "ls" }, on_output = function()
        error("no more")
      end })
    end)
    assert.matches("internal error", node:call("try", {}).message)
  end)

  it("is cancelled with the command", function()
    command(function(ctx)
      return ctx.exec(container.id, { cmd = { "sleep", "1000" } })
    end)
    node.docker:hang("POST", "/exec/[^/]+/start$")
    local sent = node:send("try", {})
    node:settle()
    node:advance(300)
    assert.equal(1, #sent.answers)
    assert.matches("did not finish in time", sent.reply.message)
  end)

  it("is cut where small pieces wait by the thousand", function()
    command(function(ctx)
      return ctx.exec(container.id, { cmd = { "ls" }, on_output = function()
        ctx.sleep(1000)
      end })
    end)
    local pieces = {}
    for i = 1, 20000 do
      pieces[i] = { "stdout", "x" }
    end
    container.program = function()
      return pieces, 0
    end
    local sent = node:send("try", {})
    node:settle()
    node:advance(300)
    assert.equal(1, #sent.answers)
    assert.is_false(sent.reply.success)
  end)

  for what, arguments in pairs({
    ["no command"] = { "abc", {} },
    ["an empty command"] = { "abc", { cmd = {} } },
    ["no table"] = { "abc" },
    ["no container"] = { nil, { cmd = { "ls" } } },
    ["a path for a container"] = { "../images", { cmd = { "ls" } } },
  }) do
    it("raises for " .. what, function()
      local message
      command(function(ctx)
        local _
        _, message = pcall(ctx.exec, arguments[1], arguments[2])
        return {}
      end)
      node:call("try", {})
      assert.matches("exec needs", message)
    end)
  end
end)
