local containers = require("dockhost.containers")
local json = require("dockhost.json")
local node_support = require("node_support")
local task = require("dockhost.task")

local IMAGE = node_support.IMAGE
local MANAGED = { ["dockhost.managed"] = "true" }

local node
before_each(function()
  node = node_support.new({ settings = { max_containers = 3 } })
end)

-- What a handler's ctx has of this: `undo` and `ends` are run by the spec.
local function context(id)
  local ctx = { id = id or 7, config = { image = IMAGE }, partial = {}, undo = {}, ends = {} }
  function ctx.on_undo(fn)
    table.insert(ctx.undo, fn)
  end
  function ctx.on_end(fn)
    table.insert(ctx.ends, fn)
  end
  function ctx.describe(instance)
    return { Image = instance.image, Labels = { mine = "yes" }, HostConfig = { NetworkMode = ctx.network } }
  end
  return ctx
end

local function finish(ctx)
  for _, fn in ipairs(ctx.ends) do
    fn()
  end
end

local function instance_of(user, attempt)
  return { username = user, keys = "k", ports = { ssh = 1, http = 2, https = 3 }, attempt = attempt or 1 }
end

local function create(instance, ctx)
  return node:run(node.instances.create, node.instances, instance, ctx or context())
end

local function managed(user, options)
  options = options or {}
  return node.docker:add({ name = options.name or user, image = IMAGE, labels = MANAGED, state = options.state })
end

describe("admission", function()
  local function admit(user)
    local ctx = context()
    return ctx, node:run(node.instances.admit, node.instances, user, ctx)
  end

  it("is refused with 503 when the node is full, stopped and adopted containers counted", function()
    managed("ada")
    managed("bob", { state = "exited" })
    node.docker:add({ name = "carl", image = IMAGE })
    local _, ok, message, status = admit("eve")
    assert.is_nil(ok)
    assert.equal("this node is full: DOCKHOST_MAX_CONTAINERS is 3", message)
    assert.equal(503, status)
  end)

  it("does not count foreign containers", function()
    managed("ada")
    managed("bob")
    node.docker:add({ name = "postgres" })
    assert.is_true((select(2, admit("eve"))))
  end)

  it("counts who is still being made", function()
    managed("ada")
    admit("bob")
    admit("carl")
    assert.is_nil((select(2, admit("eve"))))
  end)

  it("does not count twice who is made and listed already", function()
    managed("ada")
    admit("bob")
    managed("bob")
    assert.is_true((select(2, admit("carl"))))
  end)

  it("gives the seat back when the command ends", function()
    managed("ada")
    managed("bob")
    local ctx = admit("carl")
    assert.is_nil((select(2, admit("eve"))))
    finish(ctx)
    node.instances.seats.eve = nil
    assert.is_true((select(2, admit("eve"))))
  end)

  it("gives what is left to the first of those who come at once", function()
    managed("ada")
    managed("bob")
    local results = {}
    for _, user in ipairs({ "carl", "dora", "eve" }) do
      node.tasks:spawn(function()
        return (node.instances:admit(user, context()))
      end, function(_, ok)
        results[user] = ok or false
      end)
    end
    node:settle()
    assert.same({ carl = true, dora = false, eve = false }, results)
  end)

  it("passes on that Docker is away", function()
    node.docker:down()
    assert.equal(503, (select(4, admit("ada"))))
  end)
end)

describe("creation", function()
  it("labels the container: whose it is, who makes it, and in which attempt", function()
    create(instance_of("ada", 2), context(7))
    assert.same({
      mine = "yes",
      ["dockhost.managed"] = "true",
      ["dockhost.username"] = "ada",
      ["dockhost.maker"] = node_support.IDENTITY,
      ["dockhost.attempt"] = node_support.IDENTITY .. ":7:2",
    }, node.docker:find("ada").labels)
  end)

  it("names the state directory where this process holds its lock", function()
    node.node.id = "abc"
    create(instance_of("ada"))
    assert.equal("abc", node.docker:find("ada").labels["dockhost.node"])
  end)

  it("returns the id", function()
    local id = create(instance_of("ada"))
    assert.equal(node.docker:find("ada").id, id)
  end)

  it("makes the network where the container wants it, and only then", function()
    local ctx = context()
    create(instance_of("ada"), ctx)
    assert.is_nil(node.docker.networks.dockhost)
    ctx.network = "dockhost"
    create(instance_of("bob"), ctx)
    assert.is_table(node.docker.networks.dockhost)
  end)

  it("makes no container when the network can't be made", function()
    local ctx = context()
    ctx.network = "dockhost"
    node.docker:fail("POST", "^/networks/create$", 500, "broken")
    local id, message, status = create(instance_of("ada"), ctx)
    assert.is_nil(id)
    assert.matches("broken", message)
    assert.equal(500, status)
    assert.same({}, node.docker:names())
  end)

  it("uses the hex name where a foreign container holds the plain one", function()
    node.docker:add({ name = "ada", image = "someone/else" })
    local instance = instance_of("ada")
    create(instance)
    assert.same({ "ada", "dockhost-x616461" }, node.docker:names())
    assert.equal("dockhost-x616461", instance.name)
  end)

  it("is refused with 409 where another process was quicker, and describes what that made", function()
    local other
    node.docker:before("POST", "^/containers/create$", function()
      other = managed("ada")
    end)
    local id, message, status, entry = create(instance_of("ada"))
    assert.is_nil(id)
    assert.matches("already has a container", message)
    assert.equal(409, status)
    assert.equal(other.id, entry.containerId)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("does not make a second one when it can't be seen whose the first is", function()
    node.docker:add({ name = "ada", image = "someone/else" })
    node.docker:fail("GET", "^/containers/ada/json$", 500, "broken")
    local id, message, status = create(instance_of("ada"))
    assert.is_nil(id)
    assert.equal("broken", message)
    assert.equal(500, status)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("passes on other refusals", function()
    local ctx = context()
    ctx.config.image = "not/here"
    local id, message, status = create(instance_of("ada"), ctx)
    assert.is_nil(id)
    assert.matches("No such image: not/here:latest", message)
    assert.equal(404, status)
  end)

  it("is known to be at work until the command ends", function()
    local ctx, instance = context(), instance_of("ada")
    create(instance, ctx)
    assert.is_true(node.instances:at_work(instance.attempt))
    finish(ctx)
    assert.is_false(node.instances:at_work(instance.attempt))
    assert.is_false(node.instances:at_work(nil))
  end)
end)

describe("undoing", function()
  local function undo(ctx)
    node:run(ctx.undo[1])
  end

  it("removes the container", function()
    local ctx = context()
    create(instance_of("ada"), ctx)
    undo(ctx)
    assert.same({}, node.docker:names())
    assert.equal(0, node.leftovers)
  end)

  it("removes what was made though the answer was lost", function()
    local ctx = context()
    node.docker:lose("POST", "^/containers/create$")
    assert.is_nil((create(instance_of("ada"), ctx)))
    assert.same({ "ada" }, node.docker:names())
    undo(ctx)
    assert.same({}, node.docker:names())
  end)

  it("removes what was made under the hex name", function()
    node.docker:add({ name = "ada", image = "someone/else" })
    local ctx = context()
    create(instance_of("ada"), ctx)
    undo(ctx)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("is content where nothing was made", function()
    local ctx = context()
    node.docker:fail("POST", "^/containers/create$", 500, "broken")
    create(instance_of("ada"), ctx)
    undo(ctx)
    assert.equal(0, node.leftovers)
  end)

  it("is content where the name is the beginning of several others' ids", function()
    for i = 1, 2 do
      node.docker:add({ name = "other" .. i, id = "ed" .. tostring(i):rep(62) })
    end
    local ctx = context()
    node.docker:fail("POST", "^/containers/create$", 500, "broken")
    create(instance_of("ed"), ctx)
    undo(ctx)
    assert.equal(0, node.leftovers)
  end)

  it("leaves alone what another attempt made under the same name", function()
    local ctx = context(7)
    node.docker:fail("POST", "^/containers/create$", 500, "broken")
    create(instance_of("ada"), ctx)
    create(instance_of("ada"), context(8))
    undo(ctx)
    assert.same({ "ada" }, node.docker:names())
  end)

  it("leaves alone what somebody else made under the same name", function()
    local ctx = context()
    node.docker:fail("POST", "^/containers/create$", 500, "broken")
    create(instance_of("ada"), ctx)
    node.docker:add({ name = "ada" })
    undo(ctx)
    assert.same({ "ada" }, node.docker:names())
  end)

  for name, method in pairs({ ["the look-up"] = "GET", ["the removal"] = "DELETE" }) do
    it("that fails in " .. name .. " leaves the container known as left over", function()
      local ctx, instance = context(), instance_of("ada")
      create(instance, ctx)
      node.docker:fail(method, "^/containers/%x+", 500, "broken")
      undo(ctx)
      assert.equal(1, node.leftovers)
      assert.is_true(node.instances:is_leftover(instance.attempt))
      undo(ctx)
      assert.is_false(node.instances:is_leftover(instance.attempt))
      assert.same({}, node.docker:names())
    end)
  end

  it("that is cut off leaves it known as left over too", function()
    local ctx, instance = context(), instance_of("ada")
    create(instance, ctx)
    node.docker:hang("GET", "^/containers/%x+/json$")
    local ended
    local undoing = node.tasks:spawn(ctx.undo[1], function(ok, why)
      ended = not ok and task.is_cancelled(why)
    end)
    node:settle()
    undoing:cancel("deadline")
    assert.is_true(ended)
    assert.equal(1, node.leftovers)
    assert.is_true(node.instances:is_leftover(instance.attempt))
    node.instances:settle(instance.attempt)
    assert.is_false(node.instances:is_leftover(instance.attempt))
  end)
end)

describe("what is left over", function()
  local instance, container
  before_each(function()
    instance = instance_of("ada")
    create(instance)
    container = node.docker:find("ada")
    container.state = "running"
    node.instances.leftovers[instance.attempt] = true
  end)

  local function of_user()
    return node:run(node.containers.of_user, node.containers, "ada")
  end

  it("is nobody's: it is removed before a command sees it, even when it runs", function()
    local found, _, status = of_user()
    assert.is_nil(found)
    assert.equal(404, status)
    assert.same({}, node.docker:names())
    assert.is_false(node.instances:is_leftover(instance.attempt))
    assert.is_nil(node.containers:last_state("ada"))
  end)

  it("is gone when another hand was quicker", function()
    node.docker:fail("DELETE", "", 404, "No such container")
    assert.equal(404, (select(3, of_user())))
    assert.is_false(node.instances:is_leftover(instance.attempt))
  end)

  it("is in the way with 503 while it can't be removed", function()
    node.docker:fail("DELETE", "", 500, "device or resource busy")
    local found, message, status = of_user()
    assert.is_nil(found)
    assert.matches("left behind can't be removed yet: device or resource busy", message)
    assert.equal(503, status)
    assert.is_true(node.instances:is_leftover(instance.attempt))
  end)

  it("is not what the user made since", function()
    container.labels["dockhost.attempt"] = "later"
    assert.equal("running", of_user().state)
  end)
end)

describe("an attempt that has failed", function()
  it("is past when Docker is no longer at work on it", function()
    local ctx, instance = context(), instance_of("ada")
    local release = node.docker:hang("POST", "^/containers/create$")
    local making = node.tasks:spawn(function()
      node.instances:create(instance, ctx)
    end)
    node:settle()
    making:cancel("overtaken")
    node.instances.leftovers[instance.attempt] = true
    assert.same({}, node.instances:past_leftovers())
    release()
    node:settle()
    assert.same({ [instance.attempt] = true }, node.instances:past_leftovers())
  end)
end)

it("what is made so belongs to the user", function()
  create(instance_of("J. Doe"))
  local instance = node:run(node.containers.of_user, node.containers, "J. Doe")
  assert.equal("J. Doe", instance.username)
  assert.equal("created", containers.entry(instance).state)
  assert.is_not.equal(json.null, containers.entry(instance).createdAt)
end)
