-- Stands for host.tar: an "archive" that fake_docker can unpack. The real one has its own specs in spec/host.
local json = require("dockhost.json")

local fake_tar = {}

function fake_tar.pack(entries)
  return "tar:" .. json.encode(json.array(entries))
end

-- The entries of an archive, or nil for what is none.
function fake_tar.unpack(archive)
  return archive:sub(1, 4) == "tar:" and json.decode(archive:sub(5)) or nil
end

return fake_tar
