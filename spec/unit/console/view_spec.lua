local json = require("dockhost.json")
local node_support = require("node_support")
local recent = require("dockhost.console.recent")
local view = require("dockhost.console.view")

local MANAGED = { ["dockhost.managed"] = "true" }

local node, subject, tally, used
before_each(function()
  node, tally, used = node_support.new(), { accepted = 0 }, {}
  node.node.connection = nil
  local function redact(text)
    return (text:gsub("hunter2", "[redacted]"))
  end
  subject = view.new({
    node = node.node,
    recent = recent.new(redact),
    redact = redact,
    tally = tally,
    usage = function()
      return used
    end,
  })
end)
after_each(function()
  node:finish()
end)

local function refresh()
  return node:run(subject.refresh_containers, subject)
end

describe("the containers", function()
  it("are none before Docker was asked", function()
    assert.equal("[]", subject:json("containers"))
    assert.equal(0, subject:capacity_section().used)
  end)

  it("have what they use while they run, and who made them where that was not us", function()
    node.docker:add({ name = "ada", labels = MANAGED })
    node.docker:add({ name = "bob", image = node_support.IMAGE })
    node.docker:add({ name = "cy", labels = MANAGED, state = "exited" })
    refresh()
    used = { ada = { cpuPercent = 5 }, cy = { cpuPercent = 6 } }
    local ada, bob, cy = table.unpack(subject:containers_section())
    assert.same({ 5, nil, nil }, { ada.cpuPercent, cy.cpuPercent, ada.managedBy })
    assert.equal("node-backend", bob.managedBy)
    assert.same({ used = 3, most = 50 }, subject:capacity_section())
  end)

  it("stay as they were known where Docker does not answer", function()
    node.docker:add({ name = "ada", labels = MANAGED })
    assert.is_true(refresh())
    node.docker:down()
    local ok, _, status = refresh()
    assert.same({ nil, 503 }, { ok, status })
    node.docker:up()
    node.docker:fail("GET", "^/containers/json$", 500, "broken")
    assert.same({ nil, "broken", 500 }, { refresh() })
    assert.equal("ada", subject:containers_section()[1].username)
  end)

  it("are those of the answer that was asked for last", function()
    local release = node.docker:hang("GET", "^/containers/json$")
    node.tasks:spawn(subject.refresh_containers, nil, subject)
    node:settle()
    node.docker:add({ name = "ada", labels = MANAGED })
    refresh()
    -- The answer to the first comes after the other, and tells something else.
    table.remove(node.docker.containers)
    release()
    node:settle()
    assert.equal("ada", subject:containers_section()[1].username)
  end)
end)

describe("Docker", function()
  it("is shown with what is known of it", function()
    node.node.monitor.up = true
    node:run(subject.refresh_docker, subject)
    assert.same({
      up = true, version = "20.10.24", apiVersion = "1.41", address = "unix:///var/run/docker.sock",
      failure = json.null,
      image = { name = node_support.IMAGE, state = "present", current = json.null, total = json.null,
        failure = json.null },
    }, subject:docker_section())
  end)

  it("that is away is shown with the reason, which holds no secret", function()
    node.node.monitor.up = false
    tally.docker_failure = "no hunter2"
    local section = subject:docker_section()
    assert.same({ false, "no [redacted]", json.null }, { section.up, section.failure, section.version })
    assert.equal("unknown", section.image.state)
    node.docker:down()
    node:run(subject.refresh_docker, subject)
    assert.equal("unknown", subject:docker_section().image.state)
  end)

  it("may lack the image, and why it could not be pulled stays known", function()
    node.docker.images = {}
    subject:pull({ image = node_support.IMAGE, current = 1, total = 2 })
    assert.equal("pulling", subject:docker_section().image.state)
    node:run(subject.refresh_docker, subject)
    assert.equal("pulling", subject:docker_section().image.state)
    subject:pull({ image = node_support.IMAGE, ended = true, message = "no such image" })
    node:run(subject.refresh_docker, subject)
    assert.same({ "missing", "no such image" }, { subject.image.state, subject.image.failure })
    node.settings.image = "other/image"
    node:run(subject.refresh_docker, subject)
    assert.same({ "missing", nil }, { subject.image.state, subject.image.failure })
  end)
end)

describe("the connection", function()
  it("is local without a main server", function()
    assert.same({ state = "local", attempt = 0, reconnects = 0 }, subject:connection_section())
  end)

  it("shows no secret in why it failed", function()
    node.settings.server = { text = "wss://main.example" }
    node.node.connection = { status = function()
      return { state = "waiting", attempt = 1, failure = "refused: hunter2" }
    end }
    tally.accepted = 3
    local section = subject:connection_section()
    assert.same({ "refused: [redacted]", 2, json.null }, { section.failure, section.reconnects, section.latencyMs })
  end)
end)

it("the address for ssh is what the operator said, or a physical interface's", function()
  assert.equal("10.0.0.5", subject:node_section().sshHost)
  node.settings.lan_ip = "192.0.2.9"
  assert.equal("192.0.2.9", subject:node_section().sshHost)
  node.settings.lan_ip = nil
  node.host.lan.interfaces = function()
    return nil, "netlink: Permission denied", "EPERM"
  end
  assert.equal(json.null, subject:node_section().sshHost)
end)

it("the whole is one JSON", function()
  local state = json.decode(subject:state())
  for _, name in ipairs({ "version", "time", "node", "connection", "docker", "capacity", "containers", "commands",
    "log" }) do
    assert.truthy(state[name], name)
  end
end)
