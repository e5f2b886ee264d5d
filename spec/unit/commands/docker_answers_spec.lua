-- Each field of each of Docker's answers, replaced by a value of each other type: a command then succeeds or fails in
-- plain words, once, and never by an error of ours.
local json = require("dockhost.json")
local node_support = require("node_support")

local LABELS = { ["dockhost.managed"] = "true" }
local PORTS = { ["22/tcp"] = 3100, ["80/tcp"] = 3101, ["443/tcp"] = 3102 }
local REPLACEMENTS = {
  null = "null", number = "7", fraction = "-1.5e300", string = '"x"', boolean = "true", array = "[1,null]",
  object = '{"a":[]}',
}
-- Where the values of these stand is as good as anywhere in it.
local DEEPEST = 5

local COMMANDS = {
  ["create-container"] = { sshPublicKey = node_support.KEY },
  ["start-container"] = {}, ["stop-container"] = {}, ["delete-container"] = {}, ["list-containers"] = {},
  ["container-status"] = {}, ["container-logs"] = {},
  ["check_if_container_exists"] = {}, ["check_if_container_running"] = {},
}

local node, mutate
before_each(function()
  node = node_support.new()
  local request = node.client.request
  node.client.request = function(options)
    local done = options.on_done
    options.on_done = function(status, headers, body)
      if status and not options.on_data and body and body ~= "" and mutate then
        body = mutate(options.method .. " " .. options.url:match("^%w+://[^/]+([^?]*)"):gsub("^/v[%d.]+", ""), body)
      end
      return done(status, headers, body)
    end
    return request(options)
  end
end)

-- The paths of all values in a decoded answer, as lists of keys.
local function paths_in(value, found, prefix)
  table.insert(found, prefix)
  if type(value) == "table" and #prefix < DEEPEST then
    for key, item in pairs(value) do
      local path = table.move(prefix, 1, #prefix, 1, {})
      table.insert(path, key)
      paths_in(item, found, path)
    end
  end
  return found
end

local function replaced(body, path, text)
  local value = json.decode(body)
  if #path == 0 then
    return text
  end
  local at = value
  for i = 1, #path - 1 do
    at = type(at) == "table" and at[path[i]]
  end
  if type(at) ~= "table" then
    return body
  end
  at[path[#path]] = json.decode("[" .. text .. "]")[1]
  return (json.encode(value))
end

local function arrange(event)
  node.docker.containers = {}
  if event ~= "create-container" then
    local state = event == "start-container" and "exited" or "running"
    node.docker:add({ name = "ada", image = node_support.IMAGE, labels = LABELS, state = state, ports = PORTS })
  else
    node.docker:add({ name = "other", image = node_support.IMAGE, labels = LABELS, ports = { ["22/tcp"] = 4000 } })
  end
end

local function run(event, more)
  arrange(event)
  -- What was learned from the last run's answers is not to help.
  node.client.version_prefix, node.containers.bindings.known = nil, {}
  local payload = { username = "ada", USERNAME = "ada" }
  for name, value in pairs(more) do
    payload[name] = value
  end
  return node:call(event, payload)
end

-- What is asked by the event, as { [call] = paths }.
local function asked_by(event, more)
  local asked = {}
  function mutate(call, body)
    local kind = call:gsub("/containers/[^/]+/", "/containers/ID/")
    asked[kind] = asked[kind] or paths_in(json.decode(body), {}, {})
    return body
  end
  run(event, more)
  return asked
end

local function assert_plain(reply, what)
  local message = type(reply) == "table" and reply.message or ""
  assert.is_nil(message:find("internal error", 1, true), what)
  assert.is_nil(message:find("%.lua:%d"), what)
end

describe("an answer of Docker's of another shape", function()
  for event, more in pairs(COMMANDS) do
    it("is no error of ours in " .. event, function()
      local runs = 0
      for wanted, paths in pairs(asked_by(event, more)) do
        for _, path in ipairs(paths) do
          for name, text in pairs(REPLACEMENTS) do
            function mutate(call, body)
              return call:gsub("/containers/[^/]+/", "/containers/ID/") == wanted and replaced(body, path, text) or body
            end
            runs = runs + 1
            assert_plain(run(event, more), wanted .. " " .. table.concat(path, ".") .. " " .. name)
          end
        end
      end
      assert.is_true(runs > 50)
      assert.same({}, node.errors)
      assert.equal(0, #node.log:find("error"))
    end)
  end
end)
