-- What authors of scripts have of node_support: their directory, and jobs and hooks by hand.
local node_support = require("node_support")
local scratch = require("scratch")

local directory, node
before_each(function()
  directory = scratch.new()
  scratch.write(directory .. "/commands/greet.lua", [[
    return { run = function(_, ctx) ctx.emit("greeted", 5) return {}, "hello" end }]])
  scratch.write(directory .. "/commands/greet_spec.lua", "this is no script")
  scratch.write(directory .. "/commands/container-logs.lua", "return false")
  scratch.write(directory .. "/jobs/tick.lua", [[
    return { every = 60, run = function(ctx)
      ctx.sleep(5)
      local answer = assert(ctx.http({ url = "http://far/" }))
      ctx.log.info("tick", { body = answer.body })
    end }]])
  scratch.write(directory .. "/hooks/connected.lua", [[
    return function(event, ctx) ctx.log.info("hello " .. event.server) end]])
end)
after_each(function()
  scratch.remove(directory)
end)

describe("node_support.over", function()
  before_each(function()
    node = node_support.over(directory, { settings = { max_containers = 1 } })
  end)
  after_each(function()
    node:finish()
  end)

  it("has a directory's scripts over the shipped ones", function()
    assert.equal("hello", node:call("greet", {}).message)
    assert.same({ { "greeted", 5, n = 2 } }, node.emitted)
    assert.is_true(node:call("list-containers", {}).success)
    assert.matches("unknown command", node:call("container-logs", { username = "ada" }).message)
    assert.equal(1, node.settings.max_containers)
  end)

  it("runs a job by hand, to its end, and tells whether it failed", function()
    local ok, why = node:job("tick")
    assert.is_false(ok)
    assert.matches("there is no network in specs", why)
    node.host.web = function()
      return 200, {}, "tock"
    end
    assert.is_true(node:job("tick"))
    assert.equal("tock", node.log:find("info", "tick")[1].fields.body)
    assert.has_error(function()
      node:job("none")
    end, "there is no jobs/none.lua")
  end)

  it("runs a hook by hand", function()
    assert.is_true(node:hook("connected", { server = "wss://main.example" }))
    assert.equal(1, #node.log:find("info", "hello wss://main.example"))
    assert.is_false((node:hook("connected", {})))
    assert.has_error(function()
      node:hook("disconnected", {})
    end, "there is no hooks/disconnected.lua")
  end)

  it("lets the jobs have their turns", function()
    node.host.web = function()
      return 200, {}, ""
    end
    node:start_jobs()
    node:advance(125)
    assert.equal(2, #node.log:find("info", "tick"))
  end)

  it("tells of what still runs at the end", function()
    node:start_jobs()
    node:advance(61)
    assert.has_error(function()
      node:finish()
    end, "jobs or hooks still run")
    node:advance(5)
  end)
end)

it("node_support.over finds the scripts beside the spec that calls it, or beside its spec/", function()
  for _, path in ipairs({ "/spec/greet_spec.lua", "/greet_spec.lua" }) do
    local call = assert(load("local n = ... local node = n.over() return node", "@" .. directory .. path))
    node = call(node_support)
    assert.equal("hello", node:call("greet", {}).message)
    node:finish()
  end
end)

it("node_support.over fails with file and line where the scripts do not load", function()
  scratch.write(directory .. "/commands/greet.lua", "return {")
  assert.error_matches(function()
    node_support.over(directory)
  end, "commands/greet.lua:1: ")
end)
