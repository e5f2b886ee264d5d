-- dockhost.measures.endpoint: of which endpoint a path is.
local endpoint = require("dockhost.measures.endpoint")

local PATHS = {
  ["/version"] = "/version",
  ["/v1.41/version"] = "/version",
  ["/v1.41/events?filters=%7B%7D&since=1"] = "/events",
  ["/v1.41/containers/json?all=true"] = "/containers/json",
  ["/v1.47/containers/create?name=ada"] = "/containers/create",
  ["/v1.41/containers/ada/json"] = "/containers/{id}/json",
  ["/v1.41/containers/json/json"] = "/containers/{id}/json",
  ["/v1.41/containers/0123456789ab?force=true&v=true"] = "/containers/{id}",
  ["/v1.41/containers/v1.41/start"] = "/containers/{id}/start",
  ["/v1.41/containers/ada/archive?path=%2F"] = "/containers/{id}/archive",
  ["/v1.41/containers/ada/logs?tail=100"] = "/containers/{id}/logs",
  ["/v1.41/images/sohampirale%2Finstance/json"] = "/images/{name}/json",
  ["/v1.41/images/create?fromImage=a"] = "/images/create",
  ["/v1.41/distribution/sohampirale%2Finstance/json"] = "/distribution/{name}/json",
  ["/_ping"] = "/_ping",
  ["/v1.41/networks/dockhost"] = "/networks/{id}",
  ["/v1.41/networks/create"] = "/networks/create",
  ["/v1.41/exec/0123/start"] = "/exec/{id}/start",
  ["/containers"] = "/containers",
  -- What a script may ask for.
  ["/v1.41/containers/ada/ada"] = "other",
  ["/v1.41/containers/ada/json/more"] = "other",
  ["/v1.41/ada"] = "other",
  ["/v1.41/ada/json"] = "other",
  ["/ada?x=/version"] = "other",
  ["/"] = "other",
  [""] = "other",
  ["//"] = "other",
  ["v1.41"] = "other",
}

describe("the endpoint", function()
  it("of each call that the client makes is known", function()
    local file = assert(io.open("lib/dockhost/docker.lua"))
    local source, count = file:read("a"), 0
    file:close()
    for first in source:gmatch('"%u+", "/([%l_]+)') do
      local known = endpoint("/" .. first) ~= "other" or endpoint("/" .. first .. "/x/json") ~= "other"
      assert.is_true(known, first)
      count = count + 1
    end
    assert.is_true(count > 10)
  end)

  for path, template in pairs(PATHS) do
    it("of '" .. path .. "' is " .. template, function()
      assert.equal(template, endpoint(path))
    end)
  end
end)
