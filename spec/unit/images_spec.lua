local docker = require("dockhost.docker")
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local fake_log = require("fake_log")
local images = require("dockhost.images")
local task = require("dockhost.task")

local IMAGE = "some/image"

local daemon, tasks, log, pool
before_each(function()
  daemon = fake_docker.new({ time = fake_clock.new().time })
  tasks, log = task.new({}), fake_log.new()
  local client = docker.new({
    request = daemon.request,
    wait = task.wait,
    endpoint = { kind = "unix", path = "/run/docker.sock" },
  })
  pool = images.new({ docker = client, flights = task.flights(tasks), log = log })
end)

local function begin(policy)
  local result = {}
  local spawned = tasks:spawn(function()
    return pool:ensure(IMAGE, policy)
  end, function(...)
    table.move({ ... }, 1, select("#", ...), 1, result)
  end)
  return result, spawned
end

local function ensure(policy)
  local result = begin(policy)
  daemon:settle()
  assert.is_true(result[1])
  return result[2], result[3], result[4]
end

local function pulls()
  return #daemon:asked("POST", "^/images/create$")
end

describe("an image that is here", function()
  before_each(function()
    daemon:add_image(IMAGE)
  end)

  for _, policy in ipairs({ "missing", "never" }) do
    it("is not pulled with " .. policy, function()
      assert.is_true(ensure(policy))
      assert.equal(0, pulls())
    end)
  end

  it("is pulled with always", function()
    daemon.registry[IMAGE .. ":latest"] = true
    local before = daemon.images[IMAGE .. ":latest"]
    assert.is_true(ensure("always"))
    assert.not_equal(before, daemon.images[IMAGE .. ":latest"])
  end)

  for name, problem in pairs({
    ["does not have it"] = function() end,
    ["can't be reached"] = function()
      daemon.registry_problem = 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup failed'
    end,
    ["fails in the middle"] = function()
      daemon.registry[IMAGE .. ":latest"] = "broken"
    end,
  }) do
    it("serves with always where the registry " .. name .. ", with a warning", function()
      problem()
      assert.is_true(ensure("always"))
      assert.equal(1, #log:find("warn", "the local one is used"))
    end)
  end

  it("is not pulled because it can't be looked at", function()
    daemon:fail("GET", "^/images/", 500, "broken")
    local ok, message, status = ensure("missing")
    assert.is_nil(ok)
    assert.equal("broken", message)
    assert.equal(500, status)
    assert.equal(0, pulls())
  end)

  it("is not taken for granted while Docker is away", function()
    daemon:down()
    local ok, message, status = ensure("missing")
    assert.is_nil(ok)
    assert.matches("Docker does not answer", message)
    assert.equal(503, status)
  end)
end)

describe("an image that is missing", function()
  for _, policy in ipairs({ "missing", "always" }) do
    it("is pulled with " .. policy, function()
      daemon.registry[IMAGE .. ":latest"] = true
      assert.is_true(ensure(policy))
      assert.equal(1, pulls())
      assert.is_string(daemon.images[IMAGE .. ":latest"])
    end)

    it("and can't be pulled with " .. policy .. " says why and names `make image`", function()
      local ok, message, status = ensure(policy)
      assert.is_nil(ok)
      assert.matches("pull access denied", message)
      assert.matches("make image", message)
      assert.equal(503, status)
    end)
  end

  it("is not pulled with never, and the message says so", function()
    daemon.registry[IMAGE .. ":latest"] = true
    local ok, message, status = ensure("never")
    assert.is_nil(ok)
    assert.matches("DOCKHOST_PULL=never", message)
    assert.matches("make image", message)
    assert.equal(503, status)
    assert.equal(0, pulls())
  end)
end)

describe("a pull", function()
  it("is one for all who want it at once", function()
    daemon.registry[IMAGE .. ":latest"] = true
    local results = { (begin("missing")), (begin("missing")), (begin("missing")) }
    daemon:settle()
    for _, result in ipairs(results) do
      assert.same({ true, true }, result)
    end
    assert.equal(1, pulls())
  end)

  it("goes on for the others when one gives up", function()
    daemon.registry[IMAGE .. ":latest"] = true
    local first, spawned = begin("missing")
    local second = begin("missing")
    daemon:turn()
    daemon:turn()
    assert.equal(1, pulls())
    spawned:cancel("overtaken")
    daemon:settle()
    assert.is_false(first[1])
    assert.same({ true, true }, second)
  end)

  it("logs its beginning, its progress and its end", function()
    daemon.registry[IMAGE .. ":latest"] = true
    ensure("missing")
    local said = {}
    for i, record in ipairs(log:find("info")) do
      said[i] = { record.message, record.fields.percent }
    end
    assert.same({
      { "pulling some/image" }, { "pulling some/image", 30 }, { "pulling some/image", 100 }, { "pulled some/image" },
    }, said)
  end)

  it("is tried again by the next who wants the image", function()
    ensure("missing")
    daemon.registry[IMAGE .. ":latest"] = true
    assert.is_true(ensure("missing"))
    assert.equal(2, pulls())
  end)

  it("whose connection breaks is told as Docker's absence", function()
    daemon:lose("POST", "^/images/create$")
    local ok, message, status = ensure("missing")
    assert.is_nil(ok)
    assert.matches("^Docker does not answer", message)
    assert.is_nil(message:find("make image"))
    assert.equal(503, status)
  end)

  it("that ends in good order without the image is no success", function()
    daemon.registry[IMAGE .. ":latest"] = true
    daemon:after("POST", "^/images/create$", function()
      daemon.images[IMAGE .. ":latest"] = nil
    end)
    local ok, message, status = ensure("missing")
    assert.is_nil(ok)
    assert.matches("the pull ended without it", message)
    assert.equal(503, status)
  end)

  it("logs each tenth of all its layers once", function()
    local function entry(id, current)
      return { status = "Downloading", id = id, progressDetail = { current = current, total = 100 } }
    end
    local entries = {
      entry("a", 1), { status = "Downloading" }, entry("b", 1), entry("a", 30), entry("a", 31), entry("b", 100),
      { status = "Extracting", id = "a", progressDetail = { current = 100, total = 100 } }, entry("a", 100),
    }
    local pulled = false
    pool.docker = {
      image_inspect = function()
        if pulled then
          return {}
        end
        return nil, "no such image", 404
      end,
      image_pull = function(_, _, on_progress)
        pulled = true
        for _, each in ipairs(entries) do
          on_progress(each)
        end
        return true
      end,
    }
    ensure("missing")
    local percents = {}
    for _, record in ipairs(log:find("info")) do
      table.insert(percents, record.fields.percent)
    end
    assert.same({ 10, 60, 100 }, percents)
  end)
end)
