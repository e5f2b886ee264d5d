/* What the primitives share: the error triple and the anchors that keep an active handle alive. */
#include "host.h"

#include <stdarg.h>
#include <string.h>

int host_fail(lua_State *L, const char *code, const char *format, ...) {
  va_list args;
  lua_pushnil(L);
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_pushstring(L, code);
  return 3;
}

int host_fail_errno(lua_State *L, int error, const char *what) {
  const char *name = strerrorname_np(error);
  return host_fail(L, name ? name : "EUNKNOWN", "%s: %s", what, strerror(error));
}

void host_anchor(lua_State *L, int index, const void *key) {
  lua_pushvalue(L, index);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void host_push_anchor(lua_State *L, const void *key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
}

void host_release(lua_State *L, const void *key) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void host_metatable(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

lua_State *host_main_state(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main_state = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main_state;
}
