/* What loop.c does to the protected door whose use loop.h describes. */
#ifndef DOCKHOST_DOOR_H
#define DOCKHOST_DOOR_H

#include <lua.h>

void door_open(lua_State *L);
/* From here on nothing is called: the state is gone. */
void door_close(void);
void door_on_error(lua_State *L, int handler);

#endif
