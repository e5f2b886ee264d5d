/* Hands to Lua what requests have ready, once curl's work is done: the head, data, then the end. */
#include <lauxlib.h>
#include <string.h>

#include "host.h"
#include "http_options.h"
#include "http_request.h"

static void push_value(lua_State *L, const struct http_request *request, enum http_value value) {
  host_push_anchor(L, request);
  lua_getiuservalue(L, -1, value);
  lua_remove(L, -2);
}

static void push_lower_case(lua_State *L, const char *text, size_t length) {
  luaL_Buffer buffer;
  char *lower = luaL_buffinitsize(L, &buffer, length);
  for (size_t i = 0; i < length; i++)
    lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
  luaL_pushresultsize(&buffer, length);
}

static void push_trimmed(lua_State *L, const char *text, const char *end) {
  while (text < end && strchr(" \t", *text))
    text++;
  while (text < end && strchr(" \t\r\n", end[-1]))
    end--;
  lua_pushlstring(L, text, (size_t)(end - text));
}

/* Adds one header line to the table on top; a repeated header is joined by commas. */
static void add_header(lua_State *L, const char *line, const char *end) {
  const char *colon = memchr(line, ':', (size_t)(end - line));
  if (!colon)
    return;
  push_lower_case(L, line, (size_t)(colon - line));
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TNIL) {
    lua_pop(L, 1);
    push_trimmed(L, colon + 1, end);
  } else {
    lua_pushliteral(L, ", ");
    push_trimmed(L, colon + 1, end);
    lua_concat(L, 3);
  }
  lua_rawset(L, -3);
}

static void push_headers(lua_State *L, const struct http_buffer *head) {
  lua_newtable(L);
  if (head->size == 0)
    return;
  const char *line = head->bytes, *end = head->bytes + head->size;
  while (line < end) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    const char *next = newline ? newline + 1 : end;
    add_header(L, line, next);
    line = next;
  }
}

static int push_head(lua_State *L, void *arg) {
  const struct http_request *request = arg;
  push_value(L, request, HTTP_ON_HEAD);
  lua_pushinteger(L, request->status);
  push_headers(L, &request->head);
  return 2;
}

static int push_data(lua_State *L, void *arg) {
  struct http_request *request = arg;
  push_value(L, request, HTTP_ON_DATA);
  lua_pushlstring(L, request->body.bytes, request->body.size);
  request->body.size = 0;
  return 1;
}

static void push_answer(lua_State *L, const struct http_request *request) {
  lua_pushinteger(L, request->status);
  push_headers(L, &request->head);
  if (request->wanted & HTTP_DATA)
    lua_pushnil(L);
  else
    lua_pushlstring(L, request->body.bytes, request->body.size);
}

static void push_failure(lua_State *L, const struct http_request *request) {
  lua_pushnil(L);
  lua_pushstring(L, request->message);
  lua_pushstring(L, request->code);
}

/* The request is over before its end is told, so that its connection serves what the callback starts. */
static int push_done(lua_State *L, void *arg) {
  struct http_request *request = arg;
  push_value(L, request, HTTP_ON_DONE);
  if (request->code)
    push_failure(L, request);
  else
    push_answer(L, request);
  http_request_dispose(request);
  host_release(L, request);
  return 3;
}

/* (request). It counts as failed until the body function has returned: an error in it ends the request. */
static int deliver_pull(lua_State *L) {
  struct http_request *request = lua_touserdata(L, 1);
  http_request_fail(request, "protocol", "the body of the request to %s could not be produced",
                    request->peer);
  lua_getiuservalue(L, 1, HTTP_BODY);
  lua_call(L, 0, 1);
  if (!request->easy)
    return 0;
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    return luaL_error(L, "a body function returned a %s", luaL_typename(L, -1));
  request->code = NULL;
  http_request_forget(request, HTTP_DONE);
  request->body_ended = lua_isnil(L, -1);
  request->chunk = lua_tolstring(L, -1, &request->chunk_size);
  lua_setiuservalue(L, 1, HTTP_CHUNK);
  curl_easy_pause(request->easy, CURLPAUSE_CONT);
  return 0;
}

static int push_pull(lua_State *L, void *arg) {
  lua_pushcfunction(L, deliver_pull);
  host_push_anchor(L, arg);
  return 1;
}

/* Forgets the events first, for the callback may free the request. False when there is no memory even for the
 * failure, which is kept. */
static bool deliver(struct http_request *request, unsigned events, int (*push)(lua_State *L, void *arg)) {
  bool failed = request->code;
  http_request_forget(request, events);
  if (loop_enter(push, request))
    return true;
  http_request_fail(request, "too-large", "no memory for the answer of %s", request->peer);
  return !failed;
}

static bool deliver_next(struct http_request *request) {
  if (request->events & HTTP_HEAD)
    return deliver(request, HTTP_HEAD, push_head);
  if (request->events & HTTP_DATA)
    return deliver(request, HTTP_DATA, push_data);
  if (request->events & HTTP_DONE)
    return deliver(request, HTTP_DONE | HTTP_PULL, push_done);
  return deliver(request, HTTP_PULL, push_pull);
}

static void deliver_rest(struct loop_timer *timer) {
  (void)timer;
  http_deliver();
}

static struct loop_timer rest = {.fire = deliver_rest};

void http_deliver_soon(void) {
  if (http_request_next())
    loop_timer_start(&rest, 0);
}

void http_deliver(void) {
  struct http_request *request;
  bool fed = true;
  while (fed && !loop_stopping() && (request = http_request_next()))
    fed = deliver_next(request);
  if (http_request_next())
    loop_timer_start(&rest, fed ? 0 : LOOP_RETRY_SECONDS);
}
