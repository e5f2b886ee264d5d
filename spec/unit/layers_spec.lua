local layers = require("dockhost.layers")

local tree
before_each(function()
  tree = {
    ["own"] = { "commands", "dialect.lua", "README.md", "spec" },
    ["own/commands"] = { "greet.lua", "greet_spec.lua", ".greet.lua.swp", "notes.txt" },
    ["base"] = { "commands", "hooks", "jobs", "container.lua", "dialect.lua", "reconnect.lua", "other.lua" },
    ["base/commands"] = { "greet.lua", "wave.lua" },
    ["base/hooks"] = { "connected.lua" },
    ["base/jobs"] = { "nightly.lua" },
  }
end)

local function list(path)
  return tree[path], path .. ": No such file or directory"
end

local function survey(...)
  local found = {}
  for _, file in ipairs(assert(layers.survey({ ... }, list))) do
    table.insert(found, file.path .. (file.shadows and " over " .. file.shadows or ""))
  end
  return found
end

describe("the files in effect", function()
  it("are the scripts of a directory, sorted by name", function()
    assert.same({
      "base/commands/greet.lua", "base/commands/wave.lua", "base/container.lua", "base/dialect.lua",
      "base/hooks/connected.lua", "base/jobs/nightly.lua", "base/reconnect.lua",
    }, survey("base"))
  end)

  it("are the first directory's, file by file", function()
    assert.same({
      "own/commands/greet.lua over base/commands/greet.lua", "base/commands/wave.lua", "base/container.lua",
      "own/dialect.lua over base/dialect.lua", "base/hooks/connected.lua", "base/jobs/nightly.lua",
      "base/reconnect.lua",
    }, survey("own", "base"))
  end)

  it("shadow the next one below, of several", function()
    tree["middle"] = { "commands" }
    tree["middle/commands"] = { "greet.lua" }
    local files = assert(layers.survey({ "own", "middle", "base" }, list))
    assert.same({
      name = "commands/greet.lua",
      path = "own/commands/greet.lua",
      directory = "own",
      shadows = "middle/commands/greet.lua",
    }, files[1])
  end)

  it("may be none of a directory's", function()
    tree["own"] = {}
    assert.equal(7, #survey("own", "base"))
  end)

  it("are not known where a directory can't be read", function()
    assert.same({ nil, "gone: No such file or directory" }, { layers.survey({ "gone", "base" }, list) })
    tree["base/hooks"] = nil
    assert.same({ nil, "base/hooks: No such file or directory" }, { layers.survey({ "base" }, list) })
  end)
end)

describe("a change that matters", function()
  for name, matters in pairs({
    ["commands"] = true,
    ["jobs"] = true,
    ["hooks"] = true,
    ["dialect.lua"] = true,
    ["container.lua"] = true,
    ["reconnect.lua"] = true,
    ["spec"] = false,
    ["other.lua"] = false,
    [".dialect.lua.swp"] = false,
    ["dialect.lua~"] = false,
    ["dialect"] = false,
  }) do
    it((matters and "is of " or "is not of ") .. name, function()
      assert.equal(matters, layers.concerns(name))
    end)
  end
end)

describe("a script's name", function()
  for name, is in pairs({
    ["greet.lua"] = true,
    ["a.b-c.lua"] = true,
    [".lua"] = false,
    [".#greet.lua"] = false,
    ["greet.lua~"] = false,
    ["#greet.lua#"] = false,
    ["4913"] = false,
    ["greet_spec.lua"] = false,
    ["greet.luac"] = false,
  }) do
    it((is and "may be " or "is not ") .. name, function()
      assert.equal(is, layers.is_script(name))
    end)
  end
end)
