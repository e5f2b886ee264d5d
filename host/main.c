/* The program: opens a Lua state, hands it the primitives, runs host/boot.lua and closes. With HOST_LUA it is
 * an interpreter for scripts that need the primitives (spec/host). */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lualib.h>

#include "host.h"
#include "loop.h"
#include "memory.h"
#include "secrecy.h"

enum { EXIT_FAULT = 70 /* EX_SOFTWARE */ };

static const luaL_Reg primitives[] = {
    {"host.claim", luaopen_host_claim},
    {"host.file", luaopen_host_file},
    {"host.guard", luaopen_host_guard},
    {"host.http", luaopen_host_http},
    {"host.lan", luaopen_host_lan},
    {"host.log", luaopen_host_log},
    {"host.loop", luaopen_host_loop},
    {"host.output", luaopen_host_output},
    {"host.port", luaopen_host_port},
    {"host.process", luaopen_host_process},
    {"host.resolver", luaopen_host_resolver},
    {"host.server", luaopen_host_server},
    {"host.signal", luaopen_host_signal},
    {"host.tar", luaopen_host_tar},
    {"host.timer", luaopen_host_timer},
    {"host.watch", luaopen_host_watch},
    {"host.websocket", luaopen_host_websocket},
    {NULL, NULL},
};

struct program {
  int argc;
  char **argv;
};

static void main_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, primitives, 0);
  lua_pop(L, 1);
}

static void main_prepend_path(lua_State *L, const char *path) {
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s;", path);
  lua_getfield(L, -2, "path");
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* Sets `arg`: the element `first` of argv is arg[0]. */
static void main_arguments(lua_State *L, const struct program *program, int first) {
  lua_createtable(L, program->argc, 1);
  for (int i = 0; i < program->argc; i++) {
    lua_pushstring(L, program->argv[i]);
    lua_rawseti(L, -2, i - first);
  }
  lua_setglobal(L, "arg");
}

#ifdef HOST_LUA
/* Leaves the script and what it is called with. */
static int main_prepare(lua_State *L, const struct program *program) {
  if (program->argc < 2)
    return luaL_error(L, "usage: %s SCRIPT [ARGUMENT...]", program->argv[0]);
  main_prepend_path(L, "./lib/?.lua;./spec/support/?.lua");
  main_arguments(L, program, 1);
  if (luaL_loadfile(L, program->argv[1]) != LUA_OK)
    lua_error(L);
  for (int i = 2; i < program->argc; i++)
    lua_pushstring(L, program->argv[i]);
  return program->argc - 2;
}
#else
/* Pushes the directory of lib/, lua/ and host/boot.lua: the tree that the program was built in, or where it
 * is installed. */
static const char *main_share(lua_State *L) {
  char program[PATH_MAX] = "";
  if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
    luaL_error(L, "can't tell where the program is: is /proc mounted?");
  char *tree = dirname(dirname(program));
  const char *installed = lua_pushfstring(L, "%s/share/dockhost", tree);
  /* build/dockhost, or build/KIND/dockhost. */
  for (int level = 0; level < 2; level++, tree = dirname(tree))
    if (access(lua_pushfstring(L, "%s/host/boot.lua", tree), R_OK) == 0)
      return lua_pushstring(L, tree);
  return installed;
}

/* Leaves the boot script and its arguments: the share directory and `arg`. */
static int main_prepare(lua_State *L, const struct program *program) {
  const char *share = main_share(L);
  main_prepend_path(L, lua_pushfstring(L, "%s/lib/?.lua", share));
  main_arguments(L, program, 0);
  if (luaL_loadfile(L, lua_pushfstring(L, "%s/host/boot.lua", share)) != LUA_OK)
    lua_error(L);
  lua_pushstring(L, share);
  lua_getglobal(L, "arg");
  return 2;
}
#endif

/* (program) -> exit status or nothing */
static int main_body(lua_State *L) {
  const struct program *program = lua_touserdata(L, 1);
  luaL_openlibs(L);
  main_preload(L);
  lua_call(L, main_prepare(L, program), 1);
  return 1;
}

static int main_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static int main_run(lua_State *L, struct program *program) {
  lua_pushcfunction(L, main_traceback);
  lua_pushcfunction(L, main_body);
  lua_pushlightuserdata(L, program);
  if (lua_pcall(L, 1, 1, 1) == LUA_OK)
    return (int)lua_tointeger(L, -1);
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  return EXIT_FAULT;
}

int main(int argc, char **argv) {
#ifndef HOST_LUA
  secrecy_begin();
#endif
  signal(SIGPIPE, SIG_IGN);
  lua_State *L = lua_newstate(memory_allocate, NULL);
  int error = L ? loop_open(L) : ENOMEM;
  if (error) {
    fprintf(stderr, "%s: can't start: %s\n", argv[0], strerror(error));
    return EXIT_FAULT;
  }
  int status = main_run(L, &(struct program){argc, argv});
  lua_close(L);
  loop_close();
  return status;
}
