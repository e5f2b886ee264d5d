-- `dockhost scripts`: each script in effect, where it comes from, what it shadows or takes away; and whether all load.
local cli = require("dockhost.cli")
local layers = require("dockhost.layers")
local text = require("dockhost.text")

local scripts = {}

local function below(file, loaded)
  if not file.shadows then
    return loaded and loaded.removes and "takes away nothing" or "-"
  end
  return (loaded and loaded.removes and "takes away " or "shadows ") .. file.shadows
end

local function table_of(files, set)
  local rows = { { "SCRIPT", "FROM", "BELOW IT" } }
  for _, file in ipairs(files) do
    table.insert(rows, { file.name, file.directory, below(file, set and set.files[file.name]) })
  end
  return text.columns(rows)
end

-- (app) -> exit code
function scripts.perform(app)
  local set, errors = app.node:load_scripts()
  local files = layers.survey(app.node.directories, app.node.list)
  if files then
    io.stdout:write(table_of(files, set))
  end
  if set then
    return cli.OK
  end
  for _, message in ipairs(errors) do
    app.log:error(message)
  end
  return cli.FAILED
end

return scripts
