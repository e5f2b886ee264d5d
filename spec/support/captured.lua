-- Catches what a function prints: captured.run(fn, …) -> what fn returned, { stdout = text, stderr = text }
local captured = {}

local function sink()
  local parts = {}
  local file = {}
  function file.write(self, ...)
    table.insert(parts, table.concat({ ... }))
    return self
  end
  function file.flush(self)
    return self
  end
  return file, parts
end

function captured.run(fn, ...)
  local stdout, stderr = io.stdout, io.stderr
  local out, out_parts = sink()
  local err, err_parts = sink()
  rawset(io, "stdout", out)
  rawset(io, "stderr", err)
  local results = table.pack(pcall(fn, ...))
  rawset(io, "stdout", stdout)
  rawset(io, "stderr", stderr)
  if not results[1] then
    error(results[2], 0)
  end
  return results[2], { stdout = table.concat(out_parts), stderr = table.concat(err_parts) }
end

return captured
