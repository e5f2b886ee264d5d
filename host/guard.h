/* What stops a script that runs away: the watchdog of coroutines and the limit of the heap. */
#ifndef DOCKHOST_GUARD_H
#define DOCKHOST_GUARD_H

#include <stddef.h>

#include <lua.h>

/* The lua_Alloc of the state: counts, and refuses to grow past guard.limit_memory. */
void *guard_allocate(void *ud, void *block, size_t old_size, size_t new_size);

/* Tells the watchdog that `running` is what runs from now on: a coroutine that is about to be resumed, then
 * again the one that resumed it. */
void guard_running(lua_State *running);

/* lua_closethread, under its name of 5.4.0 to 5.4.5. */
int guard_close_thread(lua_State *co, lua_State *from);

#endif
