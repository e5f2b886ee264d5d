local docker_stream = require("dockhost.docker_stream")

local function collect(chunks)
  local lines = {}
  local feed = docker_stream.lines(function(line)
    table.insert(lines, line)
  end)
  for _, chunk in ipairs(chunks) do
    feed(chunk)
  end
  return lines
end

describe("docker_stream.lines", function()
  it("finds lines wherever the chunks end", function()
    local text = '{"a":1}\r\n{"b":2}\n\n{"c":3}\n'
    for size = 1, #text do
      local chunks = {}
      for from = 1, #text, size do
        table.insert(chunks, text:sub(from, from + size - 1))
      end
      assert.same({ '{"a":1}', '{"b":2}', '{"c":3}' }, collect(chunks))
    end
  end)

  it("keeps a line back until it is whole", function()
    assert.same({ "a" }, collect({ "a\nb" }))
  end)

  it("drops a line past 1 MiB and goes on with the next", function()
    local lines = collect({ ("x"):rep(1024 * 1024 + 1), "rest\n", "next\n" })
    assert.equal("next", lines[#lines])
    for _, line in ipairs(lines) do
      assert.is_true(#line < 1024 * 1024)
    end
  end)
end)

local function frame(kind, text)
  return string.pack(">Bxxx s4", kind, text)
end

describe("docker_stream.demultiplex", function()
  it("joins both streams in order", function()
    local body = frame(1, "out\n") .. frame(2, "err\n") .. frame(1, "out\n")
    assert.equal("out\nerr\nout\n", docker_stream.demultiplex(body))
  end)

  it("takes a terminal's output as it is", function()
    assert.equal("\1\0\0\0plain", docker_stream.demultiplex("\1\0\0\0plain", true))
  end)

  it("makes nothing of nothing", function()
    assert.equal("", docker_stream.demultiplex(""))
  end)

  it("shows what there is of a frame that was cut short", function()
    assert.equal("whole\nhal", docker_stream.demultiplex(frame(1, "whole\n") .. frame(1, "half\n"):sub(1, 11)))
    assert.equal("whole\n", docker_stream.demultiplex(frame(1, "whole\n") .. "\1\0\0"))
  end)

  it("refuses what is no such stream", function()
    local text, message = docker_stream.demultiplex("plain text, no frames")
    assert.is_nil(text)
    assert.matches("malformed", message)
    assert.is_nil((docker_stream.demultiplex(string.pack(">BxxxI4", 1, 0x7fffffff))))
  end)
end)
