/* Reading a file and listing a directory, for file.c. */
#ifndef DOCKHOST_FILE_REQUEST_H
#define DOCKHOST_FILE_REQUEST_H

#include <lua.h>

/* (path, limit, fn) -> job | nil, message, code */
int file_read(lua_State *L);
/* (path, fn) -> job | nil, message, code */
int file_list(lua_State *L);

#endif
