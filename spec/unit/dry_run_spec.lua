local docker = require("dockhost.docker")
local dry_run = require("dockhost.dry_run")
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local task = require("dockhost.task")

local daemon, client, shown
before_each(function()
  daemon, shown = fake_docker.new({ time = fake_clock.new().time }), {}
  client = docker.new({
    request = dry_run.new(daemon.request, function(...)
      table.insert(shown, table.pack(...))
    end),
    wait = task.wait,
    endpoint = { kind = "unix", path = "/run/docker.sock" },
  })
end)

-- Only reading calls may reach the daemon.
after_each(function()
  for _, call in ipairs(daemon.calls) do
    assert.equal("GET", call.method)
  end
end)

local function call(method, ...)
  local results
  task.new({}):spawn(function(...)
    return client[method](client, ...)
  end, function(ok, ...)
    assert(ok, ...)
    results = table.pack(...)
  end, ...)
  daemon:settle()
  return table.unpack(results, 1, results.n)
end

local BODY = {
  Image = "x",
  Labels = { a = "b" },
  HostConfig = { PortBindings = { ["22/tcp"] = { { HostPort = "3000" } } } },
}

describe("a dry run", function()
  it("lets through what only reads", function()
    local container = daemon:add({ name = "ada" })
    assert.equal(container.id, call("container_inspect", "ada").Id)
    assert.equal(1, #call("container_list"))
    assert.same({}, shown)
  end)

  it("shows a create with its body, and then knows the container as running", function()
    local id = assert(call("container_create", "ada", BODY))
    assert.same({ "POST", "/containers/create?name=ada", BODY, n = 4 }, shown[1])
    assert.is_true(call("archive_put", id, "/", "tar"))
    assert.equal("(3 bytes of application/x-tar)", shown[2][4])
    assert.is_true(call("container_start", id))
    local inspected = call("container_inspect", id)
    assert.equal("/ada", inspected.Name)
    assert.equal("running", inspected.State.Status)
    assert.equal("3000", inspected.NetworkSettings.Ports["22/tcp"][1].HostPort)
    assert.equal(3, #shown)
    assert.same({}, daemon.containers)
  end)

  it("shows the chunks of an archive by their size", function()
    local chunks = { "ab", "cde" }
    assert.is_true(call("archive_put", "abc", "/", function()
      return table.remove(chunks, 1)
    end))
    assert.equal("(5 bytes of application/x-tar)", shown[1][4])
  end)

  it("removes and stops nothing", function()
    local container = daemon:add({ name = "ada", state = "running" })
    assert.is_true(call("container_stop", container.id, { t = 5 }))
    assert.is_true(call("container_remove", container.id))
    assert.equal("running", container.state)
    assert.same({ "ada" }, daemon:names())
    assert.equal(2, #shown)
    assert.equal("DELETE", shown[2][1])
  end)

  it("takes an image for there once it would have been pulled", function()
    assert.is_nil((call("image_inspect", "some/image:1")))
    assert.is_true(call("image_pull", "some/image:1"))
    assert.is_table(call("image_inspect", "some/image:1"))
  end)

  it("makes no network", function()
    assert.is_table(call("network_create", { Name = "dockhost" }))
    assert.is_nil(daemon.networks.dockhost)
  end)
end)
