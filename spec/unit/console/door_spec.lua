local door = require("dockhost.console.door")
local token = require("dockhost.console.token")

local LISTENER = { host = "127.0.0.1", port = 3002, address = "127.0.0.1" }
local TOKEN = ("ab"):rep(16)
local PEER = "192.0.2.7"
local OWN_COOKIE = token.of_peer(TOKEN, PEER)

local function exchange(headers)
  return {
    header = function(_, name)
      return headers[name]
    end,
    peer = function()
      return PEER
    end,
  }
end

local function admit(headers, route)
  headers.host = headers.host or "127.0.0.1:3002"
  local ok, status = door.admit(exchange(headers), route or {}, LISTENER)
  return ok or status
end

describe("who may pass without regard to the token", function()
  it("is a browser at the console's own page, and a script", function()
    assert.is_true(admit({}))
    assert.is_true(admit({ origin = "http://127.0.0.1:3002", ["sec-fetch-site"] = "same-origin" }))
    assert.is_true(admit({ origin = "http://localhost:3002", host = "localhost:3002" }))
    assert.is_true(admit({ ["sec-fetch-site"] = "none" }))
  end)

  it("is nobody under another name", function()
    assert.equal(421, admit({ host = "evil.example:3002" }))
    assert.equal(421, admit({ host = "127.0.0.1:3003" }))
    assert.equal(421, admit({ host = "" }))
    assert.equal(421, (select(2, door.admit(exchange({}), {}, LISTENER))))
  end)

  it("is whoever asks for what is open by an address, but not by a name", function()
    assert.is_true(admit({ host = "192.0.2.4:9100" }, { open = true }))
    assert.equal(421, admit({ host = "evil.example:3002" }, { open = true }))
  end)

  for _, origin in ipairs({ "http://evil.example", "null", "https://127.0.0.1:3002", "http://127.0.0.1:3003", "",
    "http://127.0.0.1", "http://localhost:3002", "http://127.0.0.1:3002.evil.example", "http://127.0.0.1:3002/" }) do
    it("is no page from '" .. origin .. "'", function()
      assert.equal(403, admit({ origin = origin }))
      assert.equal(403, admit({ origin = origin }, { open = true }))
    end)
  end

  for _, site in ipairs({ "cross-site", "same-site", "whatever" }) do
    it("is no page that says that it is " .. site .. ", but for a link to the entrance", function()
      assert.equal(403, admit({ ["sec-fetch-site"] = site }))
      assert.is_true(admit({ ["sec-fetch-site"] = site }, { entrance = true }))
    end)
  end
end)

describe("who is known", function()
  local function knows(headers, own)
    return door.knows(exchange(headers), own == nil and TOKEN or own or nil, 3002)
  end

  it("shows the cookie of that port, or the token as a bearer", function()
    assert.is_true(knows({ cookie = "dockhost-3002=" .. OWN_COOKIE }))
    assert.is_true(knows({ authorization = "Bearer " .. TOKEN }))
    assert.is_true(knows({ cookie = "dockhost-3002=old", authorization = "Bearer " .. TOKEN }))
  end)

  for name, headers in pairs({
    ["shows nothing"] = {},
    ["has another token"] = { authorization = "Bearer " .. ("ac"):rep(16) },
    ["has an empty one"] = { authorization = "Bearer ", cookie = "dockhost-3002=" },
    ["has it in another cookie"] = { cookie = "dockhost-3003=" .. OWN_COOKIE },
    ["has the token itself in the cookie"] = { cookie = "dockhost-3002=" .. TOKEN },
    ["has the cookie of another address"] = { cookie = "dockhost-3002=" .. token.of_peer(TOKEN, "172.17.0.2") },
    ["has it by another scheme"] = { authorization = "Basic " .. TOKEN },
    ["has a part of it"] = { cookie = "dockhost-3002=" .. OWN_COOKIE:sub(1, 63) },
  }) do
    it("is not who " .. name, function()
      assert.is_false(knows(headers))
    end)
  end

  it("is nobody where there is no token", function()
    assert.is_false(knows({ cookie = "dockhost-3002=", authorization = "Bearer nil" }, false))
  end)
end)
