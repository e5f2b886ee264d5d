local node_support = require("node_support")
local task = require("dockhost.task")

local node
after_each(function()
  node:finish()
end)

-- Calls `run(params, ctx)` as the command "try".
local function try(run, params)
  node = node_support.new({ commands = { try = { params = params or {}, run = run } } })
  return node:send("try", { username = "ada" })
end

describe("ctx.hold", function()
  -- An attempt that finds Docker away until the spec says otherwise.
  local world
  before_each(function()
    world = { tries = 0, results = { nil, "away", 503 } }
  end)

  local function hold(seconds)
    return try(function(_, ctx)
      world.before = ctx.time()
      local value, message, status = ctx.hold(seconds, function()
        world.tries = world.tries + 1
        return table.unpack(world.results, 1, 3)
      end)
      world.took = ctx.time() - world.before
      if not value then
        return nil, message, status
      end
      return { value = value }, message
    end)
  end

  it("is over at once where the attempt succeeds", function()
    world.results = { "found", "here" }
    local sent = hold(20)
    assert.equal("found", sent.reply.data.value)
    assert.equal("here", sent.reply.message)
    assert.equal(0, world.took)
    node.clock:assert_idle()
  end)

  it("takes false for a success", function()
    world.results = { false }
    hold(20)
    assert.equal(1, world.tries)
  end)

  it("does not wait out a failure that is not Docker's absence", function()
    world.results = { nil, "no such container", 404 }
    local sent = hold(20)
    assert.equal("no such container", sent.reply.message)
    assert.equal(1, world.tries)
  end)

  it("tries again until Docker is back", function()
    local sent = hold(20)
    node:advance(7)
    assert.equal(0, #sent.answers)
    world.results = { "found" }
    node:advance(1)
    assert.equal("found", sent.reply.data.value)
    node.clock:assert_idle()
  end)

  it("lets the last failure stand after the time that was given", function()
    local sent = hold(20)
    node:advance(19.9)
    assert.equal(0, #sent.answers)
    node:advance(0.1)
    assert.equal("away", sent.reply.message)
    assert.equal(20, world.took)
  end)

  it("ends in time though an attempt hangs", function()
    local sent = try(function(_, ctx)
      return ctx.hold(20, function()
        task.wait(function() end)
      end)
    end)
    node:advance(20)
    assert.equal("Docker does not answer", sent.reply.message)
  end)

  it("ends with the command, and aborts what it waits for", function()
    local aborted = false
    local sent = try(function(_, ctx)
      ctx.hold(20, function()
        task.wait(function()
          return function()
            aborted = true
          end
        end)
      end)
    end)
    node.dispatcher:cancel_all()
    assert.is_true(aborted)
    assert.matches("shutting down", sent.reply.message)
    node.clock:assert_idle()
  end)

  it("raises what the attempt raises: no internals reach the reply", function()
    local sent = try(function(_, ctx)
      return ctx.hold(20, function()
        error("secret")
      end)
    end)
    assert.matches("^internal error", sent.reply.message)
    assert.matches("secret", node.log:find("error")[1].message)
    node.clock:assert_idle()
  end)
end)

describe("ctx.ports", function()
  it("reserves three ports that no container has, until the command ends", function()
    local go
    local sent = try(function(_, ctx)
      local triple, message, status = ctx.ports:reserve(3100)
      if not triple then
        return nil, message, status
      end
      task.wait(function(done)
        go = done
      end)
      return triple
    end)
    node.docker:add({ name = "stopped", state = "exited", ports = { ["5432/tcp"] = 3101 } })
    node:settle()
    assert.is_true(node.ports.held[3103])
    go()
    assert.same({ ssh = 3103, http = 3104, https = 3105 }, sent.reply.data)
    assert.is_nil(next(node.ports.held))
  end)

  it("fails with Docker's own failure, rather than guess", function()
    node = node_support.new({ commands = { try = { run = function(_, ctx)
      return ctx.ports:reserve(3100)
    end } } })
    node.docker:down()
    assert.matches("Docker does not answer", node:call("try", {}).message)
  end)
end)

describe("ctx.describe", function()
  it("uses the container.lua that the command began with", function()
    local go
    local sent = try(function(_, ctx)
      task.wait(function(done)
        go = done
      end)
      return { image = ctx.describe({ image = "x", keys = "k", ports = { ssh = 1, http = 2, https = 3 } }).Image }
    end)
    node:use_scripts({ commands = {}, dialect = {} })
    go()
    assert.equal("x", sent.reply.data.image)
  end)
end)

describe("ctx.on_undo and ctx.on_end", function()
  for _, name in ipairs({ "on_undo", "on_end" }) do
    it("refuse what is no function where it is given, in the script: " .. name, function()
      local sent = try(function(_, ctx)
        ctx[name]("text")
        return {}
      end)
      assert.matches("^internal error", sent.reply.message)
      assert.matches("context_spec.lua:%d+: a function is needed, not a string", node.log:find("error")[1].message)
    end)
  end
end)

describe("ctx.emit", function()
  it("emits an event of the script's own", function()
    try(function(_, ctx)
      ctx.emit("progress", { percent = 5 })
      return {}
    end)
    assert.same({ { "progress", { percent = 5 }, n = 2 } }, node.emitted)
  end)
end)

describe("ctx.log", function()
  it("takes a message and fields", function()
    try(function(_, ctx)
      ctx.log.warn("careful", { user = "ada" })
      return {}
    end)
    assert.same({ id = 1, user = "ada" }, node.log:find("warn", "careful")[1].fields)
  end)
end)

describe("ctx.config", function()
  it("is the command's own: what it changes there, no other sees", function()
    local function run(_, ctx)
      ctx.config.memory = ctx.config.memory + 1
      ctx.config.docker.path = ctx.config.docker.path .. "x"
      return { memory = ctx.config.memory, path = ctx.config.docker.path }
    end
    local first = try(run).reply.data
    assert.same(first, node:call("try", { username = "ada" }).data)
  end)

  it("is what container.lua is told, as the command left it", function()
    local body
    try(function(_, ctx)
      ctx.config.memory = 12345
      body = ctx.describe({ username = "ada", image = "i", keys = "", ports = { ssh = 1, http = 2, https = 3 } })
      return {}
    end)
    assert.equal(12345, body.HostConfig.Memory)
  end)
end)

describe("what all commands share", function()
  before_each(function()
    node = node_support.new()
  end)

  for _, name in ipairs({ "docker", "containers", "instances", "images", "store" }) do
    it("can't be changed by one: ctx." .. name, function()
      node.scripts.commands.try = { run = function(_, ctx)
        local method = pairs(ctx[name])(ctx[name])
        local ok, why = pcall(function()
          ctx[name][method] = nil
        end)
        rawset(ctx[name], method, "broken")
        return { method = method, ok = ok, why = why }
      end }
      local data = node:call("try", {}).data
      assert.is_false(data.ok)
      assert.matches("what `ctx` has can't be changed", data.why)
      node.scripts.commands.look = { run = function(_, ctx)
        return { kind = type(ctx[name][data.method]) }
      end }
      assert.equal("function", node:call("look", {}).data.kind)
    end)
  end
end)
