/* The watchdog, for what runs Lua and for what keeps it waiting. */
#ifndef DOCKHOST_GUARD_H
#define DOCKHOST_GUARD_H

#include <lua.h>

/* Tells the watchdog that `running` is what runs from now on: a coroutine that is about to be resumed, then
 * again the one that resumed it. */
void guard_running(lua_State *running);

/* For C functions that may take long, where no hook runs: raises an error when the time is over. */
void guard_check(lua_State *L);

/* A text that Lua keeps ready: to push it can't fail, and raised it calls no message handler. */
#define GUARD_NO_MEMORY "not enough memory"

/* lua_closethread, under its name of 5.4.0 to 5.4.5. */
int guard_close_thread(lua_State *co, lua_State *from);

#endif
