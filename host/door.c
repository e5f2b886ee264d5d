/* The only way from a library's callback into Lua: no error may leave it, for it would jump over frames of
 * libwebsockets or libcurl. */
#include "door.h"

#include <stdio.h>

#include "host.h"
#include "loop.h"

static lua_State *state; /* the main state */

void door_open(lua_State *L) {
  state = host_main_state(L);
}

void door_close(void) {
  state = NULL;
}

void door_on_error(lua_State *L, int handler) {
  host_anchor(L, handler, &state);
}

static int door_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Where the handler can't: one line, whatever the message holds. */
static void door_print(const char *message) {
  char line[512];
  snprintf(line, sizeof line, "%s", message);
  for (char *c = line; *c; c++)
    if (*c < ' ' || *c > '~')
      *c = ' ';
  fprintf(stderr, "%s\n", line);
}

/* Takes an error from the top of the stack. */
static void door_report(lua_State *L) {
  host_push_anchor(L, &state);
  if (lua_isfunction(L, -1)) {
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
      lua_pop(L, 1);
      return;
    }
  }
  const char *message = lua_tostring(L, -2);
  door_print(message ? message : "an error that is no text");
  lua_pop(L, 2);
}

void loop_call(lua_State *L, int nargs) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, door_traceback);
  lua_insert(L, base);
  if (lua_pcall(L, nargs, 0, base) != LUA_OK)
    door_report(L);
  lua_remove(L, base);
}

struct door_call {
  int (*push)(lua_State *L, void *arg);
  void *arg;
  bool pushed;
};

static int door_body(lua_State *L) {
  struct door_call *call = lua_touserdata(L, 1);
  int nargs = call->push(L, call->arg);
  call->pushed = true;
  if (nargs >= 0)
    loop_call(L, nargs);
  return 0;
}

bool loop_enter(int (*push)(lua_State *L, void *arg), void *arg) {
  struct door_call call = {push, arg, false};
  if (!state || !lua_checkstack(state, LUA_MINSTACK))
    return false;
  loop_begin_turn();
  lua_pushcfunction(state, door_body);
  lua_pushlightuserdata(state, &call);
  if (lua_pcall(state, 1, 0, 0) != LUA_OK)
    door_report(state);
  return call.pushed;
}
