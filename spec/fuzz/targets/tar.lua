-- host.tar: entries from the lines of an input (file or directory, mode, name, "|", content; a line's end written \n)
-- are packed, and an independent reader finds the same again.
local check = require("check")
local input = require("input")
local tar = require("host.tar")

local BLOCK = 512

local function entry_of(line)
  local kind, mode, rest = line:match("^([fd]?)(%d?%d?%d?%d?%d?)(.*)$")
  local name, content = rest:match("^([^|]*)|?(.*)$")
  return {
    type = kind == "f" and "file" or kind == "d" and "directory" or nil,
    mode = tonumber(mode, 8) or mode,
    name = name,
    uid = mode ~= "" and #mode or nil,
    mtime = #rest * 1000003,
    content = content ~= "" and content:gsub("\\n", "\n") or nil,
  }
end

local function octal(field)
  return tonumber(field:match("^([0-7]+)%z?$"), 8)
end

local function read_header(block)
  local checksum = octal(block:sub(149, 155))
  local sum = 0
  for i = 1, BLOCK do
    sum = sum + (i >= 149 and i <= 156 and 32 or block:byte(i))
  end
  check.that(checksum == sum, "a wrong checksum", checksum, sum)
  check.that(block:sub(258, 265) == "ustar\00000", "no ustar header")
  return {
    name = block:match("^[^%z]*"):sub(1, 100),
    mode = octal(block:sub(101, 108)),
    uid = octal(block:sub(109, 116)),
    mtime = octal(block:sub(137, 148)),
    size = octal(block:sub(125, 136)),
    type = block:sub(157, 157),
  }
end

local function read(archive)
  local entries, at = {}, 1
  while archive:byte(at) ~= 0 do
    local header = read_header(archive:sub(at, at + BLOCK - 1))
    at = at + BLOCK
    header.content = archive:sub(at, at + header.size - 1)
    at = at + (header.size + BLOCK - 1) // BLOCK * BLOCK
    local padding = archive:sub(at - (-header.size % BLOCK), at - 1)
    check.that(padding:find("^%z*$"), "the padding is not empty")
    entries[#entries + 1] = header
  end
  check.that(archive:sub(at) == ("\0"):rep(2 * BLOCK), "no end of the archive")
  return entries
end

local function check_entry(got, entry)
  local directory = entry.type == "directory"
  local name = entry.name .. (directory and entry.name:sub(-1) ~= "/" and "/" or "")
  check.that(got.name == name, "another name", got.name, name)
  check.that(got.type == (directory and "5" or "0"), "another type", got.type)
  check.that(got.mode == tonumber(entry.mode), "another mode", got.mode)
  check.that(got.uid == (entry.uid or 0), "another owner", got.uid)
  check.that(got.mtime == entry.mtime, "another time", got.mtime)
  check.that(got.content == (entry.content or ""), "another content", got.content)
  check.that(not ("/" .. name .. "/"):find("/../", 1, true) and name:sub(1, 1) ~= "/", "it lands outside", name)
end

return function(bytes)
  local entries, accepted = {}, {}
  for line in input.lines(bytes) do
    local entry = entry_of(line)
    local ok, message = pcall(tar.pack, { entry })
    if ok then
      accepted[#accepted + 1] = entry
    else
      check.that(message:find("entry 1: ", 1, true), "another failure", message)
    end
    entries[#entries + 1] = entry
  end
  local got = read(tar.pack(accepted))
  check.that(#got == #accepted, "another number of entries", #got, #accepted)
  for i, entry in ipairs(accepted) do
    check_entry(got[i], entry)
  end
  check.that(pcall(tar.pack, entries) == (#entries == #accepted), "all together are judged differently")
end
