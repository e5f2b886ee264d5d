local clock = require("dockhost.clock")
local mutate = require("mutate")

describe("clock.parse", function()
  for text, seconds in pairs {
    ["1970-01-01T00:00:00Z"] = 0.0,
    ["2026-11-24T11:40:36Z"] = 1795520436.0,
    ["2026-11-24T11:40:36.5Z"] = 1795520436.5,
    ["2026-11-24T13:40:36+02:00"] = 1795520436.0,
    ["2026-11-24T06:10:36-05:30"] = 1795520436.0,
    ["2026-11-24t11:40:36z"] = 1795520436.0,
    ["2000-02-29T00:00:00Z"] = 951782400.0,
    ["2024-12-31T23:59:60Z"] = 1735689600.0,
    ["1969-12-31T23:59:59Z"] = -1.0,
    ["9999-12-31T23:59:59Z"] = 253402300799.0,
  } do
    it("reads " .. text, function()
      local parsed = clock.parse(text)
      assert.equal(seconds, parsed)
      assert.equal("float", math.type(parsed))
    end)
  end

  it("reads Docker's nanoseconds", function()
    assert.is_near(1795520436.123456, clock.parse("2026-11-24T11:40:36.123456789Z"), 1e-6)
  end)

  for _, text in ipairs {
    "0001-01-01T00:00:00Z", "", "now", "2026-11-24", "2026-11-24T11:40:36", "2026-11-24T11:40:36.Z",
    "2026-11-24T11:40:3655Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-12-32T00:00:00Z",
    "2026-11-24T24:00:00Z", "2026-11-24T11:60:00Z", "2026-11-24T11:40:61Z", "2026-11-24T11:40:36+2:00",
    "2026-11-24T11:40:36+24:00", "2026-11-24T11:40:36Zx", " 2026-11-24T11:40:36Z",
    "2026-11-24T11:40:36." .. ("1"):rep(100) .. "Z",
  } do
    it(("refuses %q"):format(text:sub(1, 40)), function()
      assert.is_nil(clock.parse(text))
    end)
  end

  it("answers whatever it is given", function()
    assert.is_nil(clock.parse(nil))
    assert.is_nil(clock.parse(12))
    local accepted = 0
    mutate.each({ "2026-11-24T11:40:36.123456789Z", "2026-11-24T13:40:36+02:00" }, 2000, function(mutant)
      local seconds = clock.parse(mutant)
      if seconds then
        accepted = accepted + 1
        assert.matches("^%d%d%d%d%-", clock.format(seconds))
      end
    end)
    assert.is_true(accepted > 20)
  end)
end)

describe("clock.format", function()
  for _, case in ipairs {
    { 0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z" },
    { 1795520436, "2026-11-24T11:40:36Z", "2026-11-24T11:40:36.000Z" },
    { 1795520436.123, "2026-11-24T11:40:36Z", "2026-11-24T11:40:36.123Z" },
    { 1795520436.9996, "2026-11-24T11:40:36Z", "2026-11-24T11:40:37.000Z" },
    { -0.5, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.500Z" },
    { 951782400, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z" },
    { -62135596800, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z" },
    { math.huge, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z" },
    { -math.huge, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z" },
    { 0 / 0, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z" },
  } do
    it(("writes %s"):format(case[1]), function()
      assert.equal(case[2], clock.format(case[1]))
      assert.equal(case[3], clock.format_ms(case[1]))
    end)
  end

  it("writes what parse reads, as the C library does", function()
    math.randomseed(7)
    for _ = 1, 2000 do
      local seconds = math.random(-62e9 // 1 | 0, 250e9 // 1 | 0)
      local written = clock.format(seconds)
      assert.equal(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds):gsub("^%d+", function(year)
        return ("%04d"):format(year)
      end), written)
      if seconds > -62e9 then assert.equal(seconds, clock.parse(written)) end
    end
  end)
end)

describe("clock.age", function()
  for seconds, text in pairs {
    [-5] = "0 s", [0] = "0 s", [59.9] = "59 s", [60] = "1 min", [3599] = "59 min", [3600] = "1 h", [86399] = "23 h",
    [86400] = "1 day", [259200] = "3 days", [1e8] = "1157 days", [math.huge] = "2932896 days",
  } do
    it(("of %s is %s"):format(seconds, text), function()
      assert.equal(text, clock.age(seconds))
    end)
  end
end)

describe("clock.parse_http", function()
  it("reads the date of an HTTP answer", function()
    assert.equal(1795520436.0, clock.parse_http("Tue, 24 Nov 2026 11:40:36 GMT"))
  end)

  for _, text in ipairs({ "", "Tue, 24 Foo 2026 11:40:36 GMT", "Tue, 31 Feb 2026 11:40:36 GMT", "24 Nov 2026",
    "Tue, 24 Nov 2026 11:40:36 CET", ("x"):rep(100) }) do
    it("refuses " .. text, function()
      assert.is_nil(clock.parse_http(text))
    end)
  end

  it("refuses what is no text", function()
    assert.is_nil(clock.parse_http(nil))
    assert.is_nil(clock.parse_http({}))
  end)
end)
