-- `dockhost check`: what a node needs, one line each, with what to do where something is missing.
local cli = require("dockhost.cli")
local engine = require("dockhost.cli.check.engine")
local finding = require("dockhost.cli.check.finding")
local images = require("dockhost.images")
local place = require("dockhost.cli.check.place")
local progress = require("dockhost.cli.progress")
local report = require("dockhost.cli.check.report")
local task = require("dockhost.task")
local upstream = require("dockhost.cli.check.upstream")

local check = {}

-- Each with what is waited for, where it may take long.
local STEPS = {
  { "settings", place.settings },
  { "scripts", place.scripts },
  { "state", place.state },
  { "Docker", engine.docker, "asking Docker" },
  { "image", engine.image, "asking Docker, and the registry where the image is not here" },
  { "ports", engine.ports, "asking Docker for the ports in use" },
  { "console", place.console },
  { "key", upstream.key },
  { "main server", upstream.server, "connecting to the main server" },
  { "clock", upstream.clock },
}

local function new_report(app)
  return report.new({
    json = app.parsed.json,
    terminal = app.host.process.isatty(1),
    write = function(text)
      io.stdout:write(text)
      io.stdout:flush()
    end,
  })
end

-- Settings that do not stand are all that can be said. Returns the exit code.
function check.refuse(app, errors)
  local shown = new_report(app)
  for _, message in ipairs(errors) do
    shown:add("settings", finding.failure(message))
  end
  shown:finish()
  return cli.FAILED
end

local function add_images(app)
  function app.images()
    return images.new({
      docker = app.node.docker,
      flights = task.flights(app.tasks),
      log = app.log:child("image"),
      progress = progress.of_pulls(app),
    })
  end
end

-- (app) -> exit code
function check.perform(app)
  if app.parsed.migrate then
    return require("dockhost.cli.migrate").perform(app)
  end
  add_images(app)
  local shown = new_report(app)
  for _, step in ipairs(STEPS) do
    -- Lines of the log stand above it.
    app.bar = step[3] and shown:wait(step[1], step[3]) or nil
    local found = step[2](app)
    app.bar = nil
    shown:add(step[1], found)
  end
  return shown:finish() and cli.OK or cli.FAILED
end

return check
