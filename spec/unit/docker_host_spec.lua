local docker_host = require("dockhost.docker_host")

describe("docker_host.parse", function()
  for text, endpoint in pairs {
    ["unix:///var/run/docker.sock"] = { kind = "unix", path = "/var/run/docker.sock" },
    ["unix://"] = { kind = "unix", path = "/var/run/docker.sock" },
    ["unix:///run/user/1000/docker.sock"] = { kind = "unix", path = "/run/user/1000/docker.sock" },
    ["tcp://10.0.0.1:2375"] = { kind = "tcp", host = "10.0.0.1", port = 2375 },
    ["tcp://docker.example.com:2376/"] = { kind = "tcp", host = "docker.example.com", port = 2376 },
    ["tcp://[::1]:2375"] = { kind = "tcp", host = "::1", port = 2375 },
    ["tcp://docker"] = { kind = "tcp", host = "docker" },
    ["tcp://"] = { kind = "tcp", host = "localhost" },
    ["docker:2375"] = { kind = "tcp", host = "docker", port = 2375 },
  } do
    it("reads " .. text, function()
      endpoint.text = text
      assert.same(endpoint, docker_host.parse(text))
    end)
  end

  for text, message in pairs {
    ["ssh://me@host"] = "forward the socket",
    ["http://host:2375"] = "neither",
    ["npipe:////./pipe/docker"] = "neither",
    ["unix://docker.sock"] = "absolute path",
    ["tcp://host:2375/prefix"] = "path",
    ["tcp://host:0"] = "is not an address",
    ["tcp://host:99999"] = "is not an address",
    ["tcp://:2375"] = "is not an address",
    ["tcp://a b:1"] = "is not an address",
    ["/var/run/docker.sock"] = "path",
  } do
    it("refuses " .. text, function()
      local endpoint, why = docker_host.parse(text)
      assert.is_nil(endpoint)
      assert.matches(message, why)
    end)
  end
end)

describe("docker_host.complete", function()
  it("fills in the ports of the Docker CLI", function()
    assert.equal(2375, docker_host.complete({ kind = "tcp", host = "h" }).port)
    assert.equal(2376, docker_host.complete({ kind = "tcp", host = "h" }, "/c").port)
    assert.equal(99, docker_host.complete({ kind = "tcp", host = "h", port = 99 }, "/c").port)
  end)

  it("names the files of TLS", function()
    assert.same(
      { ca = "/c/ca.pem", cert = "/c/cert.pem", key = "/c/key.pem", verify = true },
      docker_host.complete({ kind = "tcp", host = "h" }, "/c/").tls
    )
  end)

  it("speaks plainly to a socket", function()
    assert.same({ kind = "unix", path = "/s" }, docker_host.complete({ kind = "unix", path = "/s" }, "/c"))
  end)
end)
