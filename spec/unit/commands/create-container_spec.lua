local node_support = require("node_support")

local KEY, IMAGE = node_support.KEY, node_support.IMAGE
local MANAGED = { ["dockhost.managed"] = "true" }
-- "ada" is hexadecimal too.
local INSPECT_BY_ID = "^/containers/" .. ("%x"):rep(12) .. "%x+/json$"

local node
after_each(function()
  node:finish()
end)

local function with(settings)
  node = node_support.new({ settings = settings })
  return node.docker
end

local function payload(user, start)
  return { username = user or "ada", sshPublicKey = KEY, startingPort = start or 3100 }
end

local function create(user, start)
  return node:call("create-container", payload(user, start))
end

-- The deployed name tells the status as well.
local function status_of(user)
  return node:call("start_container", { USERNAME = user or "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 }).status
end

-- Nothing is left of a create that failed.
local function assert_undone(docker, names)
  assert.same(names or {}, docker:names())
  assert.is_nil(next(node.ports.held))
end

describe("create-container", function()
  it("makes a running container with the user's key and three ports", function()
    local docker = with()
    local reply = create()
    local container = docker:find("ada")
    assert.same({
      success = true,
      message = "Instance spawned successfully",
      data = { containerId = container.id, ports = { ssh = 3100, http = 3101, https = 3102 } },
    }, reply)
    assert.equal("running", container.state)
    assert.same({ ["22/tcp"] = "3100", ["80/tcp"] = "3101", ["443/tcp"] = "3102" }, {
      ["22/tcp"] = container.live["22/tcp"][1].HostPort,
      ["80/tcp"] = container.live["80/tcp"][1].HostPort,
      ["443/tcp"] = container.live["443/tcp"][1].HostPort,
    })
    assert.same({ "SSH_PUB_KEY=" .. KEY .. "\n" }, container.env)
  end)

  it("uploads the key before the start, 0600 in a directory 0700", function()
    local docker = with()
    local uploaded
    docker:before("POST", "/start$", function()
      uploaded = docker:find("ada").files
    end)
    create()
    assert.equal(KEY .. "\n", uploaded["/root/.ssh/authorized_keys"].content)
    assert.equal(tonumber("600", 8), uploaded["/root/.ssh/authorized_keys"].mode)
    assert.equal("directory", uploaded["/root/.ssh"].type)
    assert.equal(tonumber("700", 8), uploaded["/root/.ssh"].mode)
  end)

  it("takes several keys, one a line", function()
    local docker = with()
    node:call("create-container", { username = "ada", sshPublicKey = KEY .. "\r\n\r\n" .. KEY })
    assert.equal(KEY .. "\n" .. KEY .. "\n", docker:find("ada").files["/root/.ssh/authorized_keys"].content)
  end)

  it("begins at the range's start where no port is given", function()
    with({ port_start = 2000 })
    assert.equal(2000, node:call("create-container", { username = "ada", sshPublicKey = KEY }).data.ports.ssh)
  end)

  it("takes the deployed server's names, and a port as text", function()
    with()
    local reply = node:call("create-container", { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = "3100" })
    assert.equal(3100, reply.data.ports.ssh)
  end)

  for name, user in pairs({ ["--help"] = "--help", ["J. Doe"] = "J. Doe", ["ünï"] = "ünï", a = "a" }) do
    it("makes an instance for " .. name, function()
      with()
      assert.is_true(create(user).success)
      assert.is_true(node:call("check_if_container_running", { USERNAME = user }))
    end)
  end

  for what, broken in pairs({
    ["no key"] = { username = "ada" },
    ["an empty key"] = { username = "ada", sshPublicKey = "" },
    ["a bad key"] = { username = "ada", sshPublicKey = "ssh-ed25519 AAAA" },
    ["a key with options"] = { username = "ada", sshPublicKey = 'command="x" ' .. KEY },
    ["a port of 0"] = { username = "ada", sshPublicKey = KEY, startingPort = 0 },
    ["a port beyond the last"] = { username = "ada", sshPublicKey = KEY, startingPort = 65536 },
    ["a port that is a sentence"] = { username = "ada", sshPublicKey = KEY, startingPort = "3100; reboot" },
    ["a reserved name"] = { username = "disconnect", sshPublicKey = KEY },
    ["no name"] = { sshPublicKey = KEY },
  }) do
    it("refuses " .. what .. " before it asks Docker anything", function()
      local docker = with()
      local reply = node:call("create-container", broken)
      assert.is_false(reply.success)
      assert.equal(0, #docker.calls)
    end)
  end
end)

describe("a second create", function()
  it("is a 409 that describes the first", function()
    with()
    local first = create()
    local second = create()
    assert.is_false(second.success)
    assert.matches("ada already has a container", second.message)
    assert.equal(first.data.containerId, second.data.containerId)
    assert.same(first.data.ports, second.data.ports)
    assert.equal("running", second.data.state)
    assert.equal(409, status_of())
  end)

  it("is one too when both come at once", function()
    local docker = with()
    local first = node:send("create-container", payload())
    local second = node:send("create-container", payload())
    node:settle()
    assert.is_true(first.reply.success)
    assert.is_false(second.reply.success)
    assert.equal(first.reply.data.containerId, second.reply.data.containerId)
    assert.same({ "ada" }, docker:names())
  end)

  it("is one for a stopped container, and for one of the Node backend's", function()
    local docker = with()
    docker:add({ name = "ada", image = IMAGE, labels = MANAGED, state = "exited" })
    docker:add({ name = "bob", image = IMAGE })
    assert.equal(409, status_of("ada"))
    assert.equal(409, status_of("bob"))
  end)

  it("describes what another process made at the same moment", function()
    local docker = with()
    local other
    docker:before("POST", "^/containers/create$", function()
      other = docker:add({ name = "ada", image = IMAGE, labels = MANAGED })
    end)
    local reply = create()
    assert.is_false(reply.success)
    assert.equal(other.id, reply.data.containerId)
    assert_undone(docker, { "ada" })
  end)
end)

describe("a name that a foreign container holds", function()
  it("gives way to the hex name", function()
    local docker = with()
    docker:add({ name = "ada", image = "postgres" })
    assert.is_true(create().success)
    assert.same({ "ada", "dockhost-x616461" }, docker:names())
    assert.is_true(node:call("check_if_container_exists", { USERNAME = "ada" }))
    assert.is_true(node:call("delete-container", { username = "ada" }).success)
    assert.same({ "ada" }, docker:names())
  end)

  it("for a moment alone, on its way in or out, is waited for", function()
    local docker = with()
    docker:fail("POST", "^/containers/create$", 409, 'Conflict. The container name "/ada" is already in use')
    -- Podman's words.
    docker:fail("POST", "^/containers/create$", 500, "container create: creating container storage: the container name "
      .. '"ada" is already in use by 01. You have to remove that container to be able to reuse that name: that name is '
      .. "already in use")
    assert.is_true(create().success)
    assert.same({ "ada" }, docker:names())
  end)

  it("that nobody can see gives way in the end", function()
    local docker = with()
    for _ = 1, 5 do
      docker:fail("POST", "^/containers/create$", 409, 'Conflict. The container name "/ada" is already in use')
    end
    assert.is_true(create().success)
    assert.same({ "dockhost-x616461" }, docker:names())
  end)

  it("may be the beginning of foreign ids", function()
    local docker = with()
    for i = 1, 2 do
      docker:add({ name = "other" .. i, id = "ed" .. tostring(i):rep(62) })
    end
    assert.is_true(create("ed").success)
    assert.same({ "ed", "other1", "other2" }, docker:names())
  end)
end)

describe("ten creates at once with the same port", function()
  it("make ten containers with thirty ports, four at a time", function()
    local docker = with()
    local sent, most = {}, 0
    for i = 1, 10 do
      sent[i] = node:send("create-container", payload("user" .. i))
    end
    while docker:turn() > 0 do
      local working = 0
      for _ in pairs(node.instances.seats) do
        working = working + 1
      end
      most = math.max(most, working)
    end
    local seen, count = {}, 0
    for i = 1, 10 do
      assert.is_true(sent[i].reply.success)
      for _, port in pairs(sent[i].reply.data.ports) do
        assert.is_nil(seen[port])
        seen[port], count = true, count + 1
      end
    end
    assert.equal(30, count)
    assert.equal(10, #docker:names())
    assert.equal(4, most)
  end)
end)

describe("capacity", function()
  it("is refused with 503, and nothing is made", function()
    local docker = with({ max_containers = 1 })
    create("bob")
    assert.equal(503, status_of("ada"))
    assert_undone(docker, { "bob" })
    assert.matches("DOCKHOST_MAX_CONTAINERS", create("ada").message)
  end)

  it("is given to as many as there is room for, when more come at once", function()
    local docker = with({ max_containers = 2 })
    local made = 0
    for i = 1, 5 do
      node:send("create-container", payload("user" .. i))
    end
    node:settle()
    for _, sent in ipairs(node.sent) do
      made = made + (sent.reply.success and 1 or 0)
    end
    assert.equal(2, made)
    assert.equal(2, #docker:names())
  end)
end)

describe("the image", function()
  it("is pulled when it is missing, once for all", function()
    local docker = with({ image = "fresh/image" })
    docker.registry["fresh/image:latest"] = true
    for i = 1, 3 do
      node:send("create-container", payload("user" .. i))
    end
    node:settle()
    assert.equal(3, #docker:names())
    assert.equal(1, #docker:asked("POST", "^/images/create$"))
  end)

  it("that can't be had is a 503 that says what to do", function()
    local docker = with({ image = "fresh/image" })
    local reply = create()
    assert.matches("fresh/image is not on this node.*make image", reply.message)
    assert.equal(503, status_of())
    assert_undone(docker)
  end)
end)

describe("ports that others take meanwhile", function()
  local function take(docker, times)
    for _ = 1, times do
      docker:before("POST", "/start$", function()
        local bindings = docker:find("ada").host_config.PortBindings
        docker.taken[tonumber(bindings["80/tcp"][1].HostPort)] = true
      end)
    end
  end

  it("make it begin anew on the next triple, with a new container", function()
    local docker = with()
    take(docker, 2)
    local reply = create()
    assert.same({ ssh = 3106, http = 3107, https = 3108 }, reply.data.ports)
    assert.equal(3, #docker:asked("POST", "^/containers/create$"))
    assert.same({ "ada" }, docker:names())
    assert.is_nil(docker:find("ada").start_failed)
  end)

  it("are the same when another container has them", function()
    local docker = with()
    docker:before("POST", "/start$", function()
      docker:add({ name = "quick", ports = { ["80/tcp"] = 3100 } })
    end)
    assert.equal(3103, create().data.ports.ssh)
  end)

  for _, message in ipairs({
    "driver failed programming external connectivity on endpoint ada (1): Bind for 0.0.0.0:3100 failed: port is "
      .. "already allocated",
    "driver failed programming external connectivity on endpoint ada (1): Error starting userland proxy: listen tcp4 "
      .. "0.0.0.0:3100: bind: address already in use",
    "failed to set up container networking: driver failed programming external connectivity on endpoint ada (1): "
      .. "failed to bind host port for 0.0.0.0:3100:172.18.0.2:22/tcp: Address already in use",
    "failed to bind host port 0.0.0.0:3100/tcp: permission denied",
  }) do
    it("are known by each daemon's words: " .. message:sub(-40), function()
      local docker = with()
      docker:fail("POST", "/start$", 500, message)
      assert.equal(3103, create().data.ports.ssh)
    end)
  end

  it("end the create where the container in the way can't be removed", function()
    local docker = with()
    take(docker, 1)
    docker:fail("DELETE", "", 500, "device or resource busy")
    assert.equal("device or resource busy", create().message)
    assert_undone(docker)
  end)

  it("are put up with five times, then it is a 503 and nothing is left", function()
    local docker = with()
    take(docker, 5)
    local reply = create()
    assert.matches("5 times in a row.*address already in use", reply.message)
    assert.equal(5, #docker:asked("POST", "^/containers/create$"))
    assert_undone(docker)
    take(docker, 5)
    assert.equal(503, status_of())
  end)

  it("count too where Docker starts the container without publishing them", function()
    local docker = with()
    docker:after("POST", "/start$", function()
      docker:find("ada").live = {}
    end)
    assert.equal(3103, create().data.ports.ssh)
    assert.same({ "ada" }, docker:names())
  end)

  it("may be all that there are: 503 with the range", function()
    local docker = with({ port_start = 4000, port_end = 4004 })
    docker.taken[4001], docker.taken[4003] = true, true
    assert.matches("no three free ports in a row between 4000 and 4004", create().message)
    assert.equal(503, status_of())
    assert_undone(docker)
  end)

  it("are not those of stopped containers, which keep theirs", function()
    local docker = with()
    docker:add({ name = "old", state = "exited", ports = { ["80/tcp"] = 3100 } })
    assert.equal(3103, create().data.ports.ssh)
    assert.equal(1, #docker:asked("POST", "^/containers/create$"))
  end)
end)

describe("a failure", function()
  for what, step in pairs({
    ["the look-up of the user"] = { "GET", "^/containers/ada/json$" },
    ["the list for the capacity"] = { "GET", "^/containers/json$" },
    ["the look-up of the image"] = { "GET", "^/images/" },
    ["the look-up of the network"] = { "GET", "^/networks/" },
    ["the making of the network"] = { "POST", "^/networks/create$" },
    ["the creation"] = { "POST", "^/containers/create$" },
    ["the upload of the key"] = { "PUT", "/archive$" },
    ["the start"] = { "POST", "/start$" },
    ["the inspection after the start"] = { "GET", INSPECT_BY_ID },
  }) do
    it("of " .. what .. " has the daemon's message and leaves nothing", function()
      local docker = with()
      docker:fail(step[1], step[2], 500, "the daemon's own words")
      local reply = create()
      assert.is_false(reply.success)
      assert.matches("the daemon's own words", reply.message)
      assert_undone(docker)
      docker:fail(step[1], step[2], 500, "the daemon's own words")
      assert.equal(500, status_of())
      assert.is_true(create().success)
    end)

    it("whose answer to " .. what .. " is lost leaves nothing", function()
      local docker = with()
      docker:lose(step[1], step[2])
      assert.equal(503, status_of())
      assert_undone(docker)
      assert.equal(0, node.leftovers)
      assert.is_true(create().success)
    end)
  end

  it("of a process that ends at once is told with its exit code", function()
    local docker = with()
    docker:after("POST", "/start$", function()
      docker:exit("ada", 127)
    end)
    assert.matches("ended at once, exit code 127", create().message)
  end)

  it("of a process that ends again and again is told so, and takes no further ports", function()
    local docker, starts = with(), 0
    docker:after("POST", "/start$", function()
      starts = starts + 1
      docker:exit("ada", 1)
      docker:find("ada").state = "restarting"
    end)
    assert.matches("ended at once, exit code 1", create().message)
    assert.equal(1, starts)
    assert_undone(docker)
    assert_undone(docker)
  end)

  it("of Docker altogether is a 503; what could not be removed is left to the monitor", function()
    local docker = with()
    docker:after("PUT", "/archive$", function()
      docker:down()
    end)
    assert.equal(503, status_of())
    assert.equal(1, node.leftovers)
    assert.is_true(node.instances:is_leftover(docker:find("ada").labels["dockhost.attempt"]))
  end)

  it("is not left over while it is undone: a sweep keeps away", function()
    local docker = with()
    docker:fail("POST", "/start$", 500, "the daemon's own words")
    local release = docker:hang("DELETE", "")
    local sent = node:send("create-container", payload())
    node:settle()
    assert.is_false(node.instances:is_leftover(docker:find("ada").labels["dockhost.attempt"]))
    release()
    node:settle()
    assert.is_false(sent.reply.success)
    assert_undone(docker)
  end)

  it("of container.lua is an internal error, and nothing is left", function()
    local docker = with()
    node.scripts.container = function()
      error("oops")
    end
    assert.matches("^internal error", create().message)
    assert_undone(docker)
  end)
end)

describe("a hanging Docker", function()
  for what, step in pairs({
    ["the look-up of the user"] = { "GET", "^/containers/ada/json$" },
    ["the list for the capacity"] = { "GET", "^/containers/json$" },
    ["the look-up of the image"] = { "GET", "^/images/" },
    ["the look-up of the network"] = { "GET", "^/networks/" },
    ["the making of the network"] = { "POST", "^/networks/create$" },
    ["the upload of the key"] = { "PUT", "/archive$" },
    ["the start"] = { "POST", "/start$" },
    ["the inspection after the start"] = { "GET", INSPECT_BY_ID },
  }) do
    it("in " .. what .. " is given up at the deadline with one 504, and undone", function()
      local docker = with()
      local release = docker:hang(step[1], step[2])
      local sent = node:send("start_container", { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 })
      node:advance(277)
      assert.equal(0, #sent.answers)
      node:advance(2)
      assert.equal(504, sent.reply.status)
      assert.matches("did not finish in time and was undone", sent.reply.message)
      assert_undone(docker)
      assert.is_nil(next(node.instances.seats))
      assert.equal(0, node.leftovers)
      release()
      node:settle()
      assert.equal(1, #sent.answers)
      assert.is_true(create().success)
    end)
  end

  -- What Docker is asked to create comes to be, whoever still listens: the undo waits for it.
  it("in the creation holds up the undo, for 10 s at most; the rest is the monitor's", function()
    local docker = with()
    local release = docker:hang("POST", "^/containers/create$")
    local sent = node:send("start_container", { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 })
    node:advance(287)
    assert.equal(0, #sent.answers)
    node:advance(2)
    assert.equal(504, sent.reply.status)
    assert.is_nil(next(node.ports.held))
    assert.equal(1, node.leftovers)
    release()
    node:settle()
    assert.is_true(node.instances:is_leftover(docker:find("ada").labels["dockhost.attempt"]))
  end)

  it("in the creation is undone where Docker is done with it before that", function()
    local docker = with()
    local release = docker:hang("POST", "^/containers/create$")
    local sent = node:send("start_container", { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 })
    node:advance(280)
    release()
    node:settle()
    assert.equal(504, sent.reply.status)
    assert_undone(docker)
  end)

  it("is left to the monitor where it does not even undo", function()
    local docker = with()
    docker:hang("POST", "/start$")
    docker:hang("GET", INSPECT_BY_ID)
    local sent = node:send("create-container", payload())
    node:advance(287)
    assert.equal(0, #sent.answers)
    node:advance(2)
    assert.is_false(sent.reply.success)
    assert.equal(1, node.leftovers)
    assert.is_nil(next(node.ports.held))
  end)
end)

describe("a delete", function()
  for what, step in pairs({
    ["creates"] = { "POST", "^/containers/create$" },
    ["uploads"] = { "PUT", "/archive$" },
    ["starts"] = { "POST", "/start$" },
    ["inspects"] = { "GET", INSPECT_BY_ID },
  }) do
    it("cancels a create while Docker " .. what .. ": 409 first, then success", function()
      local docker = with()
      local release = docker:hang(step[1], step[2])
      local created = node:send("start_container", { USERNAME = "ada", SSH_PUB_KEY = KEY, startingPortNo = 3100 })
      node:settle()
      assert.equal(0, #created.answers)
      local deleted = node:send("delete_container", { USERNAME = "ada" })
      if what == "creates" then
        -- Docker goes on making it, whoever still listens: the undo waits for what comes of it.
        node:settle()
        assert.equal(0, #created.answers)
        release()
      end
      node:settle()
      assert.equal(409, created.reply.status)
      assert.equal(200, deleted.reply.status)
      assert.same({ "ada", "ada" }, { created.answers[1].event, deleted.answers[1].event })
      assert_undone(docker)
      assert.matches("^%x+$", deleted.reply.data.containerId)
      if what ~= "creates" then
        release()
      end
      node:settle()
    end)
  end

  it("says so where Docker goes away, though it cancelled a create", function()
    local docker = with()
    docker:hang("PUT", "/archive$")
    local created = node:send("create-container", payload())
    node:settle()
    local deleted = node:send("delete_container", { USERNAME = "ada" })
    docker:down()
    node:settle()
    assert.is_false(created.reply.success)
    assert.equal(503, deleted.reply.status)
  end)

  it("cancels a create that pulls, and the pull goes on for others", function()
    local docker = with({ image = "fresh/image" })
    docker.registry["fresh/image:latest"] = true
    local release = docker:hang("POST", "^/images/create$")
    local created = node:send("create-container", payload())
    local other = node:send("create-container", payload("bob"))
    node:settle()
    local deleted = node:call("delete-container", { username = "ada" })
    assert.is_true(deleted.success)
    assert.equal("cancelled by a later command", created.reply.message)
    release()
    node:settle()
    assert.is_true(other.reply.success)
    assert.same({ "bob" }, docker:names())
  end)

  it("leaves room for a create that comes after it", function()
    local docker = with()
    local release = docker:hang("POST", "/start$")
    node:send("create-container", payload())
    node:settle()
    node:send("delete-container", { username = "ada" })
    local again = node:send("create-container", payload())
    node:settle()
    release()
    node:settle()
    assert.is_true(again.reply.success)
    assert.same({ "ada" }, docker:names())
    assert.equal("running", docker:find("ada").state)
  end)
end)

it("a shutdown undoes a create that runs", function()
  local docker = with()
  docker:hang("POST", "/start$")
  local sent = node:send("create-container", payload())
  node:settle()
  node.dispatcher:close()
  node.dispatcher:cancel_all()
  node:settle()
  assert.equal("this node is shutting down", sent.reply.message)
  assert_undone(docker)
end)
