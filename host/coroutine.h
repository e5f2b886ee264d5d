/* The standard library's ways to run a coroutine, made known to the watchdog. */
#ifndef DOCKHOST_COROUTINE_H
#define DOCKHOST_COROUTINE_H

#include <lua.h>

/* Moves `nargs` values to `co` and resumes it. Leaves its results on L and returns their number, or leaves an
 * error and returns -1. It never raises one: that would jump over the end of the watchdog's slice. */
int coroutine_continue(lua_State *L, lua_State *co, int nargs);

/* Puts resume, wrap and close in the place of the standard library's. */
void coroutine_replace(lua_State *L);

#endif
