-- dockhost.docker_shape: which answers of Docker's are taken for what they should be.
local json = require("dockhost.json")
local shape = require("dockhost.docker_shape")

local CONTAINER = [[{"Id":"a","Name":"/ada","State":{"Status":"running","ExitCode":0},"Config":{"Labels":{"x":"y"}},
  "HostConfig":{"PortBindings":{"22/tcp":[{"HostIp":"","HostPort":"3100"}]}},"NetworkSettings":{"Ports":{}}}]]

local function check(text, expected)
  return shape.check(json.decode(text), expected)
end

local SOUND = {
  { CONTAINER, "CONTAINER" },
  { '{"Id":"a","Name":"/ada","State":{"Status":"created"}}', "CONTAINER" },
  { '[{"Id":"a"},{"Id":"b","Names":["/b"],"Labels":{},"Ports":[{"PublicPort":80}],"Created":1}]', "LIST" },
  { "[]", "LIST" },
  { '{"ApiVersion":"1.41"}', "VERSION" },
  { '{"Type":"container"}', "EVENT" },
  { '{"status":"Downloading","progressDetail":{"current":1,"total":2}}', "PROGRESS" },
}

-- text, shape, where it is wrong
local WRONG = {
  { '"no"', "CONTAINER", "" },
  { '{"Name":"/ada","State":{"Status":"running"}}', "CONTAINER", ", at Id" },
  { '{"Id":"a","Name":1,"State":{"Status":"running"}}', "CONTAINER", ", at Name" },
  { '{"Id":"a","Name":"/ada"}', "CONTAINER", ", at State" },
  { '{"Id":"a","Name":"/ada","State":[]}', "CONTAINER", ", at State.Status" },
  { CONTAINER:gsub('"y"', "1"), "CONTAINER", ", at Config.Labels.x" },
  { CONTAINER:gsub('%[{"HostIp.-%]', '"3100"'), "CONTAINER", ", at HostConfig.PortBindings.22/tcp" },
  { CONTAINER:gsub('"3100"', "3100"), "CONTAINER", ", at HostConfig.PortBindings.22/tcp.1.HostPort" },
  { '[{"Names":["/a"]}]', "LIST", ", at 1.Id" },
  { '{"message":"no"}', "LIST", "" },
  { '[{"Id":"a"},2]', "LIST", ", at 2" },
  { '[{"Id":"a","Ports":[{"PublicPort":"80"}]}]', "LIST", ", at 1.Ports.1.PublicPort" },
  { '{"ApiVersion":1.41}', "VERSION", ", at ApiVersion" },
  { '{"Id":null}', "CREATED", ", at Id" },
  { '{"Actor":{"Attributes":{"image":{}}}}', "EVENT", ", at Actor.Attributes.image" },
  { '{"progressDetail":{"total":"2"}}', "PROGRESS", ", at progressDetail.total" },
  { '{"Actor":{"Attributes":{"\\n\\u001b' .. ("x"):rep(100) .. '":1}}}', "EVENT", ", at Actor.Attributes.\\n\\x1B"
    .. ("x"):rep(57) .. "…" },
}

describe("docker_shape.check", function()
  for _, case in ipairs(SOUND) do
    it("takes " .. case[1] .. " for a " .. case[2], function()
      assert.is_true(check(case[1], shape[case[2]]))
    end)
  end

  for _, case in ipairs(WRONG) do
    it("does not take " .. case[1] .. " for a " .. case[2], function()
      local sound, message = check(case[1], shape[case[2]])
      assert.is_nil(sound)
      assert.equal("Docker's answer is not what its API describes" .. case[3], message)
    end)
  end
end)
