local docker = require("dockhost.docker")
local fake_clock = require("fake_clock")
local fake_docker = require("fake_docker")
local task = require("dockhost.task")

local UNIX = { kind = "unix", path = "/run/docker.sock" }

local daemon, client, tasks, observed

local function connect(endpoint, request)
  observed = {}
  client = docker.new({
    request = request or daemon.request,
    wait = task.wait,
    endpoint = endpoint or UNIX,
    observe = function(method, path, status)
      table.insert(observed, { method, path, status })
    end,
  })
end

before_each(function()
  daemon = fake_docker.new({ time = fake_clock.new().time })
  tasks = task.new({})
  connect()
end)

-- Calls a method of the client in a task, and lets the daemon answer.
local function call(method, ...)
  local results
  tasks:spawn(function(...)
    return client[method](client, ...)
  end, function(ok, ...)
    assert(ok, ...)
    results = table.pack(...)
  end, ...)
  daemon:settle()
  assert(results, method .. " did not end")
  return table.unpack(results, 1, results.n)
end

describe("the address", function()
  local function first_request(endpoint)
    local asked
    connect(endpoint, function(options)
      asked = options
      return nil, "no", "connect"
    end)
    call("version")
    return asked
  end

  it("of a unix socket goes beside the URL", function()
    local asked = first_request(UNIX)
    assert.equal("/run/docker.sock", asked.unix_socket)
    assert.equal("http://docker/version", asked.url)
  end)

  for host, url in pairs({ ["192.0.2.1"] = "http://192.0.2.1:2375", ["::1"] = "http://[::1]:2375" }) do
    it("of " .. host .. " is in the URL", function()
      local asked = first_request({ kind = "tcp", host = host, port = 2375 })
      assert.equal(url .. "/version", asked.url)
      assert.is_nil(asked.unix_socket)
    end)
  end

  it("with TLS brings its certificates", function()
    local tls = { ca = "/ca.pem", verify = true }
    local asked = first_request({ kind = "tcp", host = "far", port = 2376, tls = tls })
    assert.equal("https://far:2376/version", asked.url)
    assert.equal(tls, asked.tls)
  end)
end)

describe("the API version", function()
  local function version_used()
    assert(call("container_list"))
    return daemon.calls[#daemon.calls].version
  end

  it("is the daemon's, where that is older", function()
    daemon.api_version = "1.41"
    assert.equal("1.41", version_used())
  end)

  it("is the newest that we know, where the daemon's is newer", function()
    daemon.api_version, daemon.min_api_version = "1.55", "1.44"
    assert.equal("1.44", version_used())
  end)

  it("is the daemon's oldest, where that is newer than ours: it says so when it refuses ours", function()
    daemon.api_version, daemon.min_api_version = "1.99", "1.60"
    assert.equal("1.60", version_used())
    assert.equal("1.60", version_used())
    assert.equal(1, #daemon:asked("GET", "^/version$"))
  end)

  it("is asked for once, at the cost of a ping", function()
    call("container_list")
    call("container_list")
    assert.equal(1, #daemon:asked("GET", "^/_ping$"))
    assert.equal(0, #daemon:asked("GET", "^/version$"))
  end)

  it("is that of /version, where the ping's answer has lost its headers on the way", function()
    daemon.hides_headers = true
    daemon.api_version = "1.43"
    assert.equal("1.43", version_used())
  end)

  it("is asked for again after the daemon was away", function()
    call("container_list")
    daemon:down()
    call("container_list")
    daemon:up()
    daemon.api_version = "1.42"
    assert.equal("1.42", version_used())
  end)

  for from, to in pairs({ ["1.41"] = "1.60", ["1.44"] = "1.42" }) do
    it("follows a daemon that becomes another between two calls, from " .. from .. " to " .. to, function()
      daemon.api_version = from
      assert.equal(from, version_used())
      daemon.api_version, daemon.min_api_version = to, to
      assert.equal(to, version_used())
    end)
  end

  it("is found anew for a call with a body and for a stream as well, which are done once", function()
    daemon:add_image("image")
    local id = assert(call("container_create", "ada", { Image = "image" }))
    daemon.api_version, daemon.min_api_version = "1.50", "1.50"
    assert(call("container_create", "bob", { Image = "image" }))
    daemon.api_version, daemon.min_api_version = "1.51", "1.51"
    assert.equal("", call("container_logs", id, 5))
    assert.same({ "ada", "bob" }, daemon:names())
  end)

  it("is not looked for by every bad request", function()
    call("container_create", "-", {})
    assert.equal(0, #daemon:asked("GET", "^/version$"))
  end)

  it("is asked for again after the stream of events has ended", function()
    local ended
    tasks:spawn(function()
      return client:events({}, nil, function() end, function() end)
    end, function(...)
      ended = table.pack(...)
    end)
    daemon:settle()
    daemon:down()
    daemon:up()
    assert.equal(503, ended[4])
    daemon.api_version = "1.43"
    assert.equal("1.43", version_used())
  end)

  it("of a daemon that is too old is told so, with what to do, until it is a newer one", function()
    daemon.api_version = "1.40"
    for _, method in ipairs({ "container_list", "events", "version" }) do
      local list, message, status = call(method, {})
      assert.is_nil(list)
      assert.equal(503, status)
      assert.equal("what answers at unix:///run/docker.sock is too old: it speaks API 1.40 at the newest, and dockhost "
        .. "needs 1.41 or newer: install Docker Engine 20.10, Podman 4.0, or what came after them", message)
    end
    daemon.api_version = "1.41"
    assert.equal("1.41", version_used())
  end)

  it("of what is no Docker is told so", function()
    daemon.api_version = "fifteen"
    local list, message, status = call("container_list")
    assert.is_nil(list)
    assert.equal(503, status)
    assert.matches("unix:///run/docker.sock is not a Docker Engine", message)
  end)

  for name, text in pairs({ HTML = "<html>", ["an empty answer"] = "", ["JSON that is no object"] = "7" }) do
    it("of what answers with " .. name .. " is a failure, not an error", function()
      connect(UNIX, function(options)
        options.on_done(200, {}, text)
        return {}
      end)
      local list, _, status = call("container_list")
      assert.is_nil(list)
      assert.equal(503, status)
    end)
  end
end)

describe("a failure", function()
  it("carries the daemon's words without what could forge a line or steer a terminal", function()
    daemon:fail("GET", "^/containers/json$", 500, "bad\n\27[31mline")
    local _, message = call("container_list")
    assert.equal("bad\\n\\x1B[31mline", message)
  end)

  it("carries the daemon's own words and status", function()
    local found, message, status = call("container_inspect", "nobody")
    assert.is_nil(found)
    assert.equal("No such container: nobody", message)
    assert.equal(404, status)
  end)

  it("names the status where the daemon said nothing readable", function()
    for _, text in ipairs({ "", "oops", "[1]", '{"message":7}' }) do
      connect(UNIX, function(options)
        local version = options.url:find("/version$")
        options.on_done(version and 200 or 500, {}, version and '{"ApiVersion":"1.41"}' or text)
        return {}
      end)
      local _, message, status = call("container_list")
      assert.equal("Docker answered HTTP 500", message)
      assert.equal(500, status)
    end
  end)

  it("of the connection tells a person what to try", function()
    daemon:down()
    local _, message, status = call("container_list")
    assert.equal("Docker does not answer at unix:///run/docker.sock: is it running? try `docker info` "
      .. "(Couldn't connect to server)", message)
    assert.equal(503, status)
  end)

  for path, command in pairs({
    ["/run/podman/podman.sock"] = "systemctl enable --now podman.socket",
    ["/run/user/1000/podman/podman.sock"] = "systemctl --user enable --now podman.socket",
  }) do
    it("of the connection to " .. path .. " names Podman's socket unit", function()
      connect({ kind = "unix", path = path })
      daemon:down()
      local _, message = call("container_list")
      local expected = "Docker does not answer at unix://%s: try `%s` (Couldn't connect to server)"
      assert.equal(expected:format(path, command), message)
    end)
  end

  it("of the permission names the group", function()
    connect(UNIX, function(options)
      options.on_done(nil, "permission denied to connect to /run/docker.sock", "connect")
      return {}
    end)
    local _, message, status = call("container_list")
    assert.matches("^Docker does not answer at .* may not use it: .*group docker %(permission denied", message)
    assert.equal(503, status)
  end)

  it("by an answer that is too large is no absence of Docker's", function()
    connect(UNIX, function(options)
      if options.url:find("/version$") then
        options.on_done(200, {}, '{"ApiVersion":"1.41"}')
      else
        options.on_done(nil, "curl's words", "too-large")
      end
      return {}
    end)
    assert.same({ nil, "Docker's answer was too large", 500 }, { call("container_list") })
  end)

  it("by a body that can't be written as JSON is none either, and nothing is sent", function()
    call("version")
    local id, message, status = call("container_create", "ada", { f = print })
    assert.is_nil(id)
    assert.matches("JSON cannot hold a function", message)
    assert.equal(500, status)
    assert.equal(0, #daemon:asked("POST", ""))
  end)

  for code, expected in pairs({ timeout = "did not finish in time", idle = "did not finish in time" }) do
    it("by " .. code .. " says so, as 503", function()
      connect(UNIX, function(options)
        options.on_done(nil, "curl's words", code)
        return {}
      end)
      local _, message, status = call("version")
      assert.matches(expected, message)
      assert.equal(503, status)
    end)
  end

  it("of a request that could not be begun is 503", function()
    connect(UNIX, function()
      return nil, "out of descriptors", "connect"
    end)
    local _, message, status = call("version")
    assert.matches("out of descriptors", message)
    assert.equal(503, status)
  end)

  it("of JSON that is cut short is 500", function()
    connect(UNIX, function(options)
      options.on_done(200, {}, options.url:find("/version$") and '{"ApiVersion":"1.41"}' or '{"Id":')
      return {}
    end)
    local _, message, status = call("container_inspect", "ada")
    assert.matches("not JSON", message)
    assert.equal(500, status)
  end)
end)

it("each answer is observed, 503 where there is none", function()
  daemon:down()
  call("version")
  daemon:up()
  call("container_inspect", "nobody")
  assert.same({
    { "GET", "/version", 503 },
    { "GET", "/_ping", 200 },
    { "GET", "/v1.41/containers/nobody/json", 404 },
  }, observed)
end)

it("a cancelled call closes its request", function()
  local closed = 0
  connect(UNIX, function()
    return { close = function()
      closed = closed + 1
    end }
  end)
  tasks:spawn(function()
    client:version()
  end, function() end):cancel("deadline")
  assert.equal(1, closed)
end)

describe("containers", function()
  local function create(name, body)
    daemon:add_image("some/image")
    body = body or {}
    body.Image = "some/image"
    return call("container_create", name, body)
  end

  it("are created under a name, and their id returned", function()
    local id = create("ada", { Labels = { a = "b" }, HostConfig = { Memory = 5 } })
    local container = daemon:find("ada")
    assert.equal(container.id, id)
    assert.same({ a = "b" }, container.labels)
    local asked = daemon:asked("POST", "/containers/create$")[1]
    assert.equal("application/json", asked.headers["Content-Type"])
  end)

  it("are not created twice", function()
    create("ada")
    local id, message, status = create("ada")
    assert.is_nil(id)
    assert.matches('The container name "/ada" is already in use', message, 1, true)
    assert.equal(409, status)
  end)

  it("start, and say whether they ran already", function()
    local id = create("ada")
    assert.same({ true, "done" }, { call("container_start", id) })
    assert.same({ true, "already" }, { call("container_start", id) })
    assert.equal("running", daemon:find("ada").state)
  end)

  it("stop with a grace time, and say whether they had", function()
    local id = create("ada")
    call("container_start", id)
    assert.same({ true, "done" }, { call("container_stop", id, { t = 5 }) })
    assert.same({ true, "already" }, { call("container_stop", id, { t = 5 }) })
    assert.equal("5", daemon:asked("POST", "/stop$")[1].query.t)
  end)

  it("that are not there can't be started, nor stopped", function()
    for _, method in ipairs({ "container_start", "container_stop" }) do
      assert.same({ nil, "No such container: nobody", 404 }, { call(method, "nobody") })
    end
  end)

  it("are removed by force, with their anonymous volumes", function()
    local id = create("ada")
    call("container_start", id)
    assert.is_true((call("container_remove", id)))
    assert.same({}, daemon:names())
    assert.same({ force = "true", v = "true" }, daemon:asked("DELETE", "/containers/")[1].query)
    local removed, _, status = call("container_remove", id)
    assert.is_nil(removed)
    assert.equal(404, status)
  end)

  it("are inspected without nulls, so that what is absent can be asked for", function()
    connect(UNIX, function(options)
      options.on_done(200, {}, options.url:find("/version$") and '{"ApiVersion":"1.41"}'
        or '{"Id":"a","Name":"/ada","State":{"Status":"dead","Error":null},"Config":{"Labels":null},"HostConfig":null}')
      return {}
    end)
    local expected = { Id = "a", Name = "/ada", State = { Status = "dead" }, Config = {} }
    assert.same(expected, (call("container_inspect", "ada")))
  end)

  it("are a failure where Docker's answer is not one", function()
    local answers = {
      { "container_inspect", '{"Id":"a"}' }, { "container_list", '[{"Names":["/ada"]}]' }, { "container_create", "{}" },
    }
    for _, answer in ipairs(answers) do
      connect(UNIX, function(options)
        options.on_done(200, {}, options.url:find("/version$") and '{"ApiVersion":"1.41"}' or answer[2])
        return {}
      end)
      local value, message, status = call(answer[1], "ada", {})
      assert.is_nil(value)
      assert.matches("^Docker's answer is not what its API describes", message)
      assert.equal(500, status)
    end
  end)

  it("are in Docker's words, whatever Podman says", function()
    local container = daemon:add({ name = "ada", state = "initialized" })
    assert.equal("created", call("container_inspect", "ada").State.Status)
    assert.equal("created", call("container_list")[1].State)
    container.state = "stopped"
    assert.equal("exited", call("container_list")[1].State)
  end)

  it("are not spoken of by events that are none", function()
    connect(UNIX, function(options)
      if not options.on_data then
        options.on_done(200, { ["api-version"] = "1.41" }, "OK")
      else
        options.on_head(200, {})
        options.on_data('{"Actor":{"Attributes":{"image":{}}}}\n{"Action":"die"}\n')
        options.on_done(200, {})
      end
      return {}
    end)
    local heard = {}
    call("events", {}, nil, function(event)
      table.insert(heard, event)
    end)
    assert.same({ { Action = "die" } }, heard)
  end)

  it("are listed, stopped ones too, by label where that is wanted", function()
    create("ada")
    assert.equal("created", call("container_list")[1].State)
    assert.same({ all = "true" }, daemon:asked("GET", "/containers/json$")[1].query)
    call("container_list", { label = { "a=b" } })
    assert.equal('{"label":["a=b"]}', daemon:asked("GET", "/containers/json$")[2].query.filters)
  end)

  it("can have any name in the path", function()
    call("container_inspect", "a/../b ?x=1&y#%ü")
    assert.equal("/containers/a%2F..%2Fb%20%3Fx%3D1%26y%23%25%C3%BC/json", daemon.calls[#daemon.calls].path)
  end)

  it("get an archive of the content type that the daemon unpacks", function()
    local id = create("ada")
    local tar = require("fake_tar").pack({ { name = "root/x", type = "file", mode = 384, content = "c" } })
    assert.is_true((call("archive_put", id, "/", tar)))
    assert.equal("c", daemon:find("ada").files["/root/x"].content)
  end)

  it("get an archive in chunks too", function()
    local id = create("ada")
    local chunks = { "tar:[", "]" }
    assert.is_true((call("archive_put", id, "/", function()
      return table.remove(chunks, 1)
    end)))
    assert.equal("tar:[]", daemon:asked("PUT", "/archive$")[1].body)
  end)

  it("give their logs as text, of a terminal or not", function()
    local plain = daemon:add({ name = "plain" })
    plain.log = { "one", { "stderr", "two" }, "three" }
    assert.equal("two\nthree\n", (call("container_logs", plain.id, 2)))
    local tty = daemon:add({ name = "tty", tty = true })
    tty.log = { "one" }
    assert.equal("one\n", (call("container_logs", tty.id, 2, true)))
    local text, message, status = call("container_logs", "nobody", 2)
    assert.is_nil(text)
    assert.equal("No such container: nobody", message)
    assert.equal(404, status)
  end)

  it("give the last of logs that are very long", function()
    local container = daemon:add({ name = "ada" })
    for i = 1, 100 do
      container.log[i] = ("%06d"):format(i):rep(10000)
    end
    local text = call("container_logs", container.id, 100)
    assert.is_true(#text <= 4 * 1024 * 1024 and #text > 3 * 1024 * 1024)
    assert.equal(("000100"):rep(10000) .. "\n", text:sub(-60001))
    assert.equal(0, #text % 60001)
  end)

  it("give no logs where Docker sends what can't be read", function()
    connect(UNIX, function(options)
      if options.on_data then
        options.on_head(200, {})
        options.on_data("this is no such stream")
        options.on_done(200, {}, "")
      else
        options.on_done(200, {}, '{"ApiVersion":"1.41"}')
      end
      return {}
    end)
    local malformed = { nil, "Docker sent a malformed log stream", 500 }
    assert.same(malformed, { call("container_logs", "ada", 5) })
    assert.same(malformed, { call("container_follow", "ada", { tail = 5 }, error) })
  end)

  it("give their logs as they come", function()
    for _, tty in ipairs({ false, true }) do
      local container = daemon:add({ name = "follow-" .. tostring(tty), tty = tty })
      container.log = { "one", { "stderr", "two" } }
      local pieces, ended = {}, nil
      local function take(text, stream)
        table.insert(pieces, stream .. text)
      end
      tasks:spawn(function()
        return client:container_follow(container.id, { tail = 1, tty = tty, follow = true }, take)
      end, function(...)
        ended = table.pack(...)
      end)
      daemon:settle()
      daemon:say(container.name, "three")
      local second = tty and "1" or "2"
      assert.same({ second .. "two\n", "1three\n" }, pieces)
      assert.is_nil(ended)
      call("container_stop", container.id)
      assert.same({ true, true, n = 2 }, { ended[1], ended[2], n = 2 })
      pieces = {}
      assert.is_true(call("container_follow", container.id, { tail = 10, tty = tty }, take))
      assert.equal(tty and "1one\ntwo\nthree\n" or "1one\n2two\n1three\n", table.concat(pieces))
    end
    local ok, message, status = call("container_follow", "nobody", { tail = 2 }, function() end)
    assert.same({ nil, "No such container: nobody", 404 }, { ok, message, status })
  end)

  it("give one sample of their stats", function()
    local container = daemon:add({ name = "ada" })
    assert.equal(2, call("container_stats", container.id).cpu_stats.online_cpus)
    assert.same({ stream = "false", ["one-shot"] = "true" }, daemon:asked("GET", "/stats$")[1].query)
  end)
end)

describe("a pull", function()
  for name, query in pairs({
    ["some/image"] = { fromImage = "some/image", tag = "latest" },
    ["some/image:1.2"] = { fromImage = "some/image", tag = "1.2" },
    ["host:5000/image"] = { fromImage = "host:5000/image", tag = "latest" },
    ["host:5000/image:x"] = { fromImage = "host:5000/image", tag = "x" },
    ["image@sha256:00"] = { fromImage = "image@sha256:00" },
  }) do
    it("of " .. name .. " asks for that one", function()
      call("image_pull", name)
      assert.same(query, daemon:asked("POST", "/images/create$")[1].query)
    end)
  end

  it("tells its progress", function()
    daemon.registry["some/image:latest"] = true
    local seen = {}
    assert.is_true((call("image_pull", "some/image", function(entry)
      table.insert(seen, entry.status)
    end)))
    assert.same({ "Pulling from some/image", "Downloading", "Downloading",
      "Status: Downloaded newer image for some/image:latest" }, seen)
    assert.equal("table", type((call("image_inspect", "some/image"))))
  end)

  it("that fails in its middle is a failure, though it began with 200", function()
    daemon.registry["some/image:latest"] = "broken"
    local ok, message, status = call("image_pull", "some/image")
    assert.is_nil(ok)
    assert.equal("unexpected EOF", message)
    assert.equal(500, status)
  end)

  for name, line in pairs({
    ["in the old field alone"] = '{"error":"no space"}',
    ["in the new field alone"] = '{"errorDetail":{"code":1,"message":"no space"}}',
    ["in both, the new one first"] = '{"errorDetail":{"message":"no space"},"error":"worse words"}',
  }) do
    it("that fails says why, " .. name, function()
      connect(UNIX, function(options)
        if options.on_data then
          options.on_head(200, {})
          options.on_data(line .. "\r\n")
          options.on_done(200, {}, "")
        else
          options.on_done(200, { ["api-version"] = "1.41" }, "OK")
        end
        return {}
      end)
      assert.same({ nil, "no space", 500 }, { call("image_pull", "some/image") })
    end)
  end

  it("that is refused carries the daemon's words", function()
    local ok, message, status = call("image_pull", "some/image")
    assert.is_nil(ok)
    assert.matches("^pull access denied for some/image", message)
    assert.equal(404, status)
  end)

  it("whose connection fails is 503", function()
    call("version")
    daemon:down()
    local _, message, status = call("image_pull", "some/image")
    assert.matches("try `docker info`", message)
    assert.equal(503, status)
  end)
end)

describe("networks", function()
  it("are made and found", function()
    local found, _, status = call("network_inspect", "dockhost")
    assert.is_nil(found)
    assert.equal(404, status)
    assert(call("network_create", { Name = "dockhost" }))
    assert.equal("dockhost", call("network_inspect", "dockhost").Name)
  end)
end)

describe("the stream of events", function()
  local seen, opened, ended

  local function follow(since)
    seen, opened, ended = {}, 0, nil
    tasks:spawn(function()
      return client:events({ type = { "container" } }, since, function(event)
        table.insert(seen, event.Action)
      end, function()
        opened = opened + 1
      end)
    end, function(...)
      ended = table.pack(...)
    end)
    daemon:settle()
  end

  it("tells of each as it comes", function()
    follow()
    assert.equal(1, opened)
    local id = daemon:add({ name = "ada", state = "exited" }).id
    call("container_start", id)
    call("container_remove", id)
    assert.same({ "start", "destroy" }, seen)
    assert.is_nil(ended)
    assert.equal('{"type":["container"]}', daemon:asked("GET", "/events$")[1].query.filters)
  end)

  it("begins where it is told to", function()
    local id = daemon:add({ name = "ada", state = "exited" }).id
    call("container_start", id)
    follow("0.000000000")
    assert.same({ "start" }, seen)
    follow(nil)
    assert.same({}, seen)
  end)

  it("ends in a failure that says what to try", function()
    follow()
    daemon:down()
    assert.same({ true, nil, ended[3], 503, n = 4 }, ended)
    assert.matches("try `docker info`", ended[3])
  end)

  it("that the daemon ends in peace is a failure too, and the version is asked for again", function()
    local versions = 0
    connect(UNIX, function(options)
      if options.on_data then
        options.on_head(200, {})
        options.on_done(200, {}, "")
      else
        versions = versions + 1
        options.on_done(200, { ["api-version"] = "1.41" }, "OK")
      end
      return {}
    end)
    for _ = 1, 2 do
      follow()
      assert.equal(503, ended[4])
      assert.matches("it closed the stream of events", ended[3])
    end
    assert.equal(2, versions)
  end)

  it("of Podman is open at once, though its answer comes with the first event, and misses nothing since", function()
    daemon.podman = "4.3.1"
    local container = daemon:add({ name = "ada", state = "exited" })
    local sinces = {}
    for _, since in ipairs({ "none", "5.000000000" }) do
      client.version_prefix, seen = nil, {}
      tasks:spawn(function()
        return client:events({ type = { "container" } }, since ~= "none" and since or nil, function(event)
          table.insert(seen, event.Action)
        end, function()
          table.insert(sinces, since)
          return since ~= "none" and since or "7.000000000"
        end)
      end)
      daemon:settle()
    end
    assert.same({ "none", "5.000000000" }, sinces)
    local asked = daemon:asked("GET", "/events$")
    assert.equal("7.000000000", asked[1].query.since)
    assert.equal("5.000000000", asked[2].query.since)
    seen = {}
    call("container_start", container.id)
    call("container_remove", container.id)
    assert.same({ "start", "start", "destroy", "destroy" }, seen)
    assert.equal(2, #sinces)
  end)

  it("is not opened where the version is none of ours", function()
    daemon.api_version = "1.40"
    follow()
    assert.equal(0, opened)
    assert.equal(503, ended[4])
  end)

  it("is not opened by a refusal", function()
    call("version")
    daemon:fail("GET", "/events$", 500, "broken")
    follow()
    assert.equal(0, opened)
    assert.same({ true, nil, "broken", 500, n = 4 }, ended)
  end)

  it("outlives a line that is no JSON", function()
    connect(UNIX, function(options)
      if options.on_data then
        options.on_head(200, {})
        options.on_data('nonsense\n7\n{"Action":"start"}\n')
      else
        options.on_done(200, {}, '{"ApiVersion":"1.41"}')
      end
      return { close = function() end }
    end)
    follow()
    assert.same({ "start" }, seen)
  end)
end)
