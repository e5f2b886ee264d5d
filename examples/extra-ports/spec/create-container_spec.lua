local node_support = require("node_support")

local node
before_each(function()
  node = node_support.over(nil, { settings = { port_start = 3000, port_end = 3011 } })
end)
after_each(function()
  node:finish()
end)

local function create(user)
  return node:call("create-container", { username = user, sshPublicKey = node_support.KEY })
end

local function published(user)
  local ports = {}
  for inside, entries in pairs(node.docker:find(user).live) do
    ports[inside] = tonumber(entries[1].HostPort)
  end
  return ports
end

describe("the extra ports", function()
  it("are published beside the three, and told in the reply", function()
    local reply = create("ada")
    assert.same({ ssh = 3000, http = 3001, https = 3002 }, reply.data.ports)
    assert.same({ 3003, 3004, 3005 }, reply.data.extraPorts)
    assert.same({
      ["22/tcp"] = 3000, ["80/tcp"] = 3001, ["443/tcp"] = 3002,
      ["8080/tcp"] = 3003, ["8081/tcp"] = 3004, ["8082/tcp"] = 3005,
    }, published("ada"))
  end)

  it("are nobody else's: not another program's, nor another container's, a stopped one's neither", function()
    node.docker.taken[3004] = true
    assert.same({ 3006, 3007, 3008 }, create("ada").data.extraPorts)
    node:call("stop-container", { username = "ada" })
    local reply = create("bob")
    assert.is_false(reply.success)
    assert.equal("no three free ports in a row between 3000 and 3011", reply.message)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("of two that are made at once differ", function()
    local sent = {}
    for _, user in ipairs({ "ada", "bob" }) do
      sent[user] = node:send("create-container", { username = user, sshPublicKey = node_support.KEY })
    end
    node:settle()
    local taken = {}
    for user, each in pairs(sent) do
      assert.is_true(each.reply.success, each.reply.message)
      for _, port in pairs(published(user)) do
        assert.is_nil(taken[port])
        taken[port] = true
      end
    end
  end)

  it("are others when they were taken meanwhile", function()
    node.docker:before("POST", "/start$", function()
      node.docker.taken[3004] = true
    end)
    local reply = create("ada")
    assert.is_true(reply.success, reply.message)
    assert.equal(3006, reply.data.ports.ssh)
    assert.same({ 3009, 3010, 3011 }, reply.data.extraPorts)
    assert.same({ "ada" }, node.docker:names())
  end)
end)
