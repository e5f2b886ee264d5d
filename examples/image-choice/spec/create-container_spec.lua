local node_support = require("node_support")

local node
before_each(function()
  node = node_support.over()
end)
after_each(function()
  node:finish()
end)

local function create(image)
  return node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY, image = image })
end

describe("the choice of an image", function()
  it("makes the container from the image of that name, which is pulled where it is missing", function()
    node.docker.registry["sohampirale/instance-python:3.12"] = true
    assert.is_true(create("python").success)
    assert.equal("sohampirale/instance-python:3.12", node.docker:find("ada").image)
  end)

  it("is left to the setting where none is asked for", function()
    assert.is_true(create().success)
    assert.equal(node_support.IMAGE, node.docker:find("ada").image)
  end)

  it("is that one container's: the next one is made as ever", function()
    node.docker:add_image("sohampirale/instance-node:22")
    create("node")
    node:call("create-container", { username = "bob", sshPublicKey = node_support.KEY })
    assert.equal("sohampirale/instance-node:22", node.docker:find("ada").image)
    assert.equal(node_support.IMAGE, node.docker:find("bob").image)
  end)

  it("refuses a name that is not in the list, and anything that is no name", function()
    assert.equal("image: there is none of that name here", create("evil/image").message)
    assert.equal("image: must be a string", create({}).message)
    assert.same({}, node.docker:names())
  end)

  it("holds for the deployed dialect, too", function()
    node.docker:add_image("sohampirale/instance-node:22")
    local reply = node:call("start_container", { USERNAME = "ada", SSH_PUB_KEY = node_support.KEY, image = "node" })
    assert.equal(201, reply.status)
    assert.equal("sohampirale/instance-node:22", node.docker:find("ada").image)
  end)

  it("fails plainly where the image can't be had", function()
    local reply = create("python")
    assert.is_false(reply.success)
    assert.matches("instance%-python:3%.12 is not on this node", reply.message)
  end)
end)
