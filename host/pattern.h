/* The standard library's functions that match patterns, made to heed the watchdog. */
#ifndef DOCKHOST_PATTERN_H
#define DOCKHOST_PATTERN_H

#include <lua.h>

/* Puts find, match, gmatch and gsub in the place of the standard library's. */
void pattern_replace(lua_State *L);

#endif
