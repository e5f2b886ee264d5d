local node_support = require("node_support")

local MB = 1024 * 1024

local node
before_each(function()
  node = node_support.over(nil, { settings = { memory = 1, cpus = 7, pids = 1 } })
end)
after_each(function()
  node:finish()
end)

local function create(user, plan)
  return node:call("create-container", { username = user, sshPublicKey = node_support.KEY, plan = plan })
end

local function limits(user)
  local limited = node.docker:find(user).host_config
  return { limited.Memory, limited.NanoCpus, limited.PidsLimit }
end

describe("the quota", function()
  it("is the plan's that the main server names", function()
    assert.is_true(create("ada", "pro").success)
    assert.same({ 4096 * MB, 2000000000, 2048 }, limits("ada"))
  end)

  it("is the first plan's without one, whatever the last command had", function()
    create("ada", "pro")
    create("bob")
    assert.same({ 256 * MB, 250000000, 128 }, limits("bob"))
  end)

  it("refuses an unknown plan", function()
    assert.equal("plan: there is none of that name here", create("ada", "unlimited").message)
    assert.equal("plan: must be a string", create("ada", 7).message)
    assert.same({}, node.docker:names())
  end)
end)
