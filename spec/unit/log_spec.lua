local json = require("dockhost.json")
local log = require("dockhost.log")
local debug_filter = require("dockhost.debug_filter")

-- (options?) -> logger, lines without their time
local function new(options)
  local lines = {}
  local all = {
    write = function(line) lines[#lines + 1] = (line:gsub("2026%-11%-24T11:40:36%.123Z ?", "")) end,
    time = function() return 1795520436.123 end,
    format = "text",
  }
  for key, value in pairs(options or {}) do all[key] = value end
  return log.new(all), lines
end

describe("log", function()
  it("writes a line for each level", function()
    local logger, lines = new()
    logger:info("one", { user = "alice" })
    logger:warn("two")
    logger:error("three")
    assert.same({ "info  one user=alice", "warn  two", "error three" }, lines)
  end)

  it("names its children", function()
    local logger, lines = new()
    local docker = logger:child("docker")
    docker:info("up")
    docker:child("events"):info("open")
    assert.same({ "info  docker: up", "info  docker:events: open" }, lines)
  end)

  it("writes one JSON object a line", function()
    local logger, lines = new { format = "json" }
    logger:child("docker"):info("up\n", { port = 1 })
    assert.same({ '{"time":"","level":"info","name":"docker","message":"up\\n","port":1}' }, lines)
  end)

  it("writes debug lines only where the filter wants them", function()
    local logger, lines = new { filter = debug_filter.new("dockhost:*,-dockhost:ws") }
    logger:debug("root")
    logger:child("docker"):debug("docker")
    logger:child("ws"):debug("ws")
    assert.same({ "debug docker: docker" }, lines)
    local quiet, nothing = new()
    quiet:child("docker"):debug("docker")
    assert.same({}, nothing)
  end)

  it("can be configured anew, children included", function()
    local logger, lines = new()
    local child = logger:child("docker")
    child:debug("before")
    logger:configure { format = "json", filter = debug_filter.new("dockhost:docker") }
    child:debug("after")
    assert.same({ '{"time":"","level":"debug","name":"docker","message":"after"}' }, lines)
  end)

  it("asks the filter once for each name", function()
    local asked = 0
    local logger = new { filter = function()
      asked = asked + 1
      return false
    end }
    for _ = 1, 3 do logger:child("docker"):debug("x") end
    assert.equal(1, asked)
  end)

  it("gives scripts plain functions", function()
    local logger, lines = new { filter = debug_filter.new("*") }
    local script = logger:child("x"):script()
    script.debug("a")
    script.info("b", { c = 1 })
    script.warn("d")
    script.error({ e = 1 })
    script.info()
    assert.same({ "debug x: a", "info  x: b c=1", "warn  x: d", 'error x: {"e":1}', "info  x: nil" }, lines)
  end)

  it("indents a traceback's lines", function()
    local logger, lines = new()
    logger:trace("boom\n", "stack:\n\tone\n2026-11-24T11:40:36.123Z info  forged\n\27[2J")
    assert.same({ "error boom\\n", "    stack:", "    one", "    info  forged", "    \\x1B[2J" }, lines)
  end)

  it("writes a bounded part of a traceback, or none", function()
    local logger, lines = new()
    logger:trace("boom", ("x\n"):rep(1000))
    assert.equal(65, #lines)
    logger:trace("boom")
    assert.equal(66, #lines)
  end)

  it("writes a traceback as a field in JSON", function()
    local logger, lines = new { format = "json" }
    logger:trace("boom", "stack:\n\tone")
    assert.same({ '{"time":"","level":"error","message":"boom","traceback":"stack:\\n\\tone"}' }, lines)
  end)
end)

describe("a tap", function()
  local function tapped(options)
    local logger, lines = new(options)
    local heard = {}
    local untap = logger:tap(function(record) heard[#heard + 1] = record end)
    return logger, heard, untap, lines
  end

  it("hears each line, as bounded plain text", function()
    local logger, heard = tapped { secrets = function() return { "s3cret-of-the-node" } end }
    logger:child("docker"):info("up\n s3cret-of-the-node", { n = 1, list = { 1, "\27" }, long = ("x"):rep(9000) })
    local record = heard[1]
    assert.same({ 1795520436.123, "info", "docker", "up\\n [redacted]" },
      { record.time, record.level, record.name, record.message })
    assert.same({ "1", '[1,"\\u001b"]' }, { record.fields.n, record.fields.list })
    assert.is_true(#record.fields.long < 2100)
    logger:debug("not written")
    logger:trace("boom", "stack:\n\tone")
    assert.equal(2, #heard)
    assert.equal("stack:\n\tone", heard[2].traceback)
  end)

  it("never hears a secret, even one that is put together from pieces", function()
    for _, format in ipairs { "text", "json" } do
      local logger, heard = tapped { format = format, secrets = function() return { "x: s3cret of the node" } end }
      logger:child("x"):info("s3cret of the node")
      local record = heard[1]
      assert.is_nil((record.name or ""):find("x: s3", 1, true))
      assert.truthy(format == "json" or record.message:find("[redacted]", 1, true))
    end
  end)

  it("is one of several, and ends", function()
    local logger, first, untap = tapped()
    local second = {}
    logger:child("x"):tap(function(record) second[#second + 1] = record.message end)
    logger:info("one")
    untap()
    logger:info("two")
    assert.equal(1, #first)
    assert.same({ "one", "two" }, second)
  end)

  it("that writes lines, or fails, harms no one", function()
    local logger, lines = new()
    local heard = 0
    logger:tap(function()
      logger:info("from the tap")
      error("oops")
    end)
    logger:tap(function() heard = heard + 1 end)
    logger:info("one")
    assert.equal(1, heard)
    assert.same({ "info  one", "info  from the tap" }, { lines[1], lines[2] })
    assert.matches("a reader of the log failed: .*oops", lines[3])
  end)
end)

describe("repetitions", function()
  it("are summed up, with the fields of the last", function()
    local logger, lines = new()
    for i = 1, 40 do logger:child("x"):warn("lost", { i = i }) end
    assert.equal(30, #lines)
    logger:flush()
    assert.equal("warn  x: lost … repeated 10 times i=40", lines[31])
  end)

  it("are not what is reported", function()
    local logger, lines = new()
    for _ = 1, 40 do logger:report("start-container") end
    assert.equal(40, #lines)
  end)
end)

describe("fields that all lines of a logger have", function()
  it("stand in each", function()
    local logger, lines = new { filter = debug_filter.new("*") }
    local command = logger:child("command"):with { id = 7 }
    command:debug("a")
    command:info("b", { user = "ada", id = 8 })
    command:child("sub"):script().warn("c", "text")
    command:trace("d", "")
    assert.same({ "debug command: a id=7", "info  command: b id=7 id_=8 user=ada",
      'warn  command:sub: c id=7 value=text', "error command: d id=7" }, lines)
  end)
end)

describe("a secret", function()
  local SECRET = 'eyJ"hbGci\\Oi'
  local function secrets() return { nil, SECRET, "short", 12, [7] = "another-one" } end

  for _, format in ipairs { "text", "json" } do
    it("stands in no line of " .. format, function()
      local logger, lines = new { format = format, secrets = secrets }
      local child = logger:child("x" .. SECRET)
      child:info(SECRET .. " and " .. SECRET, { [SECRET] = SECRET, list = { SECRET, { k = "a" .. SECRET } } })
      child:trace(SECRET, "at " .. SECRET)
      child:script().warn("another-one short")
      local all = table.concat(lines, "\n")
      assert.is_nil(all:find("hbGci", 1, true))
      assert.is_nil(all:find("another-one", 1, true))
      assert.truthy(all:find("[redacted] short", 1, true))
    end)
  end

  it("does not stand in parts where a long text is cut", function()
    local logger, lines = new { secrets = secrets }
    logger:info(("x"):rep(8187) .. SECRET, { k = ("x"):rep(2043) .. SECRET })
    assert.is_nil(lines[1]:find("eyJ", 1, true))
  end)

  local LONG = {}
  for i = 1, 32 do LONG[i] = ("x"):rep(2000) end

  for what, fields in pairs({
    ["an escape's last digit"] = { k = "\fret-of-the-v" },
    ["no more than is looked at"] = { a = LONG, b = LONG },
  }) do
    it("leaves a line that is JSON where it takes " .. what, function()
      local logger, lines = new { format = "json", secrets = function() return { "s3cret-of-the-node" } end }
      logger:warn("m", fields)
      local record = assert(json.decode(lines[1]))
      assert.equal("warn", record.level)
      assert.is_string(record.message)
      assert.is_nil(lines[1]:find("cret-of-the-", 1, true))
    end)
  end

  it("may come to be known later", function()
    local known = {}
    local logger, lines = new { secrets = function() return known end }
    logger:info("hunter2hunter2")
    known[1] = "hunter2hunter2"
    logger:info("hunter2hunter2")
    assert.same({ "info  hunter2hunter2", "info  [redacted]" }, lines)
  end)
end)
