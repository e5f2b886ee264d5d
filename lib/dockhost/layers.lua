-- Which script files count when a directory lies over another: file by file, the first directory that has one wins.
local layers = {}

-- Every place of a script, with its directory below a layer.
layers.FOLDERS = { "commands", "jobs", "hooks" }
layers.POLICIES = { "container", "dialect", "reconnect" }

local function is_policy(file)
  local name = file:match("^(.*)%.lua$")
  for _, policy in ipairs(layers.POLICIES) do
    if name == policy then
      return true
    end
  end
  return false
end

-- Whether a file of that name is a script: editors' temporary files begin with a dot or do not end in .lua, and a spec
-- may lie beside what it tests.
function layers.is_script(file)
  return file:find("^[^.].*%.lua$") ~= nil and not file:find("_spec%.lua$")
end

-- Whether a change of that name in a layer's own directory matters.
function layers.concerns(file)
  if is_policy(file) then
    return true
  end
  for _, folder in ipairs(layers.FOLDERS) do
    if file == folder then
      return true
    end
  end
  return false
end

local function add(found, directory, name)
  local known = found[name]
  if not known then
    found[name] = { name = name, path = directory .. "/" .. name, directory = directory }
  elseif not known.shadows then
    known.shadows = directory .. "/" .. name
  end
end

local function add_folder(found, directory, folder, names)
  for _, file in ipairs(names) do
    if layers.is_script(file) then
      add(found, directory, folder .. "/" .. file)
    end
  end
end

-- Likely mistakes, which would else go unseen: a script beside the folders, a folder under nearly its name.
local NEARLY = { command = true, job = true, hook = true }

local function add_misplaced(misplaced, directory, names)
  for _, name in ipairs(names) do
    if NEARLY[name] or layers.is_script(name) and not is_policy(name) then
      table.insert(misplaced, directory .. "/" .. name)
    end
  end
end

local function add_layer(found, misplaced, directory, list)
  local names, message = list(directory)
  if not names then
    return nil, message
  end
  add_misplaced(misplaced, directory, names)
  local present = {}
  for _, name in ipairs(names) do
    present[name] = true
  end
  for _, policy in ipairs(layers.POLICIES) do
    if present[policy .. ".lua"] then
      add(found, directory, policy .. ".lua")
    end
  end
  for _, folder in ipairs(layers.FOLDERS) do
    if present[folder] then
      local files, why = list(directory .. "/" .. folder)
      if not files then
        return nil, why
      end
      add_folder(found, directory, folder, files)
    end
  end
  return true
end

-- The files in effect, by name: (directories, the winning one first; list = function(path) -> names | nil, message) ->
-- list of { name = "commands/x.lua", path =, directory =, shadows = path? }, list of misplaced paths | nil, message
function layers.survey(directories, list)
  local found, misplaced = {}, {}
  for _, directory in ipairs(directories) do
    local ok, message = add_layer(found, misplaced, directory, list)
    if not ok then
      return nil, message
    end
  end
  local files = {}
  for _, file in pairs(found) do
    table.insert(files, file)
  end
  table.sort(files, function(a, b)
    return a.name < b.name
  end)
  return files, misplaced
end

return layers
