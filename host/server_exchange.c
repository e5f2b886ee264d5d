/* One request and its answer, for Lua. The connection does not keep it alive: what Lua forgets is answered
 * when it is collected. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "host.h"
#include "server.h"

static const char EXCHANGE[] = "host.server.Exchange";

enum { HEAD = 1, BODY, ON_CLOSE, VALUES = ON_CLOSE }; /* user values of the handle */
enum { HEAD_ROOM = 512 };                             /* what the host's own part of a head takes at most */

static const char alive; /* key of a table, weak in its values: the handles by their address */

static void exchange_name_peer(struct server_exchange *exchange, int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  static const char mapped[] = "::ffff:";
  if (getpeername(fd, (struct sockaddr *)&address, &size) ||
      getnameinfo((struct sockaddr *)&address, size, exchange->peer, sizeof exchange->peer, NULL, 0,
                  NI_NUMERICHOST))
    exchange->peer[0] = '\0';
  if (strncmp(exchange->peer, mapped, sizeof mapped - 1) == 0 && strchr(exchange->peer, '.'))
    memmove(exchange->peer, exchange->peer + sizeof mapped - 1,
            strlen(exchange->peer + sizeof mapped - 1) + 1);
}

/* Pushes the handle of a request, which does not know of its connection yet. */
static struct server_exchange *exchange_new(lua_State *L, const struct server_connection *connection) {
  const struct server_request *request = &connection->request;
  struct server_exchange *exchange = lua_newuserdatauv(L, sizeof *exchange, VALUES);
  *exchange = (struct server_exchange){.request = *request};
  luaL_setmetatable(L, EXCHANGE);
  lua_pushlstring(L, connection->input, request->size);
  lua_setiuservalue(L, -2, HEAD);
  lua_pushlstring(L, connection->input + request->size, request->content_length);
  lua_setiuservalue(L, -2, BODY);
  host_push_anchor(L, &alive);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, exchange);
  lua_pop(L, 1);
  return exchange;
}

struct question {
  struct server_connection *connection;
  bool answered; /* on_request returned */
};

/* (question, on_request, exchange) */
static int exchange_call(lua_State *L) {
  struct question *question = lua_touserdata(L, 1);
  lua_call(L, 1, 0);
  question->answered = true;
  return 0;
}

static int exchange_push(lua_State *L, void *arg) {
  struct question *question = arg;
  struct server_connection *connection = question->connection;
  lua_pushcfunction(L, exchange_call);
  lua_pushlightuserdata(L, question);
  host_push_anchor(L, connection->server);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
  struct server_exchange *exchange = exchange_new(L, connection);
  exchange_name_peer(exchange, connection->source.fd);
  exchange->connection = connection;
  connection->exchange = exchange;
  server_consume(connection);
  return 3;
}

bool server_ask(struct server_connection *connection) {
  struct question question = {connection, false};
  bool asked = loop_enter(exchange_push, &question);
  if (asked && !question.answered && connection->exchange)
    server_abandon(connection, connection->exchange->state != EXCHANGE_NEW);
  return asked;
}

static int gone_push(lua_State *L, void *arg) {
  struct server_exchange *exchange = arg;
  host_push_anchor(L, &alive);
  lua_rawgetp(L, -1, exchange);
  bool called = lua_isuserdata(L, -1) && lua_getiuservalue(L, -1, ON_CLOSE) == LUA_TFUNCTION;
  exchange->connection->exchange = NULL;
  exchange->connection = NULL;
  return called ? 0 : -1;
}

bool server_tell_gone(struct server_exchange *exchange) {
  return loop_enter(gone_push, exchange);
}

static struct server_exchange *exchange_check(lua_State *L) {
  return luaL_checkudata(L, 1, EXCHANGE);
}

/* Pushes the head of the request. */
static const char *exchange_head(lua_State *L) {
  lua_getiuservalue(L, 1, HEAD);
  return lua_tostring(L, -1);
}

/* (exchange) -> text */
static int exchange_method(lua_State *L) {
  const struct server_exchange *exchange = exchange_check(L);
  lua_pushlstring(L, exchange_head(L), exchange->request.method_size);
  return 1;
}

/* (exchange) -> text */
static int exchange_target(lua_State *L) {
  const struct server_request *request = &exchange_check(L)->request;
  lua_pushlstring(L, exchange_head(L) + request->target, request->target_size);
  return 1;
}

/* Fields of one name are one list; cookies have a separator of their own. */
static int exchange_header(lua_State *L) {
  const struct server_exchange *exchange = exchange_check(L);
  const char *name = luaL_checkstring(L, 2), *head = exchange_head(L);
  size_t at = exchange->request.fields;
  struct server_field field;
  int found = 0;
  while (server_next_field(head, &exchange->request, &at, &field))
    if (server_is_named(&field, name)) {
      if (found++ > 0)
        lua_pushstring(L, strcmp(name, "cookie") == 0 ? "; " : ", ");
      lua_pushlstring(L, field.value, field.value_size);
      lua_concat(L, found > 1 ? 3 : 1);
    }
  if (found == 0)
    lua_pushnil(L);
  return 1;
}

/* (exchange) -> text */
static int exchange_body(lua_State *L) {
  exchange_check(L);
  lua_getiuservalue(L, 1, BODY);
  return 1;
}

/* (exchange) -> address */
static int exchange_peer(lua_State *L) {
  lua_pushstring(L, exchange_check(L)->peer);
  return 1;
}

static bool exchange_is_value(const char *value, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
      return false;
  return true;
}

/* Checks a header of the answer, on top of the stack as name and value. Returns its size in the head. */
static size_t exchange_check_header(lua_State *L) {
  size_t name_size, value_size;
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "bad headers (names and values are strings)");
  const char *name = lua_tolstring(L, -2, &name_size), *value = lua_tolstring(L, -1, &value_size);
  if (!server_is_token(name, name_size) || server_is_ours(name))
    luaL_error(L, "bad header '%s' (no name, or one that the host sets)", name);
  if (!exchange_is_value(value, value_size))
    luaL_error(L, "bad header '%s' (a control character)", name);
  return name_size + value_size + sizeof ": \r\n";
}

/* Checks the headers at 3, which may be none, and leaves a table. Returns their size in the head. */
static size_t exchange_check_headers(lua_State *L) {
  size_t size = 0;
  if (lua_isnil(L, 3)) {
    lua_newtable(L);
    lua_replace(L, 3);
  }
  luaL_checktype(L, 3, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
    size += exchange_check_header(L);
  return size;
}

static void exchange_put_headers(lua_State *L, struct server_output *output) {
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
    size_t name_size, value_size;
    const char *name = lua_tolstring(L, -2, &name_size), *value = lua_tolstring(L, -1, &value_size);
    server_put(output, name, name_size);
    server_put(output, ": ", 2);
    server_put(output, value, value_size);
    server_put(output, "\r\n", 2);
  }
  server_put(output, "\r\n", 2);
}

static bool exchange_is_bodiless(int status) {
  return status == 204 || status == 304;
}

static struct server_connection *exchange_connection(const struct server_exchange *exchange) {
  struct server_connection *connection = exchange->connection;
  return connection && connection->phase != SERVER_GONE ? connection : NULL;
}

static int exchange_closed(lua_State *L) {
  return host_fail(L, "closed", "the peer has gone");
}

/* Queues the head with the headers at 3 and leaves room for a body. */
static void exchange_begin(lua_State *L, struct server_connection *connection, int status,
                           enum server_framing framing, size_t size) {
  struct server_output *output = &connection->output;
  size_t room = HEAD_ROOM + exchange_check_headers(L) + size;
  if (!server_reserve(output, room))
    luaL_error(L, "not enough memory");
  server_put_head(connection, status, framing, size);
  exchange_put_headers(L, output);
}

static struct server_exchange *exchange_check_new(lua_State *L, int *status) {
  struct server_exchange *exchange = exchange_check(L);
  *status = (int)luaL_checkinteger(L, 2);
  luaL_argcheck(L, *status >= 200 && *status <= 599, 2, "no status of an answer");
  if (exchange->state != EXCHANGE_NEW)
    luaL_error(L, "it is answered already");
  lua_settop(L, 4);
  return exchange;
}

static void exchange_complete(struct server_exchange *exchange) {
  struct server_connection *connection = exchange->connection;
  exchange->state = EXCHANGE_ANSWERED;
  exchange->connection = NULL;
  connection->exchange = NULL;
  connection->answered = true;
  server_flush(connection);
}

/* (exchange, status, headers, body) -> true | nil, message, code */
static int exchange_respond(lua_State *L) {
  int status;
  size_t size;
  struct server_exchange *exchange = exchange_check_new(L, &status);
  struct server_connection *connection = exchange_connection(exchange);
  const char *body = luaL_optlstring(L, 4, "", &size);
  if (!connection)
    return exchange_closed(L);
  bool bodiless = exchange_is_bodiless(status);
  exchange_begin(L, connection, status, bodiless ? SERVER_BODILESS : SERVER_WHOLE, size);
  if (!bodiless && !exchange->request.head)
    server_put(&connection->output, body, size);
  exchange_complete(exchange);
  lua_pushboolean(L, true);
  return 1;
}

/* (exchange, status, headers) -> true | nil, message, code */
static int exchange_stream(lua_State *L) {
  int status;
  struct server_exchange *exchange = exchange_check_new(L, &status);
  struct server_connection *connection = exchange_connection(exchange);
  if (!connection)
    return exchange_closed(L);
  bool old = exchange->request.old, bodiless = exchange_is_bodiless(status);
  exchange->framing = bodiless ? SERVER_BODILESS : old ? SERVER_UNTIL_CLOSE : SERVER_CHUNKED;
  if (exchange->framing == SERVER_UNTIL_CLOSE)
    connection->request.keep = false;
  exchange_begin(L, connection, status, exchange->framing, 0);
  if (exchange->request.head)
    exchange->framing = SERVER_BODILESS;
  exchange->state = EXCHANGE_STREAMING;
  server_flush(connection);
  lua_pushboolean(L, true);
  return 1;
}

static void exchange_put(struct server_exchange *exchange, const char *data, size_t size) {
  struct server_output *output = &exchange->connection->output;
  bool chunked = exchange->framing == SERVER_CHUNKED;
  if (exchange->framing == SERVER_BODILESS || size == 0)
    return;
  if (chunked)
    server_print(output, "%zx\r\n", size);
  server_put(output, data, size);
  if (chunked)
    server_put(output, "\r\n", 2);
  server_flush(exchange->connection);
}

/* (exchange, chunk) -> true | nil, message, code */
static int exchange_write(lua_State *L) {
  struct server_exchange *exchange = exchange_check(L);
  struct server_connection *connection = exchange_connection(exchange);
  size_t size;
  const char *chunk = luaL_checklstring(L, 2, &size);
  if (!connection)
    return exchange_closed(L);
  if (exchange->state != EXCHANGE_STREAMING)
    return luaL_error(L, "there is no stream yet");
  if (connection->output.size > SERVER_WAITING_LIMIT)
    return host_fail(L, "full", "more than %d MiB wait to be sent", SERVER_WAITING_LIMIT >> 20);
  if (!server_reserve(&connection->output, size + HEAD_ROOM))
    return luaL_error(L, "not enough memory");
  exchange_put(exchange, chunk, size);
  lua_pushboolean(L, true);
  return 1;
}

/* (exchange) -> true | nil, message, code */
static int exchange_finish(lua_State *L) {
  struct server_exchange *exchange = exchange_check(L);
  struct server_connection *connection = exchange_connection(exchange);
  if (!connection)
    return exchange_closed(L);
  if (exchange->state != EXCHANGE_STREAMING)
    return luaL_error(L, "there is no stream yet");
  if (exchange->framing == SERVER_CHUNKED && !server_put(&connection->output, "0\r\n\r\n", 5))
    return luaL_error(L, "not enough memory");
  exchange_complete(exchange);
  lua_pushboolean(L, true);
  return 1;
}

/* (exchange) */
static int exchange_close(lua_State *L) {
  const struct server_exchange *exchange = exchange_check(L);
  if (exchange->connection)
    server_drop(exchange->connection);
  return 0;
}

/* (exchange, fn) */
static int exchange_on_close(lua_State *L) {
  exchange_check(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, ON_CLOSE);
  return 0;
}

static int exchange_collect(lua_State *L) {
  const struct server_exchange *exchange = exchange_check(L);
  if (exchange->connection)
    server_abandon(exchange->connection, exchange->state != EXCHANGE_NEW);
  return 0;
}

static const luaL_Reg exchange_methods[] = {
    {"method", exchange_method},
    {"target", exchange_target},
    {"header", exchange_header},
    {"body", exchange_body},
    {"peer", exchange_peer},
    {"respond", exchange_respond},
    {"stream", exchange_stream},
    {"write", exchange_write},
    {"finish", exchange_finish},
    {"close", exchange_close},
    {"on_close", exchange_on_close},
    {"__gc", exchange_collect},
    {NULL, NULL},
};

void server_exchange_open(lua_State *L) {
  host_metatable(L, EXCHANGE, exchange_methods);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushstring(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  host_anchor(L, -1, &alive);
  lua_pop(L, 1);
}
