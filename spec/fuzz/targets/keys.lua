-- What names and lets in users and nodes: SSH keys, base64, JSON web tokens, user names, payloads. The first byte of
-- an input chooses: k, b, j, u or p; without one of these all get the whole.
local base64 = require("dockhost.base64")
local check = require("check")
local json = require("dockhost.json")
local jwt = require("dockhost.jwt")
local params = require("dockhost.params")
local sshkey = require("dockhost.sshkey")
local username = require("dockhost.username")

local targets = {}

-- What is accepted is what is written into authorized_keys: lines of a known type and its blob, without options.
function targets.k(text)
  local normalised, keys = sshkey.check(text)
  if not normalised then
    return check.message(keys, 300)
  end
  check.that(#normalised <= 16 * 1024 + 1, "more than was sent", #normalised)
  local count = 0
  for line in normalised:gmatch("([^\n]*)\n") do
    count = count + 1
    check.line((line:gsub("\t", " ")))
    local kind, encoded = line:match("^([a-z0-9@.-]+) ([%w+/]+=*)")
    check.that(kind, "a line that is no key", line)
    local blob = check.that(base64.decode(encoded), "a blob that does not decode", line)
    check.that(string.unpack(">s4", blob) == kind, "a blob of another type", line)
    check.that(keys[count] and keys[count].type == kind, "a key that is not told of", line)
  end
  check.that(count == #keys and count > 0, "another number of keys", count, #keys)
  check.that(normalised:sub(-1) == "\n" and not normalised:find("[\r\0]"), "lines that do not end", normalised)
  check.that(sshkey.check(normalised) == normalised, "a normal form that is none", normalised)
end

function targets.b(text)
  local bytes = base64.decode(text)
  if bytes then
    check.that(base64.encode(bytes) == text, "base64 that goes round to another text", text)
  end
  local safe = base64.decode_url(text)
  if safe then
    local standard = base64.encode(safe):gsub("=", ""):gsub("+", "-"):gsub("/", "_")
    check.that(standard == text, "base64url that goes round to another text", text)
  end
  check.that(base64.decode(base64.encode(text)) == text, "bytes that do not go round", text)
end

function targets.j(text)
  for _, token in ipairs({ text, "e30." .. base64.encode(text):gsub("=", ""):gsub("+", "-"):gsub("/", "_") .. ".x" }) do
    local claims, message = jwt.claims(token, json.decode)
    if claims then
      check.that(claims.exp == nil or math.type(claims.exp), "no time", claims.exp)
      check.that(claims.username == nil or type(claims.username) == "string", "no name", claims.username)
    else
      check.message(message)
    end
  end
end

function targets.u(text)
  local name, message = username.check(text)
  if not name then
    check.message(message, 200)
  else
    check.line(name)
    check.that(name == text and #name >= 1 and #name <= 128, "another name", name)
    check.that(username.emittable(name), "a user to whom nobody can answer", name)
    for _, container in ipairs({ username.container_name(name), username.hex_name(name) }) do
      check.that(container:find("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$"), "a name that Docker refuses", container)
      check.that(username.from_container_name("/" .. container) == name, "a container of another user", container)
    end
  end
  local user = username.from_container_name(text)
  if user then
    check.that(username.check(user) == user, "a user who may not be", user)
    local plain = text:gsub("^/", "")
    check.that(plain == username.container_name(user) or plain == username.hex_name(user), "a name too many", text)
  end
end

local RULES = {
  username = "username", sshPublicKey = "ssh-keys", startingPort = "port?", containerId = "container-id?",
  tail = "integer?", ratio = "number?", deep = "table?", flag = "boolean?", text = "string?", any = "any?",
}

function targets.p(text)
  local payload = json.decode(text)
  local checked, message, status = params.check(RULES, payload)
  if not checked then
    check.message(message, 500)
    return check.that(status == 400, "another status", status)
  end
  check.that(username.check(checked.username), "a user who may not be", checked.username)
  targets.k(checked.sshPublicKey)
  local port = checked.startingPort
  check.that(port == nil or math.type(port) == "integer" and port >= 1 and port <= 65535, "no port", port)
  local id = checked.containerId
  check.that(id == nil or id:find("^[0-9a-f]+$") and #id >= 12 and #id <= 64, "no id", id)
  check.that(checked.tail == nil or math.type(checked.tail) == "integer", "no integer", checked.tail)
  for field in pairs(checked) do
    check.that(RULES[field], "a field without a rule", field)
  end
end

return function(bytes)
  local target = targets[bytes:sub(1, 1)]
  if target then
    return target(bytes:sub(2))
  end
  for _, each in pairs(targets) do
    each(bytes)
  end
end
