-- OpenSSH public keys: checked down to the fields of their blob, so that what is written into authorized_keys
-- is keys that sshd can read, and nothing else.
local base64 = require("dockhost.base64")
local trim = require("dockhost.text").trim

local sshkey = {}

local LONGEST = 16 * 1024
local SMALLEST_RSA, LARGEST_RSA = 1024, 16384
local EXPECTED = "expected a line like \"ssh-ed25519 AAAA… name\""

local function bit_length(number)
  local bytes = number:gsub("^\0+", "")
  if bytes == "" then return 0 end
  local bits, first = (#bytes - 1) * 8, bytes:byte()
  while first > 0 do
    bits, first = bits + 1, first >> 1
  end
  return bits
end

local function positive(number)
  return number ~= "" and number:byte() < 0x80 and bit_length(number) > 0
end

local function check_rsa(e, n)
  if not (positive(e) and positive(n)) then return nil end
  local bits = bit_length(n)
  if bits < SMALLEST_RSA then return nil, "the RSA key has fewer than " .. SMALLEST_RSA .. " bits: make a new key" end
  return bits <= LARGEST_RSA
end

local function check_ed25519(point)
  return #point == 32
end

-- Points are uncompressed: 4, x, y.
local function ecdsa(curve, size)
  return function(name, point)
    return name == curve and #point == 1 + 2 * size and point:byte() == 4
  end
end

local nistp256 = ecdsa("nistp256", 32)

-- Fields after the type's name, and what they must be.
local TYPES = {
  ["ssh-ed25519"] = { fields = 1, check = check_ed25519 },
  ["ssh-rsa"] = { fields = 2, check = check_rsa },
  ["ecdsa-sha2-nistp256"] = { fields = 2, check = nistp256 },
  ["ecdsa-sha2-nistp384"] = { fields = 2, check = ecdsa("nistp384", 48) },
  ["ecdsa-sha2-nistp521"] = { fields = 2, check = ecdsa("nistp521", 66) },
  ["sk-ssh-ed25519@openssh.com"] = {
    fields = 2,
    check = function(point, application) return check_ed25519(point) and application ~= "" end,
  },
  ["sk-ecdsa-sha2-nistp256@openssh.com"] = {
    fields = 3,
    check = function(name, point, application) return nistp256(name, point) and application ~= "" end,
  },
}

-- The length-prefixed strings that fill the blob exactly; no type has more than four.
local function fields_of(blob)
  local fields, position = {}, 1
  while position <= #blob do
    if #fields == 4 or #blob - position < 3 then return nil end
    local length = string.unpack(">I4", blob, position)
    if length > #blob - position - 3 then return nil end
    fields[#fields + 1] = blob:sub(position + 4, position + 3 + length)
    position = position + 4 + length
  end
  return fields
end

local function check_blob(type_name, encoded)
  local blob = base64.decode(encoded)
  if not blob or blob == "" then return nil, "the key's base64 is damaged: copy the whole line" end
  local fields = fields_of(blob)
  if not fields or fields[1] == nil then return nil, "the key is cut short or damaged: copy the whole line" end
  if fields[1] ~= type_name then return nil, "the key is not of the type that the line names" end
  local rule = TYPES[type_name]
  local sound, message = false, nil
  if #fields == rule.fields + 1 then sound, message = rule.check(table.unpack(fields, 2)) end
  if not sound then return nil, message or "the key is cut short or damaged: copy the whole line" end
  return true
end

local function explain_type(line)
  local word = line:match("^[^ \t]+")
  if word == "ssh-dss" then return "ssh-dss keys are obsolete: make a new key with ssh-keygen -t ed25519" end
  if word:find("%-cert%-v%d+@openssh%.com$") then return "a certificate is not a key: send the .pub file of the key" end
  for candidate in line:gmatch("[^ \t]+") do
    if TYPES[candidate] or candidate == "ssh-dss" then return "options before the key type are not allowed" end
  end
  return "not an OpenSSH public key of a known type: " .. EXPECTED
end

-- (line without space around it) -> normalised line, {type=, comment=} | nil, message
local function check_line(line)
  local type_name, encoded, comment = line:match("^([^ \t]+)[ \t]+([^ \t]+)[ \t]*(.*)$")
  if not TYPES[type_name or line] then return nil, explain_type(line) end
  if not encoded then return nil, "the key itself is missing after its type: " .. EXPECTED end
  local ok, message = check_blob(type_name, encoded)
  if not ok then return nil, message end
  local normalised = type_name .. " " .. encoded .. (comment ~= "" and " " .. comment or "")
  return normalised, { type = type_name, comment = comment ~= "" and comment or nil }
end

local function explain_format(text)
  if text:find("%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY") or text:find("^PuTTY%-User%-Key%-File") then
    return "this is a private key: send the .pub file"
  end
  if text:find("%-%-%-%- ?BEGIN ") then
    return "this is not OpenSSH's format: convert it with ssh-keygen -i"
  end
end

local function check_text(text)
  if type(text) ~= "string" then return nil, "the SSH public key must be a string" end
  if #text > LONGEST then return nil, "the SSH public keys are longer than 16 KiB" end
  if not utf8.len(text) then return nil, "the SSH public key is not valid UTF-8" end
  text = text:gsub("^\u{FEFF}", ""):gsub("\r\n", "\n"):gsub("\r$", "")
  if text:find("[\0-\8\11-\31\127]") or text:find("\xC2[\x80-\x9F]") then
    return nil, "the SSH public key has control characters"
  end
  local foreign = explain_format(text)
  if foreign then return nil, foreign end
  return text
end

-- (text) -> keys one a line, list of {type=, comment=} | nil, message. Messages never repeat the text.
function sshkey.check(text)
  local checked, message = check_text(text)
  if not checked then return nil, message end
  local lines, keys, number = {}, {}, 0
  for line in checked:gmatch("[^\n]*") do
    number = number + 1
    line = trim(line)
    if line ~= "" and line:sub(1, 1) ~= "#" then
      local normalised, key = check_line(line)
      if not normalised then return nil, "line " .. number .. ": " .. key end
      lines[#lines + 1], keys[#keys + 1] = normalised .. "\n", key
    end
  end
  if #keys == 0 then return nil, "there is no SSH public key in it: " .. EXPECTED end
  return table.concat(lines), keys
end

return sshkey
