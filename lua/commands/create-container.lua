-- Makes a user's container: image, ports, container, keys, start. Whatever fails on the way is undone.
local bindings = require("dockhost.bindings")
local containers = require("dockhost.containers")

local ATTEMPTS = 5

local function refuse_existing(user, ctx)
  local instance, message, status = ctx.containers:of_user(user)
  if instance then
    return nil, user .. " already has a container", 409, containers.entry(instance)
  end
  if status ~= 404 then
    return nil, message, status
  end
  return true
end

local function upload_keys(id, keys, ctx)
  local archive = ctx.tar({
    { name = "root/.ssh", type = "directory", mode = 448 }, -- 0700
    { name = "root/.ssh/authorized_keys", type = "file", mode = 384, content = keys }, -- 0600
  })
  return ctx.docker:archive_put(id, "/", archive)
end

local function is_port_conflict(message)
  message = message:lower()
  return message:find("port is already allocated", 1, true)
    or message:find("address already in use", 1, true)
    or message:find("failed to bind", 1, true)
end

-- Starts it and sees that it runs with its ports: Docker has reported success without either.
local function start(id, ctx)
  local ok, message, status = ctx.docker:container_start(id)
  if not ok then
    return nil, message, status, is_port_conflict(message)
  end
  local inspected, why, code = ctx.docker:container_inspect(id)
  if not inspected then
    return nil, why, code
  end
  -- What ends at once is started again at once, and has no ports in between.
  if inspected.State.Status ~= "running" or (inspected.RestartCount or 0) > 0 then
    return nil, "the container ended at once, exit code " .. inspected.State.ExitCode .. ": is the image right?", 500
  end
  if not bindings.published(inspected) then
    return nil, "Docker did not publish the ports", 503, true
  end
  return ctx.containers:own(inspected)
end

-- One attempt on one triple of ports. The fourth result of a failure tells a conflict over ports, the fifth describes
-- the container that another process made for the user meanwhile.
local function attempt(instance, ctx)
  local id, message, status, existing = ctx.instances:create(instance, ctx)
  if not id then
    return nil, message, status, false, existing
  end
  local ok, why, code = upload_keys(id, instance.keys, ctx)
  if not ok then
    return nil, why, code
  end
  return start(id, ctx)
end

local function make(params, ctx)
  local from = params.startingPort
  local message, status
  for n = 1, ATTEMPTS do
    local ports, why, code = ctx.ports:reserve(from)
    if not ports then
      return nil, why, code
    end
    local instance = { username = params.username, keys = params.sshPublicKey, ports = ports, attempt = n }
    local made, conflict, existing
    made, message, status, conflict, existing = attempt(instance, ctx)
    if made or not conflict then
      return made, message, status, existing
    end
    ctx.log.warn("the ports were taken meanwhile: trying the next", { user = params.username, port = ports.ssh })
    local removed, reason, reason_code = ctx.instances:discard(instance)
    if not removed then
      return nil, reason, reason_code
    end
    from = ports.ssh + 3
  end
  return nil, "the ports were taken by others " .. ATTEMPTS .. " times in a row: " .. message, 503
end

return {
  params = { username = "username", sshPublicKey = "ssh-keys", startingPort = "port?" },
  limit = 4,
  run = function(params, ctx)
    local ok, message, status, existing = refuse_existing(params.username, ctx)
    if not ok then
      return nil, message, status, existing
    end
    ok, message, status = ctx.instances:admit(params.username, ctx)
    if not ok then
      return nil, message, status
    end
    ok, message, status = ctx.images:ensure(ctx.config.image, ctx.config.pull)
    if not ok then
      return nil, message, status
    end
    local instance
    instance, message, status, existing = make(params, ctx)
    if not instance then
      return nil, message, status, existing
    end
    return { containerId = instance.id, ports = instance.ports }, "Instance spawned successfully"
  end,
}
