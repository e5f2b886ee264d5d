-- The guide lua/README.md against the code: what it lists is what there is, and each script that it shows does what it
-- says, also when things fail. (spec/integration/guide.test.mjs follows it to the letter.)
local hooks = require("dockhost.hooks")
local lfs = require("lfs")
local node_support = require("node_support")
local params = require("dockhost.params")

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local guide = read("lua/README.md")

local function section(title)
  return assert((guide .. "\n## "):match("\n## " .. title .. "\n(.-)\n## "), "the guide has a section " .. title)
end

-- The text of each file that the guide has the reader save.
local function shown_files()
  local files = {}
  for path, text in guide:gmatch("<!%-%- file: scripts/(%S+) %-%->\n```lua\n(.-)```") do
    files[path] = text
  end
  return files
end

local node
before_each(function()
  node = node_support.new()
end)
after_each(function()
  node:finish()
end)

-- The names in backquotes that begin a cell of a table's first column: `a`, `b(…)`.
local function listed(text)
  local names = {}
  for cell in text:gmatch("\n| ([^|]+) |") do
    for name in cell:gmatch("`([^`]+)`") do
      names[name:match("^ctx%.([%w_]+)") or name:match("^[%w-]+")] = true
    end
  end
  return names
end

describe("the guide lists", function()
  local function inside(look)
    local found
    node.scripts.commands.try = { run = function(_, ctx)
      found = look(ctx)
      return {}
    end }
    node:call("try", {})
    return found
  end

  it("each field of ctx", function()
    local found = inside(function(ctx)
      local names = { cancelled = true }
      for name in pairs(ctx) do
        names[name] = true
      end
      return names
    end)
    assert.same(found, listed(section("ctx")))
  end)

  it("no call of ctx.docker and ctx.containers that is not there", function()
    local missing = inside(function(ctx)
      local names = {}
      for _, part in ipairs({ "docker", "containers", "ports", "store" }) do
        local row = section("ctx"):match("\n| `ctx%." .. part .. "` | ([^\n]+)"):gsub("→ `{.-}`", "")
        for name in row:gmatch("`([%w_]+)%(?[^`]*`") do
          if not ctx[part][name] then
            table.insert(names, part .. "." .. name)
          end
        end
      end
      return table.concat(names, " ")
    end)
    assert.equal("", missing)
  end)

  it("each type of a parameter", function()
    local _, message = params.validate_rules({ field = "no-such-type" })
    local known = {}
    for name in message:match("known are (.+)$"):gmatch("[%w-]+") do
      known[name] = true
    end
    local types = section("Commands"):match("| type | what fits |\n|%-%-%-|%-%-%-|(\n.-\n)\n")
    assert.same(known, listed(types))
  end)

  it("each field of a command", function()
    local fields = section("Commands"):match("| field | what it is |\n|%-%-%-|%-%-%-|(\n.-\n)\n")
    assert.same({
      run = true, params = true, limit = true, cancels = true, fallback = true, trim = true,
    }, listed(fields))
  end)

  it("each hook with what it is told", function()
    local found = {}
    for names, event in section("Hooks"):gmatch("\n| (`[^|]+`) | `({[^|`]*})`") do
      for name in names:gmatch("`([^`]+)`") do
        found[name] = event
      end
    end
    assert.same(hooks.EVENTS, found)
  end)

  it("each example", function()
    local index = read("examples/README.md")
    local count = 0
    for name in lfs.dir("examples") do
      if not name:find("%.") then
        count = count + 1
        assert.truthy(index:find("](" .. name .. "/)", 1, true), name)
      end
    end
    assert.is_true(count >= 8)
  end)
end)

-- What each script of the guide is to show.
local exercises = {
  ["commands/container-uptime.lua"] = function()
    node:advance(150)
    assert.same({ uptime = 150 }, node:call("container-uptime", { username = "ada" }).data)
    assert.equal("this user has no container", node:call("container-uptime", { username = "bob" }).message)
  end,
  ["commands/container-logs.lua"] = function()
    assert.matches("unknown command", node:call("container-logs", { username = "ada" }).message)
  end,
  ["commands/create-container.lua"] = function()
    node:call("create-container", { username = "guest7", sshPublicKey = node_support.KEY })
    assert.equal(128 * 1024 * 1024, node.docker:find("guest7").host_config.Memory)
    assert.equal(node.settings.memory, node.docker:find("ada").host_config.Memory)
  end,
  ["commands/freeze-container.lua"] = function()
    -- The Docker in memory can't pause: what failed is undone.
    assert.equal("page not found", node:call("freeze-container", { username = "ada", seconds = 5 }).message)
    assert.equal(1, #node.docker:asked("POST", "/pause$"))
    assert.equal(1, #node.docker:asked("POST", "/unpause$"))
  end,
  ["container.lua"] = function()
    assert.equal("TZ=Europe/Berlin", node.docker:find("ada").env[2])
  end,
  ["dialect.lua"] = function()
    assert.equal(1, node:call("how_many", {}))
    node.docker:fail("GET", "/containers/json$", 500, "the disk is full")
    assert.equal(-1, node:call("how_many", {}))
    assert.is_true(node:call("check_if_container_exists", { USERNAME = "ada" }))
  end,
  ["reconnect.lua"] = function()
    assert.equal(300, node.scripts.reconnect(1, "refused"))
    assert.is_true(node.scripts.reconnect(1, "closed") <= 1)
  end,
  ["jobs/record.lua"] = function()
    node:start_jobs()
    node:advance(180)
    assert.equal(1, #node.log:find("info", "more containers than ever"))
  end,
  ["hooks/connected.lua"] = function()
    node:job("record")
    assert.is_true(node:hook("connected", { server = "wss://main.example", recovered = true }))
    assert.same({}, node.emitted)
    assert.is_true(node:hook("connected", { server = "wss://main.example", recovered = false }))
    assert.same({ image = node_support.IMAGE, containers = 1 }, node.emitted[1][2])
  end,
  -- A mistake, on purpose.
  ["hooks/container-paused.lua"] = function()
    assert.is_nil(hooks.EVENTS["container-paused"])
  end,
}

describe("the guide's script", function()
  local directory, paths
  local function save(path, text)
    local file = assert(io.open(directory .. "/" .. path, "w"))
    file:write(text)
    file:close()
    table.insert(paths, directory .. "/" .. path)
  end

  setup(function()
    directory, paths = os.tmpname(), {}
    os.remove(directory)
    for i, folder in ipairs({ "", "/commands", "/jobs", "/hooks", "/spec" }) do
      assert(lfs.mkdir(directory .. folder))
      paths[i] = directory .. folder
    end
    for path, text in pairs(shown_files()) do
      if path ~= "hooks/container-paused.lua" then
        save(path, text)
      end
    end
  end)
  teardown(function()
    for i = #paths, 1, -1 do
      os.remove(paths[i])
    end
  end)

  for path in pairs(shown_files()) do
    if not path:find("_spec%.lua$") then
      it(path .. " does what it says", function()
        node:finish()
        node = node_support.over(directory)
        node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
        assert(exercises[path], "nothing exercises it")()
      end)
    end
  end
end)
