/* Websocket connections for Lua. */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "websocket.h"

static const char SOCKET[] = "host.websocket.Socket";

enum { QUEUE_LIMIT = 8 * 1024 * 1024 };
enum { ON_OPEN = 1, ON_MESSAGE, ON_CLOSE, CALLBACKS = ON_CLOSE }; /* user values of the handle */

struct handle {
  struct websocket *ws; /* NULL once it is closed */
};

static int opened_push(lua_State *L, void *arg) {
  host_push_anchor(L, ((struct websocket *)arg)->handle);
  lua_getiuservalue(L, -1, ON_OPEN);
  return 0;
}

bool websocket_opened(struct websocket *ws) {
  return loop_enter(opened_push, ws);
}

struct received {
  struct websocket *ws;
  const char *data;
  size_t size;
  bool binary;
};

static int received_push(lua_State *L, void *arg) {
  const struct received *received = arg;
  host_push_anchor(L, received->ws->handle);
  lua_getiuservalue(L, -1, ON_MESSAGE);
  lua_pushlstring(L, received->data ? received->data : "", received->size);
  lua_pushboolean(L, received->binary);
  return 2;
}

bool websocket_received(struct websocket *ws, const char *data, size_t size, bool binary) {
  struct received received = {ws, data, size, binary};
  return loop_enter(received_push, &received);
}

static void socket_let_go(lua_State *L, struct handle *handle) {
  struct websocket *ws = handle->ws;
  handle->ws = NULL;
  host_release(L, handle);
  websocket_abandon(ws);
}

static int ended_push(lua_State *L, void *arg) {
  struct websocket *ws = arg;
  struct handle *handle = ws->handle;
  host_push_anchor(L, handle);
  lua_getiuservalue(L, -1, ON_CLOSE);
  lua_pushstring(L, ws->message);
  lua_pushstring(L, ws->code);
  socket_let_go(L, handle);
  return 2;
}

static void socket_ended(struct loop_timer *timer) {
  if (!loop_enter(ended_push, timer))
    loop_timer_start(timer, LOOP_RETRY_SECONDS);
}

void websocket_tell(struct websocket *ws) {
  ws->timer.fire = socket_ended;
  loop_timer_start(&ws->timer, 0);
}

static int option_get(lua_State *L, const char *name, int type) {
  if (lua_getfield(L, 1, name) != type)
    return luaL_error(L, "bad option '%s' (%s expected, got %s)", name, lua_typename(L, type),
                      luaL_typename(L, -1));
  return lua_gettop(L);
}

/* A text that goes into the head of the request, where a space or a control character would end it. */
static const char *option_string(lua_State *L, const char *name) {
  size_t length;
  const char *text = lua_tolstring(L, option_get(L, name, LUA_TSTRING), &length);
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
      luaL_error(L, "bad option '%s' (it holds a space or a control character)", name);
  return text;
}

static lua_Number option_number(lua_State *L, const char *name) {
  return lua_tonumber(L, option_get(L, name, LUA_TNUMBER));
}

static lua_Integer option_integer(lua_State *L, const char *name, lua_Integer least, lua_Integer most) {
  int is_integer;
  lua_Integer value = lua_tointegerx(L, option_get(L, name, LUA_TNUMBER), &is_integer);
  if (!is_integer || value < least || value > most)
    luaL_error(L, "bad option '%s' (out of range)", name);
  return value;
}

static bool option_tls(lua_State *L) {
  lua_getfield(L, 1, "tls");
  return lua_toboolean(L, -1);
}

/* The handle on top of the stack takes the function that the option names. */
static void option_callback(lua_State *L, int handle, const char *name, int place) {
  lua_pushvalue(L, option_get(L, name, LUA_TFUNCTION));
  lua_setiuservalue(L, handle, place);
}

static bool socket_is_literal(const char *host) {
  return strchr(host, ':') != NULL;
}

/* Pushes the Host header: an IPv6 address in brackets, the port unless it is the usual one. */
static const char *socket_host_header(lua_State *L, const struct websocket *ws) {
  const char *format = socket_is_literal(ws->host) && ws->host[0] != '[' ? "[%s]" : "%s";
  const char *host = lua_pushfstring(L, format, ws->host);
  return ws->port == (ws->tls ? 443 : 80) ? host : lua_pushfstring(L, "%s:%d", host, ws->port);
}

static bool socket_address(struct websocket *ws, const char *address) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
  char port[16];
  snprintf(port, sizeof port, "%d", ws->port);
  if (getaddrinfo(address, port, &hints, &found))
    return false;
  memcpy(&ws->address, found->ai_addr, found->ai_addrlen);
  ws->address_size = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

/* Pushes a handle that owns a websocket which nothing is connected to yet. */
static struct websocket *socket_new(lua_State *L) {
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, CALLBACKS);
  *handle = (struct handle){0};
  luaL_setmetatable(L, SOCKET);
  int top = lua_gettop(L);
  option_callback(L, top, "on_open", ON_OPEN);
  option_callback(L, top, "on_message", ON_MESSAGE);
  option_callback(L, top, "on_close", ON_CLOSE);
  lua_settop(L, top);
  handle->ws = calloc(1, sizeof *handle->ws);
  if (!handle->ws)
    luaL_error(L, "not enough memory");
  handle->ws->handle = handle;
  return handle->ws;
}

/* (options) -> socket | nil, message, code */
static int websocket_open(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct websocket_request request = {.address = option_string(L, "address"),
                                      .path = option_string(L, "path")};
  const char *host = option_string(L, "host");
  double timeout = option_number(L, "timeout");
  size_t limit = (size_t)option_integer(L, "limit", 0, LUA_MAXINTEGER);
  int port = (int)option_integer(L, "port", 1, UINT16_MAX);
  bool tls = option_tls(L);
  struct websocket *ws = socket_new(L);
  int handle = lua_gettop(L);
  ws->port = port;
  ws->limit = limit;
  ws->tls = tls;
  ws->host = strdup(host);
  if (!ws->host)
    return luaL_error(L, "not enough memory");
  if (!socket_address(ws, request.address))
    return host_fail(L, "connect", "%s is not a numeric address", request.address);
  if (tls && socket_is_literal(host))
    return host_fail(L, "tls", "a certificate can't be verified for the IPv6 address %s: use a name", host);
  request.host = socket_host_header(L, ws);
  host_anchor(L, handle, ws->handle);
  websocket_connect(ws, &request, timeout);
  lua_settop(L, handle);
  return 1;
}

static struct websocket *socket_check(lua_State *L) {
  return ((struct handle *)luaL_checkudata(L, 1, SOCKET))->ws;
}

/* (socket, data, binary) -> true | nil, message, code */
static int socket_send(lua_State *L) {
  struct websocket *ws = socket_check(L);
  size_t size;
  const char *data = luaL_checklstring(L, 2, &size);
  if (!ws || ws->state > WEBSOCKET_OPEN)
    return host_fail(L, "closed", "the connection is closed");
  if (ws->outbox.held + ws->outbox.in_flight + size > QUEUE_LIMIT)
    return host_fail(L, "full", "more than %d MiB wait to be sent", QUEUE_LIMIT >> 20);
  if (websocket_queue(&ws->outbox, data, size, lua_toboolean(L, 3)))
    return luaL_error(L, "not enough memory");
  websocket_flush(ws);
  lua_pushboolean(L, true);
  return 1;
}

/* (socket) -> bytes */
static int socket_pending(lua_State *L) {
  const struct websocket *ws = socket_check(L);
  lua_pushinteger(L, ws ? (lua_Integer)(ws->outbox.queued + ws->outbox.in_flight) : 0);
  return 1;
}

/* (socket) -> seconds | nil */
static int socket_latency(lua_State *L) {
  const struct websocket *ws = socket_check(L);
  struct tcp_info info;
  socklen_t size = sizeof info;
  bool open = ws && ws->wsi && ws->state == WEBSOCKET_OPEN;
  if (open && getsockopt(lws_get_socket_fd(ws->wsi), IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
    lua_pushnumber(L, info.tcpi_rtt * 1e-6);
  else
    lua_pushnil(L);
  return 1;
}

/* (socket) */
static int socket_abort(lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, SOCKET);
  if (handle->ws)
    socket_let_go(L, handle);
  return 0;
}

/* (socket) */
static int socket_close(lua_State *L) {
  struct websocket *ws = socket_check(L);
  if (ws && ws->state == WEBSOCKET_CONNECTING)
    return socket_abort(L);
  if (ws && ws->state == WEBSOCKET_OPEN)
    websocket_shut(ws);
  return 0;
}

static const luaL_Reg socket_methods[] = {
    {"send", socket_send},       {"pending", socket_pending},
    {"latency", socket_latency}, {"close", socket_close},
    {"abort", socket_abort},     {"__gc", socket_abort},
    {"__close", socket_close},   {NULL, NULL},
};

static const luaL_Reg websocket_functions[] = {{"connect", websocket_open}, {NULL, NULL}};

int luaopen_host_websocket(lua_State *L) {
  host_metatable(L, SOCKET, socket_methods);
  luaL_newlib(L, websocket_functions);
  return 1;
}
