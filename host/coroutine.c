/* coroutine.resume, wrap and close as lcorolib.c has them, except that they tell the watchdog which coroutine
 * runs: else a script could run away in a coroutine of its own, where no hook would find it. */
#include "coroutine.h"

#include <stdbool.h>

#include <lauxlib.h>

#include "guard.h"

int coroutine_continue(lua_State *L, lua_State *co, int nargs) {
  int results;
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, GUARD_NO_MEMORY);
    return -1;
  }
  lua_xmove(L, co, nargs);
  guard_running(co);
  int status = lua_resume(co, L, nargs, &results);
  guard_running(L);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, GUARD_NO_MEMORY);
    return -1;
  }
  lua_xmove(co, L, results);
  return results;
}

static lua_State *coroutine_check(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

/* (co, ...) -> true, ... | false, error */
static int coroutine_resume(lua_State *L) {
  lua_State *co = coroutine_check(L);
  int results = coroutine_continue(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0);
  if (results < 0)
    results = 1;
  lua_insert(L, -results - 1);
  return results + 1;
}

static int coroutine_close_other(lua_State *L, lua_State *co) {
  guard_running(co);
  int status = guard_close_thread(co, L);
  guard_running(L);
  return status;
}

/* (...) -> ... */
static int coroutine_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int results = coroutine_continue(L, co, lua_gettop(L));
  if (results >= 0)
    return results;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = coroutine_close_other(L, co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* (fn) -> function */
static int coroutine_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, coroutine_wrapped, 1);
  return 1;
}

/* (co) -> true | false, error */
static int coroutine_close(lua_State *L) {
  lua_State *co = coroutine_check(L);
  lua_Debug at;
  if (co == L || (lua_status(co) == LUA_OK && lua_getstack(co, 0, &at)))
    return luaL_error(L, "cannot close a running coroutine");
  if (coroutine_close_other(L, co) == LUA_OK) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_pushboolean(L, false);
  lua_xmove(co, L, 1);
  return 2;
}

static const luaL_Reg coroutine_functions[] = {
    {"resume", coroutine_resume}, {"wrap", coroutine_wrap}, {"close", coroutine_close}, {NULL, NULL}};

void coroutine_replace(lua_State *L) {
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, coroutine_functions, 0);
  lua_pop(L, 1);
}
