local containers = require("dockhost.containers")
local json = require("dockhost.json")
local node_support = require("node_support")
local username = require("dockhost.username")

local MANAGED = { ["dockhost.managed"] = "true" }
local PORTS = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 }
local IMAGE = node_support.IMAGE

local node
before_each(function()
  node = node_support.new()
end)

local function ask(method, ...)
  return node:run(function(...)
    return node.containers[method](node.containers, ...)
  end, ...)
end

local function managed(user, options)
  options = options or {}
  return node.docker:add({
    name = options.name or username.container_name(user),
    image = options.image or IMAGE,
    labels = MANAGED,
    ports = options.ports or PORTS,
    state = options.state,
    id = options.id,
  })
end

local function users()
  local names = {}
  for i, instance in ipairs((assert(ask("list")))) do
    names[i] = instance.username
  end
  return names
end

describe("ownership", function()
  it("is by our label, whatever the image", function()
    managed("ada", { image = "old/image" })
    assert.equal("ada", ask("of_user", "ada").username)
    assert.same({ "ada" }, users())
  end)

  it("is by hex name for a user whose name Docker does not allow", function()
    managed("J. Doe")
    local instance = ask("of_user", "J. Doe")
    assert.equal("J. Doe", instance.username)
    assert.equal("dockhost-x4a2e20446f65", instance.name)
    assert.same({ "J. Doe" }, users())
  end)

  it("is by hex name where a foreign container holds the plain one", function()
    node.docker:add({ name = "ada", image = "someone/else" })
    managed("ada", { name = username.hex_name("ada") })
    assert.equal(username.hex_name("ada"), ask("of_user", "ada").name)
  end)

  it("takes in what the Node backend made: no label, the user's name, the configured image", function()
    node.docker:add({ name = "ada", image = IMAGE, ports = PORTS })
    local instance = ask("of_user", "ada")
    assert.equal("ada", instance.username)
    assert.is_true(instance.adopted)
    assert.same({ "ada" }, users())
  end)

  it("knows the configured image by its full name too", function()
    node.settings.image = IMAGE .. ":latest"
    node.docker:add({ name = "ada", image = IMAGE })
    node.docker:add({ name = "bob", image = IMAGE .. ":old" })
    assert.same({ "ada" }, users())
  end)

  it("knows the configured image as Podman tells it", function()
    node.docker:add({ name = "ada", image = "docker.io/" .. IMAGE .. ":latest" })
    node.docker:add({ name = "bob", image = "quay.io/" .. IMAGE .. ":latest" })
    assert.same({ "ada" }, users())
    node.settings.image = "docker.io/library/some-image"
    node.docker:add({ name = "eve", image = "some-image" })
    assert.same({ "eve" }, users())
  end)

  it("still takes it in when the image's name means a newer image by now", function()
    node.docker:add({ name = "ada", image = IMAGE, ports = PORTS })
    node.docker:add_image(IMAGE)
    assert.equal("ada", ask("of_user", "ada").username)
    assert.same({ "ada" }, users())
    assert.equal(IMAGE, ask("list")[1].image)
  end)

  it("never takes an unlabelled container of the form of our hex names", function()
    node.docker:add({ name = username.hex_name("J. Doe"), image = IMAGE })
    assert.is_nil((ask("of_user", "J. Doe")))
    assert.same({}, users())
  end)

  it("needs the label to say true", function()
    node.docker:add({ name = "ada", image = "other/image", labels = { ["dockhost.managed"] = "false" } })
    assert.is_nil((ask("of_user", "ada")))
    assert.same({}, users())
  end)

  it("is of no labelled container whose name is no user's", function()
    node.docker:add({ name = "dockhost-xzz", image = IMAGE, labels = MANAGED })
    assert.same({}, users())
  end)
end)

describe("a foreign container", function()
  local foreign
  before_each(function()
    foreign = node.docker:add({
      name = "postgres",
      image = "postgres:16",
      id = "abcdef0123456789" .. ("0"):rep(48),
      ports = { ["5432/tcp"] = 5432 },
    })
  end)

  for name, user in pairs({
    name = "postgres",
    ["full id"] = "abcdef0123456789" .. ("0"):rep(48),
    ["id prefix"] = "abcdef012345",
    ["short id prefix"] = "ab",
  }) do
    it("does not exist for us by " .. name, function()
      local instance, message, status = ask("of_user", user)
      assert.is_nil(instance)
      assert.equal("this user has no container", message)
      assert.equal(404, status)
    end)
  end

  it("does not exist for us as a containerId", function()
    for _, id in ipairs({ foreign.id, foreign.id:sub(1, 12) }) do
      local instance, _, status = ask("of_id", id)
      assert.is_nil(instance)
      assert.equal(404, status)
    end
  end)

  it("does not hide a user whose name is the beginning of its id", function()
    managed("ab")
    assert.equal("ab", ask("of_user", "ab").username)
  end)

  it("does not break a user whose name is the beginning of several ids", function()
    node.docker:add({ name = "redis", id = "abcd" .. ("1"):rep(60) })
    local instance, message, status = ask("of_user", "ab")
    assert.is_nil(instance)
    assert.equal("this user has no container", message)
    assert.equal(404, status)
  end)

  it("is told of to who wants to create: its name can't be used", function()
    assert.is_true((select(4, ask("of_user", "postgres"))))
    assert.is_falsy((select(4, ask("of_user", "ada"))))
  end)
end)

describe("our own container", function()
  it("is not found by its id as a user name", function()
    local ours = managed("ada")
    assert.is_nil((ask("of_user", ours.id:sub(1, 12))))
  end)

  it("has what commands need", function()
    local container = managed("ada")
    local instance = ask("of_user", "ada")
    assert.equal(container.id, instance.id)
    assert.equal("running", instance.state)
    assert.same({ ssh = 3100, http = 3101, https = 3102 }, instance.ports)
    assert.equal(IMAGE, instance.image)
    assert.equal(math.floor(container.created), math.floor(instance.created))
    assert.equal(math.floor(container.started), math.floor(instance.started))
  end)

  it("keeps its ports when it is stopped", function()
    managed("ada", { state = "exited" })
    local instance = ask("of_user", "ada")
    assert.equal("exited", instance.state)
    assert.same({ ssh = 3100, http = 3101, https = 3102 }, instance.ports)
    assert.is_nil(instance.started)
  end)

  it("shows the port that Docker chose where none was asked for", function()
    local container = managed("ada", { ports = { ["22/tcp"] = 0 } })
    container.live["22/tcp"] = { { HostIp = "0.0.0.0", HostPort = "49153" } }
    assert.same({ ssh = 49153 }, ask("of_user", "ada").ports)
  end)
end)

describe("of_user", function()
  it("asks once for a plain name that is there", function()
    managed("ada")
    ask("of_user", "ada")
    assert.equal(1, #node.docker:asked("GET", "^/containers/"))
  end)

  it("passes on that Docker is away, and does not take it for an absence", function()
    node.docker:down()
    local instance, message, status = ask("of_user", "ada")
    assert.is_nil(instance)
    assert.matches("Docker does not answer", message)
    assert.equal(503, status)
  end)

  it("passes on a failure of the second look-up too", function()
    node.docker:fail("GET", "x616461/json$", 500, "broken")
    local instance, message, status = ask("of_user", "ada")
    assert.is_nil(instance)
    assert.equal("broken", message)
    assert.equal(500, status)
  end)
end)

describe("of_id", function()
  it("finds ours by its full id and by its beginning", function()
    local ours = managed("ada")
    managed("bob")
    assert.equal("ada", ask("of_id", ours.id).username)
    assert.equal("ada", ask("of_id", ours.id:sub(1, 12)).username)
  end)

  it("refuses a beginning that several of ours have", function()
    managed("ada", { id = "0123456789abcdef" .. ("a"):rep(48) })
    managed("bob", { id = "0123456789abcdef" .. ("b"):rep(48) })
    local instance, _, status = ask("of_id", "0123456789ab")
    assert.is_nil(instance)
    assert.equal(409, status)
  end)

  it("is not confused by a foreign container with the same beginning", function()
    managed("ada", { id = "0123456789abcdef" .. ("a"):rep(48) })
    node.docker:add({ name = "postgres", id = "0123456789abcdef" .. ("b"):rep(48) })
    assert.equal("ada", ask("of_id", "0123456789ab").username)
  end)

  it("finds the very container, where the user has another one besides", function()
    local adopted = node.docker:add({ name = "ada", image = IMAGE })
    local hex = managed("ada", { name = username.hex_name("ada") })
    assert.equal(hex.id, ask("of_id", hex.id).id)
    assert.equal(adopted.id, ask("of_id", adopted.id).id)
  end)

  it("passes on that Docker is away", function()
    node.docker:down()
    assert.equal(503, (select(3, ask("of_id", "0123456789ab"))))
  end)
end)

describe("find", function()
  it("takes a user name or an id, and refuses neither", function()
    local ours = managed("ada")
    assert.equal(ours.id, ask("find", { username = "ada" }).id)
    assert.equal(ours.id, ask("find", { containerId = ours.id }).id)
    local instance, message, status = ask("find", {})
    assert.is_nil(instance)
    assert.matches("give a username or a containerId", message)
    assert.equal(400, status)
  end)

  it("wants both to agree where both are given", function()
    local ours = managed("ada")
    managed("bob")
    assert.equal(ours.id, ask("find", { username = "ada", containerId = ours.id }).id)
    local instance, _, status = ask("find", { username = "bob", containerId = ours.id })
    assert.is_nil(instance)
    assert.equal(404, status)
  end)
end)

describe("list", function()
  it("is in the order of the names", function()
    for _, user in ipairs({ "eve", "ada", "J. Doe", "bob" }) do
      managed(user)
    end
    assert.same({ "J. Doe", "ada", "bob", "eve" }, users())
  end)

  it("takes a container's own name where links give it others", function()
    local client = {
      container_list = function()
        return { {
          Id = "1", Names = { "/other/alias", "/ada" }, Labels = MANAGED, Image = IMAGE, State = "running", Created = 5,
        } }
      end,
    }
    local own = containers.new({ docker = client, image = function()
      return IMAGE
    end })
    assert.equal("ada", own:list()[1].username)
  end)

  it("gets its ports one by one", function()
    managed("ada", { state = "exited" })
    local instance = ask("list")[1]
    assert.is_nil(instance.ports)
    assert.same({ ssh = 3100, http = 3101, https = 3102 }, ask("with_ports", instance).ports)
  end)

  it("shows with the ports the image's name, which Docker's own list may not have any more", function()
    managed("ada")
    node.docker:add_image(IMAGE)
    assert.equal(IMAGE, ask("with_ports", ask("list")[1]).image)
  end)

  it("gives no ports to what has just gone", function()
    local ada = managed("ada")
    local instance = ask("list")[1]
    node:run(node.client.container_remove, node.client, ada.id)
    assert.same({}, ask("with_ports", instance).ports)
  end)
end)

describe("the last known state", function()
  it("is what Docker told last", function()
    managed("ada", { state = "exited" })
    assert.is_nil(node.containers:last_state("ada"))
    ask("of_user", "ada")
    assert.equal("exited", node.containers:last_state("ada"))
    node.containers:note("ada", "running")
    assert.equal("running", node.containers:last_state("ada"))
  end)

  it("is known of all from one list", function()
    managed("ada")
    ask("list")
    assert.equal("running", node.containers:last_state("ada"))
  end)

  it("is none for who is found to have no container", function()
    node.containers:note("ada", "running")
    ask("of_user", "ada")
    assert.is_nil(node.containers:last_state("ada"))
    node.containers:note("bob", "running")
    ask("list")
    assert.is_nil(node.containers:last_state("bob"))
  end)

  it("is kept while Docker does not answer", function()
    managed("ada")
    ask("of_user", "ada")
    node.docker:down()
    ask("of_user", "ada")
    ask("list")
    assert.equal("running", node.containers:last_state("ada"))
  end)

  it("is kept while a list fails half-way", function()
    managed("ada")
    node.docker:add({ name = "bob", image = IMAGE })
    ask("list")
    node.docker:add_image(IMAGE)
    node.docker:fail("GET", "^/containers/%x+/json$", 500, "broken")
    assert.equal(500, (select(3, ask("list"))))
    assert.equal("running", node.containers:last_state("ada"))
  end)
end)

describe("an entry", function()
  it("has the documented fields", function()
    assert.same({
      containerId = "1",
      username = "ada",
      state = "running",
      ports = { ssh = 1 },
      createdAt = "2026-11-24T12:00:00Z",
      image = IMAGE,
    }, containers.entry({
      id = "1", username = "ada", state = "running", ports = { ssh = 1 }, created = 1795521600, image = IMAGE,
    }))
  end)

  it("has a null where the time of creation is not known", function()
    assert.equal(json.null, containers.entry({}).createdAt)
  end)
end)

