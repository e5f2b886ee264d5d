-- The pure Lua half of dockhost: its protocol, Docker client and command logic, for scripts and specs elsewhere.
rockspec_format = "3.0"
package = "dockhost"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/dockhost/dockhost.git",
  tag = "v0.1.0",
}
description = {
  summary = "The worker node of DockHost: one SSH-reachable container per user on the local Docker Engine",
  detailed = [[
    The libraries of the dockhost worker: Engine.IO 4 and Socket.IO 5 as pure codecs and state machines, a Docker
    Engine API client, and the commands' policy. They do no I/O of their own; the dockhost program gives it to them.
  ]],
  homepage = "https://github.com/dockhost/dockhost",
  license = "MIT",
}
dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson >= 2.1.0",
}
build = {
  type = "make",
  build_pass = false,
  build_variables = { CFLAGS = "$(CFLAGS)" },
  install_target = "install-rock",
  install_variables = { LUADIR = "$(LUADIR)" },
}
