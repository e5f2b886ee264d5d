/* host.http: requests through libcurl, on the loop. */
#include <string.h>

#include "host.h"
#include "http_multi.h"
#include "http_options.h"
#include "http_request.h"

#define HTTP_REQUEST "host.http.Request"

static const struct http_multi_events http_events = {http_request_finished, http_request_unwatched,
                                                     http_deliver};
/* Its address names the value in the registry that closes curl with the state. */
static const char http_closer;

static int http_shut(lua_State *L) {
  (void)L;
  http_multi_close();
  return 0;
}

/* The closer exists before any request, so Lua collects it after them all. */
static CURLcode http_open(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &http_closer) != LUA_TNIL) {
    lua_pop(L, 1);
    return CURLE_OK;
  }
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, http_shut);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  CURLcode result = http_multi_open(&http_events);
  if (!result)
    lua_rawsetp(L, LUA_REGISTRYINDEX, &http_closer);
  return result;
}

/* Pushes a closed request. */
static struct http_request *http_new(lua_State *L) {
  struct http_request *request = lua_newuserdatauv(L, sizeof *request, HTTP_VALUES);
  memset(request, 0, sizeof *request);
  luaL_setmetatable(L, HTTP_REQUEST);
  return request;
}

static CURLcode http_prepare(lua_State *L, struct http_request *request) {
  request->easy = curl_easy_init();
  if (!request->easy)
    return CURLE_OUT_OF_MEMORY;
  CURLcode result = http_options_apply(L, request);
  return result ? result : http_request_attach(request);
}

/* The anchor comes first: once curl has the request, nothing may fail any more. */
static CURLcode http_start(lua_State *L, struct http_request *request) {
  host_anchor(L, 2, request);
  if (http_request_start(request) != 0 || http_multi_add(request->easy) != CURLM_OK)
    return CURLE_OUT_OF_MEMORY;
  request->added = true;
  return CURLE_OK;
}

static int http_close(lua_State *L) {
  struct http_request *request = luaL_checkudata(L, 1, HTTP_REQUEST);
  if (!request->easy)
    return 0;
  http_request_dispose(request);
  host_release(L, request);
  return 0;
}

/* (request, boolean) */
static int http_hold(lua_State *L) {
  struct http_request *request = luaL_checkudata(L, 1, HTTP_REQUEST);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  http_request_hold(request, lua_toboolean(L, 2));
  return 0;
}

/* (options) -> request | nil, message, code */
static int http_request(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  CURLcode result = http_open(L);
  lua_settop(L, 1);
  struct http_request *request = http_new(L);
  if (!result)
    result = http_prepare(L, request);
  if (!result)
    result = http_start(L, request);
  lua_settop(L, 2);
  if (!result)
    return 1;
  http_request_dispose(request);
  host_release(L, request);
  return host_fail(L, "protocol", "can't start an HTTP request: %s", curl_easy_strerror(result));
}

static const luaL_Reg http_request_methods[] = {
    {"close", http_close}, {"hold", http_hold}, {"__gc", http_close}, {"__close", http_close}, {NULL, NULL}};

static const luaL_Reg http_functions[] = {{"request", http_request}, {NULL, NULL}};

int luaopen_host_http(lua_State *L) {
  host_metatable(L, HTTP_REQUEST, http_request_methods);
  luaL_newlib(L, http_functions);
  return 1;
}
