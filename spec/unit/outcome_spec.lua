local outcome = require("dockhost.outcome")

describe("outcome.returned", function()
  for name, case in pairs({
    ["data and a message"] = {
      { { a = 1 }, "made" },
      { success = true, status = 200, message = "made", data = { a = 1 } },
    },
    ["data alone"] = { { { a = 1 } }, { success = true, status = 200, message = "done", data = { a = 1 } } },
    ["nothing at all"] = { {}, { success = true, status = 200, message = "done", data = {} } },
    ["data that is no table"] = {
      { false, "m" },
      {
        success = false,
        status = 500,
        message = "this command's script returned a boolean as its data: return a table, or nil and what went wrong",
        data = {},
      },
    },
    ["a failure"] = {
      { n = 3, nil, "why", 409 },
      { success = false, status = 409, message = "why", data = {} },
    },
    ["a failure with details"] = {
      { n = 4, nil, "why", 409, { b = 2 } },
      { success = false, status = 409, message = "why", data = { b = 2 } },
    },
    ["a bare nil"] = {
      { n = 1 },
      { success = false, status = 500, message = "the command failed", data = {} },
    },
    ["a failure whose message is no text"] = {
      { n = 3, nil, {}, 404 },
      { success = false, status = 404, message = "the command failed", data = {} },
    },
  }) do
    it("reads " .. name, function()
      assert.same(case[2], outcome.returned(table.unpack(case[1], 1, case[1].n or #case[1])))
    end)
  end
end)

describe("the status of a failure", function()
  for given, status in pairs({
    [400] = 400, [404] = 404, [599] = 599, [503.0] = 503, ["404"] = 404, [200] = 500, [399] = 500, [600] = 500,
    [0] = 500, [-1] = 500, [404.5] = 500, ["oops"] = 500, [true] = 500,
  }) do
    it(tostring(given) .. " becomes " .. status, function()
      assert.equal(status, outcome.failure("x", given).status)
    end)
  end

  it("is 500 where none is given", function()
    assert.equal(500, outcome.failure("x").status)
  end)
end)

it("outcome.reply has exactly the documented fields", function()
  local result = outcome.failure("why", 404)
  assert.same({ success = false, message = "why", data = {} }, outcome.reply(result))
end)
