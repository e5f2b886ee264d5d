local node_support = require("node_support")

local node, container, asked
before_each(function()
  node, asked = node_support.over(), nil
  node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
  container = node.docker:find("ada")
end)
after_each(function()
  node:finish()
end)

local function prints(pieces, code)
  container.program = function(cmd)
    asked = cmd
    return pieces, code
  end
end

local function run(command)
  return node:call("run-program", { username = "ada", command = command or { "ls", "-l" } })
end

-- What the main server was sent: { "stream text", … }
local function told()
  local events = {}
  for i, emitted in ipairs(node.emitted) do
    assert.equal("program-output", emitted[1])
    assert.equal("ada", emitted[2].username)
    events[i] = emitted[2].stream .. " " .. emitted[2].text
  end
  return events
end

describe("a program", function()
  it("runs in the container, for a bounded time; its output comes as events, its exit code as the reply", function()
    prints({ { "stdout", "one\n" }, { "stderr", "two\n" }, { "stdout", "three" } }, 3)
    local reply = run()
    assert.same({ "timeout", "--kill-after=5", "60", "ls", "-l" }, asked)
    assert.same({ "stdout one\n", "stderr two\n", "stdout three" }, told())
    assert.equal("exit code 3", reply.message)
    assert.equal(3, reply.data.exitCode)
    assert.equal(0, reply.data.lostBytes)
    assert.equal(node.emitted[1][2].run, reply.data.run)
  end)

  it("may cut a character in two: it is sent whole", function()
    prints({
      { "stdout", "caf\xC3" }, { "stderr", "\xE2\x82" }, { "stdout", "\xA9 au lait \xE2" }, { "stderr", "\xAC" },
    }, 0)
    run()
    local text = { stdout = "", stderr = "" }
    for _, emitted in ipairs(node.emitted) do
      assert.is_truthy(utf8.len(emitted[2].text) or emitted[2].text == "\xE2")
      text[emitted[2].stream] = text[emitted[2].stream] .. emitted[2].text
    end
    assert.same({ stdout = "café au lait \xE2", stderr = "€" }, text)
  end)

  it("goes on when the main server is away; the reply tells how much was lost", function()
    prints({ { "stdout", "12345" }, { "stdout", "678" } }, 0)
    node.node.connection.emit = function()
      return nil, "not connected to the main server"
    end
    assert.equal(8, run().data.lostBytes)
  end)

  it("that does not end is a failure", function()
    for _, code in ipairs({ 124, 137 }) do
      prints({}, code)
      assert.same({ success = false, message = "it did not end within 60 s", data = {} }, run())
    end
  end)

  it("needs a list of texts", function()
    for _, command in ipairs({ {}, { "ls", 5 }, { program = "ls" } }) do
      assert.equal("command: must be a list of texts", run(command).message)
    end
    assert.equal("command: must be an object or an array", run("ls").message)
    assert.is_nil(asked)
  end)

  it("needs a container that runs", function()
    node:call("stop-container", { username = "ada" })
    assert.is_false(run().success)
    node:call("delete-container", { username = "ada" })
    assert.equal("this user has no container", run().message)
  end)
end)
