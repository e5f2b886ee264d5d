/* What the primitives share: the error triple and the anchors that keep an active handle alive. */
#ifndef DOCKHOST_HOST_H
#define DOCKHOST_HOST_H

#include <lauxlib.h>
#include <lua.h>

/* Pushes `nil, message, code` for an expected failure and returns 3. `code` is a short constant word;
 * `format` has the conversions of lua_pushfstring. */
int host_fail(lua_State *L, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a system call's errno, which the caller saved before any Lua call; the code is its name. */
int host_fail_errno(lua_State *L, int error, const char *what);

/* Keeps the value at `index` alive under the address `key` until host_release. */
void host_anchor(lua_State *L, int index, const void *key);
/* Pushes what host_anchor kept under `key`, or nil. */
void host_push_anchor(lua_State *L, const void *key);
void host_release(lua_State *L, const void *key);

/* Registers the metatable of a handle: its methods, which are also its __index. */
void host_metatable(lua_State *L, const char *name, const luaL_Reg *methods);

/* The openers: each file of a primitive ends with its own. */
int luaopen_host_claim(lua_State *L);
int luaopen_host_file(lua_State *L);
int luaopen_host_guard(lua_State *L);
int luaopen_host_http(lua_State *L);
int luaopen_host_lan(lua_State *L);
int luaopen_host_log(lua_State *L);
int luaopen_host_loop(lua_State *L);
int luaopen_host_output(lua_State *L);
int luaopen_host_port(lua_State *L);
int luaopen_host_process(lua_State *L);
int luaopen_host_resolver(lua_State *L);
int luaopen_host_server(lua_State *L);
int luaopen_host_signal(lua_State *L);
int luaopen_host_tar(lua_State *L);
int luaopen_host_timer(lua_State *L);
int luaopen_host_watch(lua_State *L);
int luaopen_host_websocket(lua_State *L);

/* The state that callbacks run on: the main thread, whichever coroutine made the call. */
lua_State *host_main_state(lua_State *L);

#endif
