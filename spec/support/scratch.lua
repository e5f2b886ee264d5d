-- A directory for a spec, on the disk: scratch.new() -> path; scratch.remove(path); scratch.mkdir(path), with its
-- parents; scratch.write(path, text); scratch.read(path) -> text | nil
local lfs = require("lfs")

local scratch = {}

function scratch.new()
  local path = os.tmpname()
  assert(os.remove(path))
  assert(lfs.mkdir(path))
  return path
end

function scratch.remove(path)
  if lfs.attributes(path, "mode") == "directory" then
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then
        scratch.remove(path .. "/" .. name)
      end
    end
  end
  assert(os.remove(path))
end

function scratch.mkdir(path)
  local parent = path:match("^(.+)/[^/]*$")
  if parent and not lfs.attributes(parent) then
    scratch.mkdir(parent)
  end
  if lfs.attributes(path, "mode") == "directory" then
    return true
  end
  return lfs.mkdir(path)
end

function scratch.write(path, text)
  scratch.mkdir(path:match("^(.*)/"))
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

function scratch.read(path)
  local file = io.open(path)
  local text = file and file:read("a")
  return text, file and file:close()
end

return scratch
