local json = require("dockhost.json")
local recent = require("dockhost.console.recent")

local subject
before_each(function()
  subject = recent.new(function(text)
    return (text:gsub("hunter2", "[redacted]"))
  end)
end)

local function commands()
  return json.decode(subject:commands_json())
end

local function lines()
  return json.decode(subject:lines_json())
end

describe("the recent commands", function()
  it("are none at first", function()
    assert.equal("[]", subject:commands_json())
  end)

  it("begin and end", function()
    subject:command({ id = 1, event = "stop-container", user = "ada", began = 100.5 })
    assert.same({ { id = 1, event = "stop-container", user = "ada", startedAt = 100.5, ms = json.null,
      source = "server" } }, commands())
    local text = subject:command({ id = 1, event = "stop-container", user = "ada", began = 100.5, status = 200,
      success = true, message = "done", seconds = 0.0126, source = "console" })
    local entry = { id = 1, event = "stop-container", user = "ada", startedAt = 100.5, ms = 13, status = 200,
      success = true, message = "done", source = "console" }
    assert.same(entry, json.decode(text))
    assert.same({ entry }, commands())
  end)

  it("are the last 50, the newest first", function()
    for id = 1, 60 do
      subject:command({ id = id, event = "e", began = id })
    end
    local list = commands()
    assert.same({ 50, 60, 11 }, { #list, list[1].id, list[50].id })
    subject:command({ id = 5, event = "e", began = 5, seconds = 55, status = 504, success = false, message = "late" })
    assert.same({ 50, 5 }, { #commands(), commands()[1].id })
  end)

  it("hold no secret and nothing long", function()
    subject:command({ id = 1, event = "e", user = "hunter2", began = 1, message = "hunter2" .. ("ö"):rep(10000) })
    local entry = commands()[1]
    assert.equal("[redacted]", entry.user)
    assert.matches("^%[redacted%]ö", entry.message)
    assert.is_true(#entry.message < 1100)
    assert.truthy(utf8.len(entry.message))
    assert.matches("ö…$", entry.message)
  end)
end)

describe("the recent lines of the log", function()
  it("are none at first", function()
    assert.equal("[]", subject:lines_json())
  end)

  it("are kept as they are sent", function()
    local record = { time = 5.25, level = "info", name = "docker", message = "Docker answers",
      fields = { user = "ada", ms = 5, ok = true, ratio = 0.5, list = { 1, 2 }, fn = print } }
    local text = subject:line(record)
    assert.same({ { time = 5.25, level = "info", name = "docker", message = "Docker answers",
      fields = { user = "ada", ms = 5, ok = true, ratio = "0.5", list = "[1,2]", fn = "function" } } }, lines())
    assert.same(lines()[1], json.decode(text))
  end)

  it("may lack fields and have other than text", function()
    subject:line({ time = 1, level = "warn", message = { a = 1 } })
    subject:line({ time = 1, level = "warn", message = 5, fields = "no table" })
    assert.same({ '{"a":1}', "5" }, { lines()[1].message, lines()[2].message })
    assert.same({}, lines()[2].fields)
  end)

  it("are the last 200", function()
    for i = 1, 300 do
      subject:line({ time = i, level = "info", message = "m" })
    end
    local list = lines()
    assert.same({ 200, 101, 300 }, { #list, list[1].time, list[200].time })
  end)

  it("are fewer where they are long", function()
    local fields = {}
    for i = 1, 100 do
      fields["field" .. i] = ("x"):rep(10000)
    end
    for i = 1, 300 do
      subject:line({ time = i, level = "info", message = ("y"):rep(100000), fields = fields })
    end
    local text = subject:lines_json()
    assert.is_true(#text <= 128 * 1024 + 300)
    assert.equal(300, lines()[#lines()].time)
    local count = 0
    for _, value in pairs(lines()[1].fields) do
      count = count + 1
      assert.is_true(#value <= 260)
    end
    assert.equal(16, count)
  end)
end)
