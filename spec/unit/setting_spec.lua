local setting = require("dockhost.setting")
local mutate = require("mutate")

local function accepts(parse, cases)
  for text, value in pairs(cases) do
    it(("reads %q"):format(text), function()
      assert.same(value, parse(text))
    end)
  end
end

local function refuses(parse, cases)
  for text, message in pairs(cases) do
    it(("refuses %q"):format(text:sub(1, 30)), function()
      local value, why = parse(text)
      assert.is_nil(value)
      assert.matches(message, why)
    end)
  end
end

describe("setting.integer", function()
  local parse = setting.integer(1, 65535)
  accepts(parse, { ["1"] = 1, ["65535"] = 65535, ["0080"] = 80 })
  refuses(parse, {
    ["0"] = "is not from 1 to 65535", ["65536"] = "from 1", ["99999999999999999999999"] = "from 1",
    ["-1"] = "whole number", ["1.0"] = "whole number", ["0x10"] = "whole number", ["1e3"] = "whole number",
    ["abc"] = "whole number", ["1 2"] = "whole number",
  })
end)

describe("setting.cpus", function()
  accepts(setting.cpus, { ["0"] = 0, ["0.5"] = 0.5, [".5"] = 0.5, ["2"] = 2, ["2."] = 2.0, ["0.01"] = 0.01 })
  refuses(setting.cpus, {
    ["abc"] = "is not a number", ["-1"] = "is not a number", ["1e3"] = "is not a number", ["0x1"] = "is not a number",
    ["nan"] = "is not a number", ["."] = "is not a number", ["1,5"] = "is not a number",
    ["0.001"] = "from 0.01", ["1025"] = "from 0.01 to 1024",
  })
end)

describe("setting.size", function()
  accepts(setting.size, {
    ["512m"] = 536870912, ["512M"] = 536870912, ["512MB"] = 536870912, ["512MiB"] = 536870912, ["512 m"] = 536870912,
    ["1g"] = 1073741824, ["1.5g"] = 1610612736, ["0"] = 0, ["0m"] = 0, ["6m"] = 6291456, ["10000000"] = 10000000,
    ["10000000b"] = 10000000, ["8192k"] = 8388608, ["1t"] = 1099511627776,
  })
  refuses(setting.size, {
    ["512x"] = "not a size", ["m"] = "not a size", ["-1m"] = "not a size", ["512ib"] = "not a size",
    ["1..5g"] = "not a size", ["1e9"] = "not a size", ["512  m"] = "not a size", ["5m"] = "6m", ["1"] = "6m",
    ["99999999t"] = "too large", [("9"):rep(400)] = "too large",
  })

  it("always answers an integer", function()
    for _, text in ipairs { "0.5g", "512m", "0" } do assert.equal("integer", math.type(setting.size(text))) end
  end)
end)

describe("setting.one_of", function()
  accepts(setting.one_of("text", "json"), { text = "text", JSON = "json" })
  refuses(setting.one_of("text", "json"), { xml = "is none of text, json" })
end)

describe("setting.key", function()
  accepts(setting.key, { ["eyJ.a-_.b"] = "eyJ.a-_.b" })
  refuses(setting.key, { ["a b"] = "white space", ["é"] = "white space", [("x"):rep(9000)] = "too long" })
end)

describe("setting.ip", function()
  accepts(setting.ip, {
    ["192.168.1.10"] = "192.168.1.10", ["::1"] = "::1", ["fd00:1:2:3:4:5:6:7"] = "fd00:1:2:3:4:5:6:7",
    ["fe80::1:2"] = "fe80::1:2", ["::"] = "::",
  })
  refuses(setting.ip, {
    ["256.1.1.1"] = "IP", ["1.2.3"] = "IP", ["1.2.3.4.5"] = "IP", ["host"] = "IP", [":::"] = "IP", ["1::2::3"] = "IP",
    ["1:2:3:4:5:6:7:8:9"] = "IP", ["12345::"] = "IP", [":1"] = "IP", ["1:"] = "IP", ["1.2.3.4:80"] = "IP",
  })
end)

describe("setting.listener", function()
  accepts(setting.listener, {
    ["127.0.0.1:3002"] = { host = "127.0.0.1", port = 3002 },
    ["[::1]:80"] = { host = "::1", port = 80 },
    ["localhost:80"] = { host = "localhost", port = 80 },
    ["off"] = false,
    ["OFF"] = false,
  })
  refuses(setting.listener, {
    ["3002"] = "neither", [":3002"] = "neither", ["127.0.0.1"] = "neither", ["127.0.0.1:"] = "neither",
    ["127.0.0.1:0"] = "neither", ["127.0.0.1:65536"] = "neither", ["::1:80"] = "neither", ["[::1]80"] = "neither",
    ["[::1]"] = "neither", ["[1.2.3.4]:80"] = "neither", ["300.0.0.1:80"] = "neither", ["a b:80"] = "neither",
    ["http://localhost:80"] = "neither", ["on"] = "neither",
  })

  it("answers whatever it is given", function()
    local accepted = 0
    mutate.each({ "127.0.0.1:3002", "[::1]:80", "localhost:80" }, 3000, function(mutant)
      local value, message = setting.listener(mutant)
      accepted = accepted + (value and 1 or 0)
      assert.is_true(value ~= nil or type(message) == "string")
    end)
    assert.is_true(accepted > 20)
  end)
end)
