-- What `dockhost new` writes: a script of each kind to start from, and its spec. NAME stands for its name, DIR for
-- where it lies, WHAT for what a hook is told.
local templates = {}

templates.command = {
  folder = "commands",
  script = [[
-- What NAME does, in a line. It answers the event "NAME".
return {
  -- Checked before `run`: what does not fit is refused with 400. A "?" marks what may be missing. The types: username,
  -- ssh-keys, port, container-id, string, integer, number, boolean, table, any.
  params = { username = "username", note = "string?" },

  -- `ctx` is what a script works with: docker, containers, http, sleep, emit, on_undo, log, config, store …
  -- A command runs in a coroutine of its own: whatever waits, waits for it alone.
  run = function(params, ctx)
    local instance, message, status = ctx.containers:find(params)
    if not instance then
      return nil, message, status -- a failure: { "success": false, "message": … }
    end
    ctx.log.info("asked for", { user = params.username, note = params.note })
    return { state = instance.state }, "here it is" -- data and message of the reply
  end,
}
]],
  spec = [[
-- To run this: dockhost test
local node_support = require("node_support")

describe("NAME", function()
  local node
  before_each(function()
    node = node_support.over()
  end)
  after_each(function()
    node:finish() -- fails where anything is left behind
  end)

  it("tells the state of a user's container", function()
    node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    local reply = node:call("NAME", { username = "ada" })
    assert.same({ success = true, message = "here it is", data = { state = "running" } }, reply)
  end)

  it("fails for a user who has none", function()
    assert.is_false(node:call("NAME", { username = "bob" }).success)
  end)
end)
]],
  try = "dockhost call NAME '{\"username\":\"ada\"}' --scripts DIR",
}

templates.job = {
  folder = "jobs",
  script = [[
-- What NAME does, in a line. It runs every so many seconds; a turn that comes while it still runs is left out.
return {
  every = 3600,

  -- `ctx` is what a command gets: docker, containers, http, sleep, emit, log, config, store …
  run = function(ctx)
    local list = assert(ctx.containers:list())
    ctx.log.info("containers counted", { containers = #list })
    ctx.store:set("NAME/containers", #list)
  end,
}
]],
  spec = [[
-- To run this: dockhost test
local node_support = require("node_support")

describe("the job NAME", function()
  local node
  before_each(function()
    node = node_support.over()
  end)
  after_each(function()
    node:finish() -- fails where anything is left behind
  end)

  it("counts the containers", function()
    node:call("create-container", { username = "ada", sshPublicKey = node_support.KEY })
    assert(node:job("NAME"))
    assert.equal(1, node.log:find("info", "containers counted")[1].fields.containers)
  end)

  it("has its turn every hour", function()
    node:start_jobs()
    node:advance(2 * 3600)
    assert.equal(2, #node.log:find("info", "containers counted"))
  end)
end)
]],
  try = "dockhost run DIR",
}

templates.hook = {
  folder = "hooks",
  script = [[
-- What is done at NAME, in a line. It is told of WHAT.
return function(event, ctx)
  -- `ctx` is what a command gets: docker, containers, http, sleep, emit, log, config, store … What this returns is
  -- ignored.
  ctx.log.info("heard of NAME", event)
end
]],
  spec = [[
-- To run this: dockhost test
local node_support = require("node_support")

describe("the hook NAME", function()
  local node
  before_each(function()
    node = node_support.over()
  end)
  after_each(function()
    node:finish() -- fails where anything is left behind
  end)

  it("says that it heard", function()
    assert(node:hook("NAME", {})) -- of WHAT
    assert.equal(1, #node.log:find("info", "heard of NAME"))
  end)
end)
]],
  try = "dockhost run DIR",
}

-- (text, { NAME =, DIR =, WHAT = }) -> text
function templates.fill(text, words)
  return (text:gsub("%u+", words))
end

return templates
