local captured = require("captured")
local cli = require("dockhost.cli")
local fake_host = require("fake_host")
local json = require("dockhost.json")
local node_support = require("node_support")
local script_files = require("script_files")

local host
before_each(function()
  host = fake_host.new({ environ = { HOME = "/root" } })
  script_files.add(host.files, script_files.shipped, "/share/lua")
end)

local function call(...)
  local code, printed = captured.run(cli.main, host, "/share", { "call", ... })
  return code, printed.stdout, printed.stderr
end

local CREATE = json.encode({ username = "ada", sshPublicKey = node_support.KEY })

describe("call", function()
  it("runs a command and prints its reply as JSON", function()
    local code, out = call("create-container", CREATE)
    assert.equal(0, code)
    assert.is_true(json.decode(out).success)
    assert.equal("\n", out:sub(-1))
    assert.same({ "ada" }, host.docker:names())
  end)

  it("exits 1 on success:false", function()
    local code, out = call("delete-container", '{"username":"ada"}')
    assert.equal(1, code)
    assert.same({ success = false, message = "this user has no container", data = {} }, json.decode(out))
  end)

  it("with --dry-run prints what it would change, and changes nothing", function()
    local code, out = call("--dry-run", "create-container", CREATE)
    assert.equal(0, code)
    assert.matches("\nPOST /containers/create%?name=ada\n{\n", "\n" .. out)
    assert.matches('"HostPort": "1024"', out, 1, true)
    assert.matches("\nPOST /containers/%x+/start\n", out)
    assert.is_true(json.decode(out:match("([^\n]*)\n$")).success)
    assert.same({}, host.docker:names())
  end)

  it("with --dry-run asks no web server for a change and emits nothing", function()
    host.files["/share/lua/commands/tell.lua"] = [[return { run = function(_, ctx)
      ctx.http({ url = "http://x/hook", method = "POST", body = "hello" })
      ctx.emit("news", { a = 1 })
      return {}
    end }]]
    host.web = function()
      error("asked")
    end
    local code, out = call("tell", "--dry-run")
    assert.equal(0, code)
    assert.matches("POST http://x/hook\nhello\n", out, 1, true)
    assert.matches('EMIT news\n{\n  "a": 1\n}\n', out, 1, true)
  end)

  it("shows a pull as a bar on a terminal", function()
    host.docker.images = {}
    host.docker.registry[fake_host.IMAGE .. ":latest"] = true
    host.process.isatty = function(descriptor)
      return descriptor == 2
    end
    local code, _, err = call("create-container", CREATE)
    assert.equal(0, code)
    assert.matches("pulling sohampirale/instance …", err, 1, true)
    assert.matches("\r\27%[K$", err)
  end)

  it("shows what a script emits, which goes nowhere", function()
    host.files["/share/lua/commands/tell.lua"] = [[return { run = function(_, ctx)
      return { sent = ctx.emit("news", { a = 1 }, nil, "x") == true }
    end }]]
    local code, out, err = call("tell")
    assert.equal(0, code)
    assert.matches('"sent":false', out)
    assert.equal('emits news [{"a":1},null,"x"], with no main server here\n', err)
  end)

  it("says where an unknown command is, or which was meant", function()
    host.files["scripts/commands/greet.lua"] = "return {}"
    local code, out, err = call("greet")
    assert.same({ 1, false }, { code, json.decode(out).success })
    assert.equal("dockhost: scripts/commands/greet.lua is there: `--scripts scripts` takes it\n", err)
    assert.equal("dockhost: did you mean list-containers?\n", (select(3, call("list-container"))))
    assert.equal("dockhost: `dockhost scripts` lists the commands\n", (select(3, call("frobnicate"))))
  end)

  it("speaks the deployed dialect too; a check's false is no failure", function()
    local code, out = call("check_if_container_exists", '{"USERNAME":"ada"}')
    assert.equal(0, code)
    assert.equal("false\n", out)
  end)

  it("takes no payload for an empty one", function()
    local code, out = call("list-containers")
    assert.equal(0, code)
    assert.same({ containers = {} }, json.decode(out).data)
  end)

  it("exits 1 for an unknown event", function()
    local code, out = call("no-such")
    assert.equal(1, code)
    assert.equal("unknown command: no-such", json.decode(out).message)
  end)

  it("exits 64 for a payload that is no JSON, before anything is done", function()
    local code, out, err = call("create-container", "{username")
    assert.equal(64, code)
    assert.equal("", out)
    assert.matches("the payload: this is not JSON", err)
    assert.equal(0, #host.docker.calls)
  end)

  for _, payload in ipairs({ "null", "false", "7", '"ada"', "[]", "[1]" }) do
    it("answers a payload of " .. payload, function()
      local code, out = call("container-status", payload)
      assert.equal(1, code)
      assert.is_false(json.decode(out).success)
    end)
  end

  it("uses the scripts of the directory that is named", function()
    script_files.add(host.files, script_files.shipped, "mine")
    host.files["mine/commands/greet.lua"] = "return { run = function() return {}, 'hello' end }"
    local code, out = call("greet", "{}", "--scripts", "mine")
    assert.equal(0, code)
    assert.equal("hello", json.decode(out).message)
  end)

  it("answers too where the reply can't be written as JSON", function()
    host.files["/share/lua/commands/greet.lua"] = "return { run = function() return { f = print } end }"
    local code, out = call("greet")
    assert.equal(1, code)
    assert.matches("^internal error", json.decode(out).message)
  end)

  it("exits 78 for scripts that do not load, with file and line", function()
    host.files["/share/lua/commands/greet.lua"] = "return {"
    local code, out = call("list-containers")
    assert.equal(78, code)
    assert.equal("", out)
    assert.matches("/share/lua/commands/greet.lua:1:", host:logged())
  end)

  it("undoes what it began on ctrl-C, and still answers", function()
    host.docker:hang("POST", "/start$")
    host:play({ function()
      assert.same({ "ada" }, host.docker:names())
      host:raise("INT")
    end })
    local code, out = call("create-container", CREATE)
    assert.equal(1, code)
    assert.equal("this node is shutting down", json.decode(out).message)
    assert.same({}, host.docker:names())
  end)

  it("answers where Docker is away", function()
    host.docker:down()
    local code, out = call("list-containers")
    assert.equal(1, code)
    assert.matches("is it running%? try `docker info`", json.decode(out).message)
  end)
end)
