local facade = require("dockhost.facade")

local Counter = { limit = 9 }
Counter.__index = Counter

function Counter:add(n)
  self.count = self.count + n
  return self.count, self
end

function Counter.call(other)
  return other
end

local object, subject
before_each(function()
  object = setmetatable({ count = 1, parts = { 1 }, hook = print, off = false }, Counter)
  subject = facade.new(object)
end)

it("has the methods, which work on the object itself", function()
  local count, self = subject:add(2)
  assert.equal(3, count)
  assert.equal(object, self)
  assert.equal(3, object.count)
  assert.equal(4, (subject.add(subject, 1)))
end)

it("tells plain values, and no parts", function()
  assert.equal(1, subject.count)
  assert.equal(9, subject.limit)
  assert.is_nil(subject.parts)
  assert.is_nil(subject.hook)
  assert.is_nil(subject.nothing)
  assert.is_nil(subject.__index)
end)

it("can't be changed, nor its metatable be had", function()
  assert.has_error(function()
    subject.add = nil
  end, "what `ctx` has can't be changed")
  assert.has_error(function()
    subject.new = 5
  end, "what `ctx` has can't be changed")
  assert.is_false(getmetatable(subject))
  assert.has_error(function()
    setmetatable(subject, {})
  end)
end)

it("is of one who has it: what is written raw is seen by no other", function()
  rawset(subject, "add", 5)
  assert.equal(2, (facade.new(object):add(1)))
end)

it("lists the methods", function()
  local names = {}
  for name, method in pairs(subject) do
    assert.is_function(method)
    table.insert(names, name)
  end
  table.sort(names)
  assert.same({ "add", "call" }, names)
end)

it("does not keep the object", function()
  local gone = setmetatable({}, { __mode = "v" })
  gone.object = setmetatable({}, Counter)
  facade.new(gone.object):call()
  collectgarbage()
  collectgarbage()
  assert.is_nil(gone.object)
end)
