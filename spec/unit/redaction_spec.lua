local redaction = require("dockhost.redaction")

local HEAD, CLAIMS = "eyJhbGciOiJIUzI1NiJ9", "eyJfaWQiOiJiYWNrZW5kLTEifQ"
local SIGNATURE = "s5XkQ1w_9tT-AbCdEfGhIjKlMnOpQrStUvWxYz01234"
local KEY = HEAD .. "." .. CLAIMS .. "." .. SIGNATURE

local function redactor(...)
  local secrets = { ... }
  return redaction.new(function()
    return secrets
  end)
end

describe("redaction", function()
  it("leaves a text alone in which no secret is", function()
    for _, text in ipairs({ "", "nothing here", ("x"):rep(100), ("0123456789abcdef"):rep(4) }) do
      assert.equal(text, redactor(KEY)(text))
      assert.equal(text, redactor()(text))
      assert.equal(text, redaction.new()(text))
    end
  end)

  it("takes a secret out, each time that it comes", function()
    assert.equal("[redacted]", redactor(KEY)(KEY))
    assert.equal("a [redacted], b [redacted]", redactor(KEY)("a " .. KEY .. ", b " .. KEY))
    assert.equal("[redacted][redacted]", redactor(KEY)(KEY .. KEY))
  end)

  it("takes out any piece of 12 bytes or more, wherever it is from", function()
    local redact = redactor(KEY)
    for length = 12, #SIGNATURE do
      for from = 1, #SIGNATURE - length + 1 do
        local piece = SIGNATURE:sub(from, from + length - 1)
        assert.equal("key=[redacted]!", redact("key=" .. piece .. "!"))
      end
    end
    assert.equal("[redacted],x", redact(CLAIMS .. ",x"))
    assert.equal(SIGNATURE:sub(1, 11), redact(SIGNATURE:sub(1, 11)))
  end)

  it("takes out pieces that follow one another", function()
    local redact = redactor(KEY)
    local torn = SIGNATURE:sub(1, 20) .. CLAIMS .. SIGNATURE:sub(5)
    for i = 1, #KEY - 11 do
      assert.is_nil(redact(torn):find(KEY:sub(i, i + 11), 1, true))
    end
  end)

  it("knows short secrets whole, and the shortest not at all", function()
    assert.equal("[redacted] hunter2", redactor("hunter2hunter")("hunter2hunter hunter2"))
    assert.equal("x[redacted]x", redactor("12345678")("x12345678x"))
    assert.equal("1234567", redactor("1234567")("1234567"))
  end)

  it("goes on to hide a secret that was replaced, up to a number of them", function()
    local current = KEY
    local redact = redaction.new(function()
      return { current, nil, 7, [5] = false }
    end)
    redact("anything")
    for i = 1, 7 do
      current = "another-secret-number-" .. ("%05d"):format(i) .. ("xyz"):rep(i)
      redact("anything")
    end
    assert.equal("[redacted]", redact(KEY))
    current = "the-last-one-of-all"
    assert.equal("[redacted]", redact(current))
    assert.equal(KEY, redact(KEY))
  end)

  it("cuts what is far longer than anything shown", function()
    assert.equal(64 * 1024, #redactor(KEY)(("x"):rep(4 * 1024 * 1024)))
  end)
end)
