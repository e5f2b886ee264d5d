local fake_clock = require("fake_clock")
local repeats = require("dockhost.repeats")

local clock, subject, written
before_each(function()
  clock, written = fake_clock.new(), {}
  subject = repeats.new({
    time = clock.time,
    timer = clock.timer,
    write = function(record)
      table.insert(written, record.message)
    end,
  })
end)

-- Says it so many times; how many of these were held back.
local function say(message, times, rest)
  local held = 0
  for _ = 1, times do
    local record = { time = clock.time(), level = "warn", name = "x", message = message }
    for key, value in pairs(rest or {}) do
      record[key] = value
    end
    held = held + (subject:holds(record, rest and rest.id) and 1 or 0)
  end
  return held
end

describe("a line that comes again and again", function()
  it("is held back from the 31st in 10 s on, and told with their number", function()
    assert.equal(120, say("lost", 150))
    assert.same({}, written)
    clock:advance(10)
    assert.same({ "lost … repeated 120 times" }, written)
  end)

  it("is told once a window as long as it goes on, then written again", function()
    say("lost", 31)
    clock:advance(10)
    assert.equal(50, say("lost", 50))
    clock:advance(10)
    assert.same({ "lost", "lost … repeated 50 times" }, written)
    clock:advance(10)
    assert.equal(0, say("lost", 1))
    assert.is_nil(clock:next_in())
  end)

  it("starts no timer before something is held back", function()
    say("lost", 30)
    assert.is_nil(clock:next_in())
  end)

  it("is told at the end", function()
    say("lost", 35)
    subject:flush()
    assert.same({ "lost … repeated 5 times" }, written)
    clock:advance(10)
    assert.equal(1, #written)
  end)

  it("is told with a later line where there is no timer", function()
    subject.timer = nil
    say("lost", 35)
    clock:advance(11)
    say("other", 1)
    assert.same({ "lost … repeated 5 times" }, written)
  end)
end)

describe("lines that are no repetition", function()
  for what, rest in pairs({ level = { level = "info" }, name = { name = "y" }, id = { id = 7 } }) do
    it("have another " .. what, function()
      say("lost", 40)
      assert.equal(0, say("lost", 30, rest))
    end)
  end

  it("have another message, or are asked for", function()
    say("lost", 40)
    assert.equal(0, say("found", 30))
    assert.equal(0, say("lost", 90, { level = "debug" }))
  end)

  it("come far enough apart", function()
    for _ = 1, 100 do
      assert.equal(0, say("lost", 2))
      clock:advance(1)
    end
  end)
end)

it("bounds what is remembered", function()
  for i = 1, 1000 do
    assert.equal(0, say("message " .. i, 1))
  end
  assert.is_true(subject.count <= 256)
  clock:advance(11)
  say("one more", 1)
  assert.equal(1, subject.count)
end)

it("takes any message", function()
  for _, message in ipairs({ {}, 12, print }) do
    say(message, 40)
  end
  clock:advance(10)
  assert.equal("the same … repeated 10 times", written[1])
end)
