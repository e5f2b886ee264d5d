/* Timers for Lua: each calls one function, once. */
#include <math.h>

#include "host.h"
#include "loop.h"

static const char TIMER[] = "host.timer.Timer";

struct timer {
  struct loop_timer clock; /* first: it is the timer */
};

static int timer_push(lua_State *L, void *arg) {
  host_push_anchor(L, arg);
  host_release(L, arg);
  lua_getiuservalue(L, -1, 1);
  return 0;
}

static void timer_fire(struct loop_timer *clock) {
  if (!loop_enter(timer_push, clock))
    loop_timer_start(clock, LOOP_RETRY_SECONDS);
}

/* (seconds, fn) -> timer */
static int timer_start(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, !isnan(seconds), 1, "not a number of seconds");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct timer *timer = lua_newuserdatauv(L, sizeof *timer, 1);
  *timer = (struct timer){.clock.fire = timer_fire};
  luaL_setmetatable(L, TIMER);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  host_anchor(L, -1, timer);
  if (loop_timer_start(&timer->clock, seconds)) {
    host_release(L, timer);
    return luaL_error(L, "not enough memory");
  }
  return 1;
}

/* (timer) */
static int timer_close(lua_State *L) {
  struct timer *timer = luaL_checkudata(L, 1, TIMER);
  if (timer->clock.position) {
    loop_timer_stop(&timer->clock);
    host_release(L, timer);
  }
  return 0;
}

static const luaL_Reg timer_methods[] = {
    {"close", timer_close}, {"__close", timer_close}, {"__gc", timer_close}, {NULL, NULL}};

static const luaL_Reg timer_functions[] = {{"start", timer_start}, {NULL, NULL}};

int luaopen_host_timer(lua_State *L) {
  host_metatable(L, TIMER, timer_methods);
  luaL_newlib(L, timer_functions);
  return 1;
}
