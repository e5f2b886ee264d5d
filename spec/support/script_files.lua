-- Scripts on the disk, for specs: where the shipped ones are, and the reading of a directory of them.
local layers = require("dockhost.layers")
local lfs = require("lfs")

local script_files = {}

-- Wherever the specs are run from.
script_files.shipped = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "../../lua"

function script_files.read(path, limit)
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message, "ENOENT"
  end
  local text = file:read("a")
  file:close()
  if #text > limit then
    return nil, path .. " is too large", "too-large"
  end
  return text
end

function script_files.list(path)
  local names = {}
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

local loaded = {}

local function add_folder(texts, directory, part)
  for _, name in ipairs(script_files.list(directory .. part)) do
    if layers.is_script(name) then
      texts[part .. "/" .. name] = assert(script_files.read(directory .. part .. "/" .. name, 1024 * 1024))
    end
  end
end

local function load_all(directory)
  local texts = {}
  add_folder(texts, directory, "")
  for _, folder in ipairs(layers.FOLDERS) do
    if lfs.attributes(directory .. "/" .. folder, "mode") == "directory" then
      add_folder(texts, directory, "/" .. folder)
    end
  end
  return texts
end

-- Puts a directory's scripts into `files` (path -> text) as if they were in `as`.
function script_files.add(files, directory, as)
  loaded[directory] = loaded[directory] or load_all(directory)
  for path, text in pairs(loaded[directory]) do
    files[as .. path] = text
  end
end

return script_files
