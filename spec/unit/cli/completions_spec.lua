-- The completions and the manual page against what the command line takes.
local help = require("dockhost.cli.help")
local options = require("dockhost.options")
local syntax = require("dockhost.cli.syntax")

local function content(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- The options of a verb as they are written, without the short ones.
local function options_of(verb)
  local of, list = syntax.OF[verb], { "--env-file" }
  for _, kind in ipairs({ of.options or {}, of.flags or {} }) do
    for name in pairs(kind) do
      table.insert(list, name:sub(1, 2) == "--" and name or nil)
    end
  end
  table.sort(list)
  return list
end

-- What bash offers for a command line whose last word is still being written.
local function offered(...)
  local script = [[
    source packaging/completions/dockhost.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _dockhost "$1" "${@: -1}" "${@: -2:1}"
    printf '%s\n' "${COMPREPLY[@]}" | sort]]
  local words = {}
  for i, word in ipairs({ ... }) do
    words[i] = "'" .. word .. "'"
  end
  local pipe = io.popen("bash -c '" .. script:gsub("'", "'\\''") .. "' - " .. table.concat(words, " "))
  local list = {}
  for line in pipe:lines() do
    table.insert(list, line ~= "" and line or nil)
  end
  pipe:close()
  return list
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("bash", function()
  it("offers the verbs", function()
    local verbs = table.move(syntax.VERBS, 1, #syntax.VERBS, 1, {})
    table.insert(verbs, "--help")
    table.insert(verbs, "--version")
    -- In the locale's order, which is not Lua's.
    assert.same(sorted(verbs), sorted(offered("dockhost", "")))
    assert.same({ "check" }, offered("dockhost", "ch"))
  end)

  for _, verb in ipairs(syntax.VERBS) do
    it("offers the options of " .. verb, function()
      assert.same(options_of(verb), sorted(offered("dockhost", verb, "--")))
    end)
  end

  it("offers directories where scripts are meant, and kinds", function()
    for _, line in ipairs({ { "run" }, { "check", "--json" }, { "call", "x", "--scripts" }, { "new", "job", "x" } }) do
      table.insert(line, 1, "dockhost")
      table.insert(line, "spec/unit/cl")
      assert.same({ "spec/unit/cli" }, offered(table.unpack(line)))
    end
    assert.same({ "command", "hook", "job" }, offered("dockhost", "new", ""))
    assert.same({}, offered("dockhost", "logs", "--tail", ""))
  end)
end)

describe("zsh", function()
  local text = content("packaging/completions/_dockhost")
  -- What is written for a verb, with what its lists of options stand for.
  local function written(verb)
    for names, body in text:gmatch("\n        ([%w |]+)%)(.-);;") do
      if (" " .. names .. " "):find(" " .. verb .. " ", 1, true) then
        return body:gsub("%$env_file", "--env-file"):gsub("%$json", "--json"):gsub("%$follow", "--follow")
      end
    end
  end

  for _, verb in ipairs(syntax.VERBS) do
    it("offers " .. verb .. " and its options", function()
      assert.truthy(text:find("'" .. verb .. ":", 1, true))
      local body, found = assert(written(verb), verb), {}
      for option in body:gmatch("%-%-[%l-]+") do
        table.insert(found, option)
      end
      assert.same(options_of(verb), sorted(found))
    end)
  end
end)

describe("the manual page", function()
  local text = content("packaging/man/dockhost.1"):gsub("\\%-", "-")
  local synopsis = text:match("%.Sh SYNOPSIS(.-)%.Sh DESCRIPTION")

  for _, verb in ipairs(syntax.VERBS) do
    it("has " .. verb .. " and its options", function()
      assert.truthy(text:find("\n.It Cm " .. verb .. "\n", 1, true))
      local found = { "--env-file" }
      for option in assert((synopsis .. ".Nm\n"):match("\n%.Cm " .. verb .. "\n(.-)%.Nm\n")):gmatch("Fl (%-[%l-]+)") do
        table.insert(found, "-" .. option)
      end
      assert.same(options_of(verb), sorted(found))
    end)
  end

  it("has every setting, in order", function()
    local found = {}
    for name in text:match("%.Sh ENVIRONMENT(.-)%.Sh FILES"):gmatch("\n%.It Ev (%S+)") do
      table.insert(found, name)
    end
    local names = {}
    for i, option in ipairs(options) do
      names[i] = option.name
    end
    assert.same(names, found)
  end)
end)

describe("--help", function()
  for _, verb in ipairs(syntax.VERBS) do
    it("has " .. verb .. " and its options", function()
      local found, usages = { "--env-file" }, ""
      for usage in help:gmatch("\n  dockhost " .. verb .. "%f[^%w][^\n]*") do
        usages = usages .. usage:gsub("   .*", "")
      end
      for option in usages:gmatch("%[?(%-%-[%l-]+)") do
        table.insert(found, option)
      end
      local wanted = options_of(verb)
      for _, option in ipairs(wanted) do
        assert.truthy(table.concat(found, " "):find(option, 1, true), option .. " in " .. usages)
      end
    end)
  end
end)
