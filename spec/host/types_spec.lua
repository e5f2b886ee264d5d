-- The types of the primitives against what the host exports: both ways, functions and methods.
local file = assert(io.open("lib/dockhost/types/host.lua"))
local types = file:read("a")
file:close()

-- { ["host.timer"] = { start = true }, ["host.timer.Timer"] = { close = true } … }, from the classes and functions.
local function described()
  local classes, names = {}, {}
  local class
  for line in types:gmatch("[^\n]+") do
    class = line:match("^%-%-%-@class (host[%w._]*)") or class
    local name = line:match("^local (%w+) = {}")
    if name then
      classes[class], names[name] = {}, class
    end
  end
  for name, member in types:gmatch("\nfunction (%w+)[.:]([%w_]+)%(") do
    classes[names[name]][member] = true
  end
  for owner, fields in types:gmatch("%-%-%-@class (host[%w._]*)\n(%-%-%-@field.-)\nlocal") do
    for member in fields:gmatch("@field ([%w_]+)") do
      classes[owner][member] = true
    end
  end
  return classes
end

local function exported(class)
  local found = {}
  local metatable = debug.getregistry()[class]
  for member in pairs(metatable and metatable.__index or require(class)) do
    if member:sub(1, 2) ~= "__" then
      found[member] = true
    end
  end
  return found
end

describe("the types of the primitives", function()
  local modules = {}
  for name in pairs(package.preload) do
    if name:find("^host%.") then
      require(name) -- makes its metatables
      table.insert(modules, name)
    end
  end
  local classes = described()

  it("describe each module of the host", function()
    assert.is_true(#modules > 10)
    for _, name in ipairs(modules) do
      assert.is_table(classes[name], name)
    end
  end)

  for class, members in pairs(classes) do
    it("are what " .. class .. " has", function()
      assert.same(members, exported(class))
    end)
  end
end)
