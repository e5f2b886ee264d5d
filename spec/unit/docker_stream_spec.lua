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
    local long = ("x"):rep(1024 * 1024)
    assert.same({ "next" }, collect({ long .. "y", '{"of":"it"}', ',"rest":1}\r\n', "next\n" }))
    assert.same({ "before", long, "next" }, collect({ "before\n" .. long .. "\n" .. long .. "y\nnext\n" }))
  end)

  it("takes a long line in the smallest chunks", function()
    local lines = {}
    local feed = docker_stream.lines(function(line)
      table.insert(lines, line)
    end)
    local started = os.clock()
    for _ = 1, 300000 do
      feed("x")
    end
    feed("\n")
    assert.is_true(os.clock() - started < 2)
    assert.same({ ("x"):rep(300000) }, lines)
  end)
end)

local function frame(kind, text)
  return string.pack(">Bxxx s4", kind, text)
end

-- The text of a body that comes in chunks of that size, and whether it was sound to its end.
local function text_of(body, size)
  local parts, sound = {}, true
  local feed = docker_stream.frames(function(text)
    table.insert(parts, text)
  end)
  size = size or #body
  for from = 1, #body, math.max(size, 1) do
    sound = feed(body:sub(from, from + size - 1))
  end
  return table.concat(parts), sound
end

describe("docker_stream.frames", function()
  it("joins both streams in order, wherever the chunks end", function()
    local body = frame(1, "out\n") .. frame(2, "err\n") .. frame(1, "") .. frame(1, "out\n")
    for size = 1, #body do
      assert.same({ "out\nerr\nout\n", true }, { text_of(body, size) })
    end
  end)

  it("makes nothing of nothing", function()
    assert.same({ "", true }, { text_of("") })
  end)

  it("shows what there is of a frame that was cut short", function()
    assert.equal("whole\nhal", (text_of(frame(1, "whole\n") .. frame(1, "half\n"):sub(1, 11))))
    assert.equal("whole\n", (text_of(frame(1, "whole\n") .. "\1\0\0")))
  end)

  for name, body in pairs({
    ["plain text"] = "plain text, no frames",
    ["a frame of an unknown kind"] = frame(3, "x"),
    ["a frame that is too large"] = string.pack(">BxxxI4", 1, 0x7fffffff) .. "x",
  }) do
    it("refuses " .. name .. ", wherever the chunks end, and all that follows", function()
      for _, size in ipairs({ 1, 5, 100 }) do
        assert.same({ "good", false }, { text_of(frame(1, "good") .. body .. frame(1, "good"), size) })
      end
    end)
  end
end)

describe("docker_stream.ending", function()
  local function ending(limit, pieces)
    local add, get = docker_stream.ending(limit)
    for _, piece in ipairs(pieces) do
      add(piece)
    end
    return (get())
  end

  it("is all of what is short enough", function()
    assert.equal("one\ntwo\n", ending(8, { "one\n", "two\n" }))
    assert.equal("", ending(8, {}))
  end)

  it("is the last lines of what is not, without the rest of the one that is cut", function()
    assert.equal("two\nthree\n", ending(12, { "one\n", "two\n", "three\n" }))
    for size = 1, 7 do
      local text, pieces = ("line\n"):rep(1000) .. "last\n", {}
      for from = 1, #text, size do
        table.insert(pieces, text:sub(from, from + size - 1))
      end
      assert.equal("line\nline\nlast\n", ending(18, pieces))
    end
  end)

  it("is the end of a line that is too long by itself", function()
    assert.equal("bcdef", ending(5, { "abcdef" }))
  end)

  it("keeps no more than twice the limit meanwhile", function()
    local add, get = docker_stream.ending(1000)
    collectgarbage()
    local before = collectgarbage("count")
    for i = 1, 20000 do
      add(("%099d\n"):format(i))
    end
    collectgarbage()
    assert.is_true(collectgarbage("count") - before < 200)
    assert.matches("20000\n$", (get()))
  end)
end)
