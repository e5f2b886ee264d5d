local json = require("dockhost.json")
local store = require("dockhost.store")

local subject
before_each(function()
  subject = store.new()
end)

it("keeps values of JSON's kinds by key", function()
  for _, value in ipairs({ "text", 5, 2.5, true, false, { 1, 2 }, { a = { b = "c" } }, json.null }) do
    assert.is_true(subject:set("key", value))
    assert.same(value, subject:get("key"))
  end
end)

it("knows nothing of what was never set, and forgets what is set to nil", function()
  assert.is_nil(subject:get("key"))
  subject:set("key", 5)
  assert.is_true(subject:set("key", nil))
  assert.is_nil(subject:get("key"))
  assert.same({}, subject:keys())
  assert.equal(0, subject.bytes)
end)

it("keeps copies: no script holds a part of another's", function()
  local value = { list = { 1 } }
  subject:set("key", value)
  value.list[1] = 2
  subject:get("key").list[1] = 3
  assert.same({ list = { 1 } }, subject:get("key"))
end)

it("refuses what JSON has no word for, and keeps what it had", function()
  subject:set("key", 5)
  for _, value in ipairs({ print, 0 / 0, { f = print }, coroutine.create(print) }) do
    local ok, why = subject:set("key", value)
    assert.is_nil(ok)
    assert.is_string(why)
  end
  assert.equal(5, subject:get("key"))
end)

it("refuses a value that holds itself", function()
  local loop = {}
  loop.loop = loop
  assert.is_nil((subject:set("key", loop)))
end)

it("takes texts of 1 to 256 bytes for keys, and the caller's line is named where it is none", function()
  assert.is_true(subject:set(("k"):rep(256), 1))
  for _, key in ipairs({ "", ("k"):rep(257), 5, {}, false }) do
    for _, method in ipairs({ "get", "set" }) do
      local ok, message = pcall(subject[method], subject, key, 1)
      assert.is_false(ok)
      assert.matches("a key of the store is a text of 1 to 256 bytes", message)
    end
  end
  local ok, message = pcall(function()
    subject:get("")
  end)
  assert.is_false(ok)
  assert.matches("store_spec.lua:%d+: ", message)
end)

it("lists its keys, all or those with a beginning", function()
  for _, key in ipairs({ "b/2", "a", "b/1", "b%x" }) do
    subject:set(key, 1)
  end
  assert.same({ "a", "b%x", "b/1", "b/2" }, subject:keys())
  assert.same({ "b/1", "b/2" }, subject:keys("b/"))
  assert.same({ "b%x" }, subject:keys("b%"))
  assert.same({}, subject:keys("c"))
end)

it("holds 1 MiB, keys included, and has room again for what is forgotten", function()
  local half = ("x"):rep(512 * 1024 - 4)
  assert.is_true(subject:set("aa", half))
  assert.is_true(subject:set("bb", half))
  assert.equal(1024 * 1024, subject.bytes)
  assert.same({ nil, "the store is full: it holds 1 MiB" }, { subject:set("c", 1) })
  assert.is_true(subject:set("aa", half))
  assert.is_true(subject:set("aa", 1))
  assert.is_true(subject:set("c", 1))
  assert.equal(half, subject:get("bb"))
end)
