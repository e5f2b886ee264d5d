/* Sets up what a request sends: its method, headers and body. */
#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#include "http_options.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN LETTERS "0123456789!#$%&'*+-.^_`|~"
#define LONGEST_METHOD 32

static bool is_one_of(const char *name, const char *const *names) {
  while (*names && strcasecmp(name, *names) != 0)
    names++;
  return *names;
}

static CURLcode add_header(struct http_request *request, const char *line) {
  struct curl_slist *longer = curl_slist_append(request->headers, line);
  if (!longer)
    return CURLE_OUT_OF_MEMORY;
  request->headers = longer;
  return CURLE_OK;
}

/* The header at the top two slots. curl takes "Name;" for a header without a value. */
static CURLcode apply_header(lua_State *L, struct http_request *request) {
  static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Expect", NULL};
  size_t length;
  if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
    http_option_wrong(L, "headers", "are not all strings");
  const char *name = lua_tolstring(L, -2, &length);
  if (length == 0 || strspn(name, TOKEN) != length)
    http_option_wrong(L, "headers", "hold a name that no header can have");
  if (is_one_of(name, ours))
    http_option_wrong(L, "headers", lua_pushfstring(L, "hold %s, which the body decides", name));
  const char *value = lua_tolstring(L, -1, &length);
  if (strlen(value) != length || http_has_control(value, false))
    http_option_wrong(L, "headers", lua_pushfstring(L, "hold a control character in the value of %s", name));
  bool blank = value[strspn(value, " \t")] == '\0';
  const char *line = lua_pushfstring(L, blank ? "%s;" : "%s: %s", name, value);
  CURLcode result = add_header(request, line);
  lua_pop(L, 1);
  return result;
}

/* curl adds "Expect: 100-continue" to a larger body, a second's wait with servers that ignore it, and takes a
 * body without a type for a form, of which Docker extracts nothing. */
static CURLcode apply_headers(lua_State *L, struct http_request *request) {
  CURLcode result = add_header(request, "Expect:");
  if (!result)
    result = add_header(request, "Content-Type:");
  int type = lua_getfield(L, 1, "headers");
  if (type != LUA_TNIL && type != LUA_TTABLE)
    http_option_wrong(L, "headers", "is no table");
  if (type == LUA_TTABLE)
    for (lua_pushnil(L); !result && lua_next(L, -2); lua_pop(L, 1))
      result = apply_header(L, request);
  return result;
}

static CURLcode apply_text_body(struct http_request *request, const char *body, size_t size) {
  curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
  curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  return curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, body);
}

static CURLcode apply_streamed_body(struct http_request *request) {
  request->wanted |= HTTP_PULL;
  request->repeatable = false;
  curl_easy_setopt(request->easy, CURLOPT_UPLOAD, 1L);
  return add_header(request, "Transfer-Encoding: chunked");
}

/* A method that usually has a body says that there is none with "Content-Length: 0". */
static CURLcode apply_no_body(struct http_request *request, const char *method) {
  static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
  if (is_one_of(method, with_body))
    return apply_text_body(request, "", 0);
  if (strcmp(method, "HEAD") == 0)
    return curl_easy_setopt(request->easy, CURLOPT_NOBODY, 1L);
  return CURLE_OK;
}

/* The body at the top of the stack. */
static CURLcode apply_body(lua_State *L, struct http_request *request, const char *method) {
  size_t size;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 2, HTTP_BODY);
  switch (lua_type(L, -1)) {
  case LUA_TNIL:
    return apply_no_body(request, method);
  case LUA_TFUNCTION:
    return apply_streamed_body(request);
  default: {
    const char *text = lua_tolstring(L, -1, &size);
    return apply_text_body(request, text, size);
  }
  }
}

static CURLcode apply_method(lua_State *L, struct http_request *request) {
  static const char *const safe[] = {"GET", "HEAD", NULL};
  const char *method = http_option_string(L, 1, "method");
  if (method && (strspn(method, LETTERS) != strlen(method) || strlen(method) > LONGEST_METHOD))
    http_option_wrong(L, "method", "is no HTTP method");
  int type = lua_getfield(L, 1, "body");
  if (type != LUA_TNIL && type != LUA_TSTRING && type != LUA_TFUNCTION)
    http_option_wrong(L, "body", "is neither a string nor a function");
  if (!method)
    method = type == LUA_TNIL ? "GET" : "POST";
  if (type != LUA_TNIL && strcmp(method, "HEAD") == 0)
    http_option_wrong(L, "body", "can't go with HEAD");
  request->repeatable = is_one_of(method, safe);
  CURLcode result = apply_body(L, request, method);
  return result ? result : curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, method);
}

CURLcode http_message_apply(lua_State *L, struct http_request *request) {
  CURLcode result = apply_headers(L, request);
  if (!result)
    result = apply_method(L, request);
  return result ? result : curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}
