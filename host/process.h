/* The parts of host.process that have files of their own. */
#ifndef DOCKHOST_PROCESS_H
#define DOCKHOST_PROCESS_H

#include <lua.h>

int process_figures(lua_State *L);
int process_libraries(lua_State *L);
int process_notify(lua_State *L);

#endif
