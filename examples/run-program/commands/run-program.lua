-- Runs a program inside a user's container: { username, command: ["ls", "-l"] }. What it prints goes to the main server
-- as it comes, as events "program-output" { username, run, stream, text }; the reply has the exit code.
--
-- To adapt: change the time that a program gets, or allow certain programs only by a look at params.command[1].
local SECONDS = 60
-- What `timeout` exits with.
local TOO_LONG, KILLED = 124, 137
-- A character that may go on in the next piece of output.
local CUT = "^(.-)([\xC2-\xF4][\x80-\xBF]?[\x80-\xBF]?)$"

return {
  params = { username = "username", command = "table" },
  run = function(params, ctx)
    for i = 1, math.max(1, #params.command) do
      if type(params.command[i]) ~= "string" then
        return nil, "command: must be a list of texts", 400
      end
    end
    local instance, message, status = ctx.containers:of_user(params.username)
    if not instance then
      return nil, message, status
    end
    local rest, lost = { stdout = "", stderr = "" }, 0
    local function send(text, stream)
      local event = { username = params.username, run = ctx.id, stream = stream, text = text }
      if text ~= "" and not ctx.emit("program-output", event) then
        lost = lost + #text
      end
    end
    local code, why, failed = ctx.exec(instance.id, {
      -- A program that its command does not wait for goes on, so it has an end of its own.
      cmd = { "timeout", "--kill-after=5", tostring(SECONDS), table.unpack(params.command) },
      on_output = function(text, stream)
        text = rest[stream] .. text
        local whole, cut = text:match(CUT)
        rest[stream] = cut or ""
        send(whole or text, stream)
      end,
    })
    for stream, text in pairs(rest) do
      send(text, stream)
    end
    if not code then
      return nil, why, failed
    elseif code == TOO_LONG or code == KILLED then
      return nil, "it did not end within " .. SECONDS .. " s", 504
    end
    return { run = ctx.id, exitCode = code, lostBytes = lost }, "exit code " .. code
  end,
}
