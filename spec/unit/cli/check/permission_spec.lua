local permission = require("dockhost.cli.check.permission")

local function advice(groups, own)
  local files = { ["/etc/group"] = groups, ["/proc/self/status"] = "Name:\tx\nGroups:\t" .. own .. " \n" }
  return permission.advice({
    read = function(path)
      return files[path]
    end,
    host = { process = { environ = function()
      return { USER = "ada" }
    end } },
  })
end

describe("who may not use Docker's socket", function()
  for what, case in pairs({
    ["is told which group may"] = { "docker:x:998:bob", "4 24", "usermod %-aG docker ada" },
    ["is told to log in anew"] = { "adm:x:4:\ndocker:x:998:bob,ada", "4 24", "log in anew" },
    ["is told that the group is not enough"] = { "docker:x:998:ada", "4 998", "not enough" },
    ["is told to look where there is no such group"] = { "adm:x:4:", "4", "ls %-l" },
  }) do
    it(what, function()
      assert.matches(case[3], advice(case[1], case[2]))
    end)
  end
end)
