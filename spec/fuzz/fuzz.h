#ifndef DOCKHOST_FUZZ_H
#define DOCKHOST_FUZZ_H

#include "door.h"

int luaopen_fuzz_client(lua_State *L);
int luaopen_fuzz_peer(lua_State *L);

#endif
