/* The options of host.http's request. */
#ifndef DOCKHOST_HTTP_OPTIONS_H
#define DOCKHOST_HTTP_OPTIONS_H

#include <lua.h>

#include "http_request.h"

/* The user values of a request: what it calls, and what must live as long as it does. */
enum http_value { HTTP_ON_HEAD = 1, HTTP_ON_DATA, HTTP_ON_DONE, HTTP_BODY, HTTP_CHUNK };
#define HTTP_VALUES HTTP_CHUNK

/* Applies the table at 1 to the request, whose userdata is at 2; raises an error for wrong arguments. */
CURLcode http_options_apply(lua_State *L, struct http_request *request);
/* The part of it that http_message.c does. */
CURLcode http_message_apply(lua_State *L, struct http_request *request);

/* Raises an error for the option `field`. */
int http_option_wrong(lua_State *L, const char *field, const char *problem);
/* Pushes the field of the table at `table` and returns it; NULL when it is nil. */
const char *http_option_string(lua_State *L, int table, const char *field);
/* Whether there is a control character in a text; tabs and spaces count on demand. */
bool http_has_control(const char *text, bool spaces_too);

#endif
