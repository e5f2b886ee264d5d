local sshkey = require("dockhost.sshkey")
local base64 = require("dockhost.base64")
local mutate = require("mutate")

-- Made by ssh-keygen.
local ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAICq2mBmHEkETII5txWaN29uzRnifEzyKBdeZTwKkQ6kh"
local RSA = "AAAAB3NzaC1yc2EAAAADAQABAAABAQCJkkowWyNlQWEU4nWEWd7eLd5QzTeP9pAaIlTe3R+kD1bJ+QS/sP2SCAbC6OwQPHlroRua"
  .. "CUgT05uKk6cz4GfCOSx9f8+ledReyNd7nxdGqwJ5myPiNlQ9R5MoZ397EM69dhMBd8SCGz6dGMpqoxyFsWDmzADkx2VwLihRbKOS"
  .. "0xgG4yK/SFgPBVP+FiHLFEepPvaq2N2xcU4us6klsjDSrm/o0Ll3Cwu4YmVpomUSqV164ZrpnC4JgiSdznzgh2YmV1qXJYMSOI7S"
  .. "CaHGQjqBiVlgVgaxlOQEDzhTSIV/Xa3qQ05U/urzNhpjBbD5pTkBM2Ww78EQi3LdJSFLcp6f"
local RSA_1024 = "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDRWZMs0V64vu3QMWUQRvcGZLMCpHRWBiiIAoIBt/f0t8owbyVSdQ9sUKSUoe2e0qUGRs6A"
  .. "LqZMafLpSvij+WQ4YPRNQWQDoLsEv78PZJ7JBfNlBdDTk4M4ZnpX1TTlIqVxJR16Lqf+ttv4tJ4LOjlplygHXFtsX90XE09j7UK0"
  .. "9Q=="
local NISTP256 = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOuiIlm/0ePUFlk98DHGGuujNBT66ITckdoxh3mM8FtxTt8S"
  .. "m9VrwdfkFGZExJ0+7VBQA7e2uxPfKOxnyaPAOeQ="
local NISTP384 = "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBASlYzaWBO4t04D7Xla5v47cm1HwczUjNhLb9f8XD3+8UA2O"
  .. "c9j0/C8awGOtdGq+kDstYYQep9ccYxP5/8P/nWQS1X2UrhrkeXqw4e51+ObygXCpK+WTqyEMgpP4R4GwAw=="
local NISTP521 = "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBACMhx4GGHEmhMdCK0Js2GE469EUNbv6qD4DC85eyIF52l55"
  .. "8ePc7ldbPWOoIZebHHOH5On1IpczpC+8Yja6ouxlkQAofB1MqVhpxeMY+P+OjyhMBgLWoGlnj3m92pa8+Kuu0sk7KnlAcfyiP0IN"
  .. "ggXyRY9Uwi2iAtGgojFs04G/uXt6eA=="
local DSS = "AAAAB3NzaC1kc3MAAACBANOb38WFrjR8PV9MMTALP4PEhYaZ5OWwToL//YYFJevvHdD4/bbc1+6nM6pK+7NvozDbkie5px7uv0O7"
  .. "z/DGYB9Ysfa9t6+/46unOsLv9VfbRFWihv4i2DV5L+T8Lp968Em3i9lOl5pjsG3KCKd9wUdgLjn/CYdekXzZDBztvKOfAAAAFQCf"
  .. "Zvm9A0yAHZ6ayfThCTNEnmLLIQAAAIATqiHDRjTrcJNMvMR1o4NNbANdJETbd0X6HWFXL6dE2SfgdgPdaV3eCtuuyIMIhe3v6WSp"
  .. "09W6lk+ggH8wx3ZEgyBcQ87yrAG7UrtFHcXwuszl59/u/Xy+KG+Ps5AXv3TymCAF1pwzTqgHQW65Pd2wSDPuvOPEgQ+KdO4hMt+f"
  .. "dwAAAIEAsmXDLg0yoxzKmIGmbs3xkzY2G0zu8yWfFF3Rg1wn/ercX5c3UJdf96NvHCMexm5TgOTuIA3xMh79Orl1L87sksixc4M/"
  .. "rA3sIisqCnNkfL3SnaCB/a84FVXbnTFbRsLB111cmkHo2dTUcCOfXZ3jhjBaAY+SEW/LqbgQYTpEYYQ="

-- (fields…) -> base64 of their length-prefixed row
local function blob(...)
  local fields = { ... }
  for i, field in ipairs(fields) do fields[i] = string.pack(">s4", field) end
  return base64.encode(table.concat(fields))
end

local POINT_256 = base64.decode(NISTP256):sub(-65)
local SK_ED25519 = blob("sk-ssh-ed25519@openssh.com", ("k"):rep(32), "ssh:")
local SK_ECDSA = blob("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", POINT_256, "ssh:")

local GOOD = {
  { "ssh-ed25519", ED25519 },
  { "ssh-rsa", RSA },
  { "ssh-rsa", RSA_1024 },
  { "ecdsa-sha2-nistp256", NISTP256 },
  { "ecdsa-sha2-nistp384", NISTP384 },
  { "ecdsa-sha2-nistp521", NISTP521 },
  { "sk-ssh-ed25519@openssh.com", SK_ED25519 },
  { "sk-ecdsa-sha2-nistp256@openssh.com", SK_ECDSA },
}

local function refusal(text)
  local value, message = sshkey.check(text)
  assert.is_nil(value)
  return message
end

describe("sshkey.check", function()
  for _, key in ipairs(GOOD) do
    it("accepts " .. key[1] .. " of " .. #key[2] .. " digits", function()
      local text, keys = sshkey.check(key[1] .. " " .. key[2] .. " alice@laptop")
      assert.equal(key[1] .. " " .. key[2] .. " alice@laptop\n", text)
      assert.same({ { type = key[1], comment = "alice@laptop" } }, keys)
    end)

    it("refuses " .. key[1] .. " of " .. #key[2] .. " digits when it is damaged or misnamed", function()
      local bytes = base64.decode(key[2])
      assert.matches("damaged", refusal(key[1] .. " " .. base64.encode(bytes:sub(1, -2))))
      assert.matches("damaged", refusal(key[1] .. " " .. base64.encode(bytes .. "x")))
      assert.matches("damaged", refusal(key[1] .. " " .. base64.encode(bytes .. "\0\0\0\0")))
      assert.matches("damaged", refusal(key[1] .. " " .. key[2]:sub(1, -2)))
      local other = key[1] == "ssh-rsa" and "ssh-ed25519" or "ssh-rsa"
      assert.matches("not of the type", refusal(other .. " " .. key[2]))
    end)
  end

  it("tolerates blank lines, comments, CRLF, tabs, a BOM and missing newlines", function()
    local text, keys = sshkey.check("\u{FEFF}# mine\r\n\r\n  ssh-ed25519\t" .. ED25519 .. "  a  b \r\n\t\n# x\n"
      .. "ssh-rsa " .. RSA)
    assert.equal("ssh-ed25519 " .. ED25519 .. " a  b\nssh-rsa " .. RSA .. "\n", text)
    assert.same({ { type = "ssh-ed25519", comment = "a  b" }, { type = "ssh-rsa" } }, keys)
  end)

  it("accepts UTF-8 in comments", function()
    local _, keys = sshkey.check("ssh-ed25519 " .. ED25519 .. " Jürgens Gerät\n")
    assert.equal("Jürgens Gerät", keys[1].comment)
  end)

  it("names the line of a fault", function()
    assert.matches("^line 3: ", refusal("# x\nssh-ed25519 " .. ED25519 .. "\nnonsense\n"))
  end)

  local good = "ssh-ed25519 " .. ED25519
  for name, case in pairs {
    ["nothing"] = { "", "no SSH public key" },
    ["white space"] = { " \n\t\r\n", "no SSH public key" },
    ["only a comment"] = { "# key", "no SSH public key" },
    ["prose"] = { "my key", "known type" },
    ["bare base64"] = { ED25519, "known type" },
    ["a type alone"] = { "ssh-ed25519", "missing after its type" },
    ["ssh-dss"] = { "ssh-dss " .. DSS, "obsolete" },
    ["options"] = { "no-pty " .. good, "options" },
    ["a command"] = { 'command="sh -c id" ' .. good, "options" },
    ["a certificate"] = { "ssh-rsa-cert-v01@openssh.com " .. RSA, "certificate" },
    ["a NUL"] = { good .. " a\0b", "control" },
    ["an escape"] = { good .. " \27[2J", "control" },
    ["C1"] = { good .. " \u{9B}2J", "control" },
    ["a lone CR"] = { good .. "\r" .. good .. "\n", "control" },
    ["a vertical tab"] = { "ssh-ed25519\v" .. ED25519, "control" },
    ["invalid UTF-8"] = { good .. " \xFF", "UTF%-8" },
    ["white space inside the key"] = { "ssh-ed25519 " .. ED25519:sub(1, 20) .. " " .. ED25519:sub(21), "damaged" },
    ["too much"] = { (good .. "\n"):rep(300), "16 KiB" },
    ["a private key"] = { "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n", "%.pub file" },
    ["a PEM private key"] = { "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "%.pub file" },
    ["a PKCS 8 private key"] = { "-----BEGIN PRIVATE KEY-----\nMIIE\n", "%.pub file" },
    ["a PuTTY key"] = { "PuTTY-User-Key-File-3: ssh-ed25519\n", "%.pub file" },
    ["an RFC 4716 key"] = { "---- BEGIN SSH2 PUBLIC KEY ----\n" .. ED25519, "ssh%-keygen %-i" },
    ["a PEM public key"] = { "-----BEGIN PUBLIC KEY-----\nMIIB\n", "ssh%-keygen %-i" },
    ["a small RSA key"] = { "ssh-rsa " .. blob("ssh-rsa", "\1\0\1", ("\x7F"):rep(127)), "fewer than 1024 bits" },
    ["an RSA key that only seems long"] = {
      "ssh-rsa " .. blob("ssh-rsa", "\1\0\1", ("\0"):rep(200) .. ("\x7F"):rep(100)), "fewer than 1024 bits",
    },
    ["a negative modulus"] = { "ssh-rsa " .. blob("ssh-rsa", "\1\0\1", ("\xFF"):rep(256)), "damaged" },
    ["no exponent"] = { "ssh-rsa " .. blob("ssh-rsa", "", ("\x7F"):rep(256)), "damaged" },
    ["exponent zero"] = { "ssh-rsa " .. blob("ssh-rsa", "\0", ("\x7F"):rep(256)), "damaged" },
    ["a giant modulus"] = { "ssh-rsa " .. blob("ssh-rsa", "\1\0\1", ("\x7F"):rep(2049)), "damaged" },
    ["a short ed25519 key"] = { "ssh-ed25519 " .. blob("ssh-ed25519", ("k"):rep(31)), "damaged" },
    ["a wrong curve"] = {
      "ecdsa-sha2-nistp256 " .. blob("ecdsa-sha2-nistp256", "nistp384", POINT_256), "damaged",
    },
    ["a compressed point"] = {
      "ecdsa-sha2-nistp256 " .. blob("ecdsa-sha2-nistp256", "nistp256", "\2" .. POINT_256:sub(2)), "damaged",
    },
    ["an sk key for nothing"] = {
      "sk-ssh-ed25519@openssh.com " .. blob("sk-ssh-ed25519@openssh.com", ("k"):rep(32), ""), "damaged",
    },
    ["an empty blob"] = { "ssh-rsa ====", "damaged" },
    ["a lying length"] = { "ssh-rsa " .. base64.encode("\xFF\xFF\xFF\xFFssh-rsa"), "damaged" },
    ["many empty fields"] = { "ssh-rsa " .. base64.encode(("\0"):rep(4000)), "damaged" },
  } do
    it("refuses " .. name, function()
      assert.matches(case[2], refusal(case[1]))
    end)
  end

  it("refuses what is not a string", function()
    assert.matches("must be a string", refusal(nil))
    assert.matches("must be a string", refusal({}))
    assert.matches("must be a string", refusal(12))
  end)

  it("repeats nothing of the text in its messages", function()
    for _, text in ipairs { "hunter2hunter2", "ssh-rsa hunter2hunter2", "hunter2hunter2 ssh-rsa AAAA" } do
      assert.not_matches("hunter2", refusal(text))
    end
  end)

  it("takes no quadratic time over white space", function()
    local started = os.clock()
    refusal(("x" .. (" "):rep(16000)) .. "x")
    refusal((" "):rep(16000))
    assert.is_true(os.clock() - started < 0.5)
  end)

  it("lets nothing but whole keys through, whatever the damage", function()
    local texts = {}
    for i, key in ipairs(GOOD) do texts[i] = key[1] .. " " .. key[2] .. " comment\n" end
    local accepted = 0
    mutate.each(texts, 4000, function(mutant)
      local text, keys = sshkey.check(mutant)
      if not text then return assert.is_string(keys) end
      accepted = accepted + 1
      assert.equal(text, (sshkey.check(text)))
      assert.is_true(#keys >= 1)
      for line in text:gmatch("[^\n]+") do
        local kind, encoded = line:match("^(%S+) (%S+)")
        assert.equal(kind, (string.unpack(">s4", base64.decode(encoded))))
      end
    end)
    assert.is_true(accepted > 50)
  end)
end)
