/* What coroutine.c and the watchdog have to do with each other. */
#ifndef DOCKHOST_GUARD_H
#define DOCKHOST_GUARD_H

#include <lua.h>

/* Tells the watchdog that `running` is what runs from now on: a coroutine that is about to be resumed, then
 * again the one that resumed it. */
void guard_running(lua_State *running);

/* A text that Lua keeps ready: to push it can't fail, and raised it calls no message handler. */
#define GUARD_NO_MEMORY "not enough memory"

/* lua_closethread, under its name of 5.4.0 to 5.4.5. */
int guard_close_thread(lua_State *co, lua_State *from);

#endif
