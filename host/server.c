/* HTTP servers for Lua. */
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "host.h"
#include "server.h"

static const char SERVER[] = "host.server.Server";

enum { ON_REQUEST = 1 }; /* user value of the handle; server_exchange.c calls it */
enum { MOST_CONNECTIONS = 1024, MOST_BODY = 64 * 1024 * 1024 };

static int option_get(lua_State *L, const char *name, int type) {
  if (lua_getfield(L, 1, name) != type)
    return luaL_error(L, "bad option '%s' (%s expected, got %s)", name, lua_typename(L, type),
                      luaL_typename(L, -1));
  return lua_gettop(L);
}

static lua_Integer option_integer(lua_State *L, const char *name, lua_Integer least, lua_Integer most) {
  int is_integer;
  lua_Integer value = lua_tointegerx(L, option_get(L, name, LUA_TNUMBER), &is_integer);
  if (!is_integer || value < least || value > most)
    luaL_error(L, "bad option '%s' (out of range)", name);
  return value;
}

static double option_seconds(lua_State *L, const char *name) {
  double value = lua_tonumber(L, option_get(L, name, LUA_TNUMBER));
  if (!isfinite(value) || value <= 0)
    luaL_error(L, "bad option '%s' (out of range)", name);
  return value;
}

static int server_fail(lua_State *L, int error, const char *host, int port) {
  switch (error) {
  case EADDRINUSE:
    return host_fail(L, "in-use", "port %d of %s is in use", port, host);
  case EACCES:
    return host_fail(L, "denied", "this user may not listen on port %d of %s", port, host);
  case EADDRNOTAVAIL:
    return host_fail(L, "address", "%s is no address of this machine", host);
  default:
    return host_fail_errno(L, error, lua_pushfstring(L, "can't listen on port %d of %s", port, host));
  }
}

/* (options) -> server | nil, message, code */
static int server_listen(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  const char *host = lua_tostring(L, option_get(L, "host", LUA_TSTRING));
  int port = (int)option_integer(L, "port", 0, UINT16_MAX);
  struct server *server = lua_newuserdatauv(L, sizeof *server, 1);
  int handle = lua_gettop(L);
  *server = (struct server){.source.fd = -1};
  luaL_setmetatable(L, SERVER);
  server->limit = (size_t)option_integer(L, "limit", 0, MOST_BODY);
  server->most = (int)option_integer(L, "most", 1, MOST_CONNECTIONS);
  server->timeout = option_seconds(L, "timeout");
  server->idle = option_seconds(L, "idle");
  lua_pushvalue(L, option_get(L, "on_request", LUA_TFUNCTION));
  lua_setiuservalue(L, handle, ON_REQUEST);
  int error = server_open(server, host, port);
  if (error)
    return server_fail(L, error, host, port);
  host_anchor(L, handle, server);
  lua_settop(L, handle);
  return 1;
}

static struct server *server_check(lua_State *L) {
  return luaL_checkudata(L, 1, SERVER);
}

/* (server) -> port */
static int server_tell_port(lua_State *L) {
  lua_pushinteger(L, server_port(server_check(L)));
  return 1;
}

/* (server) */
static int server_close(lua_State *L) {
  struct server *server = server_check(L);
  server_shut(server);
  host_release(L, server);
  return 0;
}

static const luaL_Reg server_methods[] = {
    {"port", server_tell_port},
    {"close", server_close},
    {"__gc", server_close},
    {"__close", server_close},
    {NULL, NULL},
};

static const luaL_Reg server_functions[] = {{"listen", server_listen}, {NULL, NULL}};

int luaopen_host_server(lua_State *L) {
  host_metatable(L, SERVER, server_methods);
  server_exchange_open(L);
  luaL_newlib(L, server_functions);
  return 1;
}
