-- host.tar: what it packs is read back by the system's own tar.
local tar = require("host.tar")

local function shell(command)
  local pipe = assert(io.popen("LC_ALL=C TZ=UTC " .. command .. " 2>&1"))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

describe("host.tar", function()
  local directory

  before_each(function()
    directory = shell("mktemp -d"):gsub("\n", "")
  end)

  after_each(function()
    shell("rm -rf " .. directory)
  end)

  local function write(archive)
    local path = directory .. "/a.tar"
    local file = assert(io.open(path, "wb"))
    file:write(archive)
    file:close()
    return path
  end

  local function listing(entries)
    return shell("tar --numeric-owner -tvf " .. write(tar.pack(entries)))
  end

  local function extracted(entries, name)
    shell(("tar -xf %s -C %s"):format(write(tar.pack(entries)), directory))
    local file = assert(io.open(directory .. "/" .. name, "rb"))
    local content = file:read("a")
    file:close()
    return content
  end

  it("packs names, types, modes, owners and times", function()
    assert.are.equal(
      "drwx------ 0/0               0 1970-01-01 00:00 .ssh/\n"
        .. "-rw------- 1000/100          5 2023-11-14 22:13 .ssh/authorized_keys\n"
        .. "-rwsr-xr-x 2097151/2097151   0 1970-01-01 00:00 run\n",
      listing({
        { name = ".ssh", type = "directory", mode = 448 },
        {
          name = ".ssh/authorized_keys",
          type = "file",
          mode = 384,
          uid = 1000,
          gid = 100,
          mtime = 1700000000,
          content = "key\n\n",
        },
        { name = "run", type = "file", mode = 2541, uid = 2097151, gid = 2097151 },
      })
    )
  end)

  it("keeps the mode of what is extracted", function()
    extracted({ { name = "d/", type = "directory", mode = 448 }, { name = "d/f", type = "file", mode = 384 } }, "d/f")
    assert.are.equal("700\n600\n", shell(("stat -c %%a %s/d %s/d/f"):format(directory, directory)))
  end)

  for _, size in ipairs({ 0, 1, 511, 512, 513, 16384 }) do
    it(("packs a content of %d bytes, followed by another file"):format(size), function()
      local content = ("\0\255ab"):rep(size // 4 + 1):sub(1, size)
      local entries = {
        { name = "first", type = "file", mode = 420, content = content },
        { name = "second", type = "file", mode = 420, content = "after" },
      }
      assert.are.equal(content, extracted(entries, "first"))
      assert.are.equal("after", extracted(entries, "second"))
      assert.are.equal(0, #tar.pack(entries) % 512)
    end)
  end

  it("packs a name of 100 bytes, and of a directory with its slash", function()
    local name = ("n"):rep(100)
    assert.are.equal("x", extracted({ { name = name, type = "file", mode = 420, content = "x" } }, name))
    local long = ("d"):rep(99)
    assert.matches(long .. "/\n$", listing({ { name = long, type = "directory", mode = 493 } }))
  end)

  it("packs nothing as an empty archive", function()
    assert.are.equal(("\0"):rep(1024), tar.pack({}))
    assert.are.equal("", listing({}))
  end)

  local wrong = {
    ["no table"] = "x",
    ["name is no relative path"] = { type = "file", mode = 1 },
    ["type is neither"] = { name = "x", type = "link", mode = 1 },
    ["mode is no integer from 0 to 4095"] = { name = "x", type = "file" },
    ["uid is no integer"] = { name = "x", type = "file", mode = 1, uid = 2097152 },
    ["gid is no integer"] = { name = "x", type = "file", mode = 1, gid = -1 },
    ["mtime is no integer"] = { name = "x", type = "file", mode = 1, mtime = 1.5 },
    ["content is no string"] = { name = "x", type = "file", mode = 1, content = 5 },
    ["a directory has no content"] = { name = "x", type = "directory", mode = 1, content = "x" },
    ["longer than 100 bytes"] = { name = ("x"):rep(101), type = "file", mode = 1 },
    ["ends in a slash"] = { name = "x/", type = "file", mode = 1 },
  }
  for problem, entry in pairs(wrong) do
    it("raises for an entry that is wrong: " .. problem, function()
      local good = { name = "good", type = "file", mode = 1 }
      assert.error_matches(function()
        tar.pack({ good, entry })
      end, "entry 2: .*" .. problem)
    end)
  end

  for _, name in ipairs({ "/etc/passwd", "..", "../x", "a/../b", "a/..", "", "a\0b" }) do
    it(("raises for the name %q, which leads elsewhere"):format(name), function()
      assert.error_matches(function()
        tar.pack({ { name = name, type = "file", mode = 1 } })
      end, "no relative path")
    end)
  end

  it("takes names that only look like leading elsewhere", function()
    for _, name in ipairs({ "..a", "a..", "a/..b", "./a", "..." }) do
      assert.has_no.errors(function()
        tar.pack({ { name = name, type = "file", mode = 1 } })
      end)
    end
  end)
end)
