/* Reads the options of a request: whom to ask, how, and for how long. */
#include "http_options.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "http_trust.h"

#define DEFAULT_CONNECT_TIMEOUT 10.0
#define DEFAULT_LIMIT (16 << 20)
#define LONGEST_TIMEOUT 1e6

int http_option_wrong(lua_State *L, const char *field, const char *problem) {
  return luaL_argerror(L, 1, lua_pushfstring(L, "%s %s", field, problem));
}

const char *http_option_string(lua_State *L, int table, const char *field) {
  size_t length;
  int type = lua_getfield(L, table, field);
  if (type == LUA_TNIL)
    return NULL;
  if (type != LUA_TSTRING)
    http_option_wrong(L, field, "is no string");
  const char *text = lua_tolstring(L, -1, &length);
  if (length == 0 || strlen(text) != length)
    http_option_wrong(L, field, "is empty or holds a zero byte");
  return text;
}

bool http_has_control(const char *text, bool spaces_too) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
    if ((*c < ' ' && *c != '\t') || *c == 0x7f || (spaces_too && (*c == ' ' || *c == '\t')))
      return true;
  return false;
}

static double option_seconds(lua_State *L, const char *field, double missing) {
  double seconds = missing;
  if (lua_getfield(L, 1, field) != LUA_TNIL) {
    seconds = lua_tonumber(L, -1);
    if (!(seconds > 0 && seconds <= LONGEST_TIMEOUT))
      http_option_wrong(L, field, "is no number of seconds above 0");
  }
  lua_pop(L, 1);
  return seconds;
}

static bool option_boolean(lua_State *L, int table, const char *field, bool missing) {
  int type = lua_getfield(L, table, field);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    http_option_wrong(L, field, "is no boolean");
  bool value = type == LUA_TNIL ? missing : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static void option_callback(lua_State *L, struct http_request *request, const char *field,
                            enum http_value value, unsigned event) {
  int type = lua_getfield(L, 1, field);
  if (type == LUA_TFUNCTION)
    request->wanted |= event;
  else if (type != LUA_TNIL || event == HTTP_DONE)
    http_option_wrong(L, field, "is no function");
  lua_setiuservalue(L, 2, value);
}

static void apply_callbacks(lua_State *L, struct http_request *request) {
  option_callback(L, request, "on_head", HTTP_ON_HEAD, HTTP_HEAD);
  option_callback(L, request, "on_data", HTTP_ON_DATA, HTTP_DATA);
  option_callback(L, request, "on_done", HTTP_ON_DONE, HTTP_DONE);
}

/* Names the peer for messages: the authority of the URL without its user. */
static void name_peer(struct http_request *request, const char *url) {
  const char *scheme = strstr(url, "://");
  const char *start = scheme ? scheme + 3 : url;
  size_t length = strcspn(start, "/?#");
  const char *user = memrchr(start, '@', length);
  if (user) {
    length -= (size_t)(user + 1 - start);
    start = user + 1;
  }
  snprintf(request->peer, sizeof request->peer, "%.*s", (int)length, start);
}

static CURLcode apply_socket(lua_State *L, struct http_request *request) {
  const char *path = http_option_string(L, 1, "unix_socket");
  if (!path)
    return CURLE_OK;
  if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
    http_option_wrong(L, "unix_socket", "is longer than the path of a socket can be");
  snprintf(request->peer, sizeof request->peer, "%s", path);
  return curl_easy_setopt(request->easy, CURLOPT_UNIX_SOCKET_PATH, path);
}

static CURLcode apply_url(lua_State *L, struct http_request *request) {
  const char *url = http_option_string(L, 1, "url");
  if (!url || http_has_control(url, true)) {
    http_option_wrong(L, "url", "is missing or holds a space or a control character");
    return CURLE_URL_MALFORMAT;
  }
  name_peer(request, url);
  CURLcode result = curl_easy_setopt(request->easy, CURLOPT_URL, url);
  return result ? result : apply_socket(L, request);
}

static void apply_limits(lua_State *L, struct http_request *request) {
  request->connect_timeout = option_seconds(L, "connect_timeout", DEFAULT_CONNECT_TIMEOUT);
  request->timeout = option_seconds(L, "timeout", 0);
  request->idle_timeout = option_seconds(L, "idle_timeout", 0);
  int is_integer = 1;
  lua_Integer limit = DEFAULT_LIMIT;
  if (lua_getfield(L, 1, "limit") != LUA_TNIL)
    limit = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || limit < 0)
    http_option_wrong(L, "limit", "is no number of bytes");
  lua_pop(L, 1);
  request->limit = (size_t)limit;
}

static CURLcode apply_tls(lua_State *L, struct http_request *request) {
  const char *url = http_option_string(L, 1, "url");
  bool secure = url && strncasecmp(url, "https:", 6) == 0;
  int type = lua_getfield(L, 1, "tls");
  if (type == LUA_TNIL)
    return secure ? http_trust(request->easy, NULL) : CURLE_OK;
  if (type != LUA_TTABLE)
    http_option_wrong(L, "tls", "is no table");
  int table = lua_gettop(L);
  long verify = option_boolean(L, table, "verify", true);
  const char *cert = http_option_string(L, table, "cert");
  const char *key = http_option_string(L, table, "key");
  curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYPEER, verify);
  curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  CURLcode result = curl_easy_setopt(request->easy, CURLOPT_SSLCERT, cert);
  if (!result)
    result = curl_easy_setopt(request->easy, CURLOPT_SSLKEY, key);
  return result || !secure ? result : http_trust(request->easy, http_option_string(L, table, "ca"));
}

static CURLcode apply_protocols(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static CURLcode apply_transport(lua_State *L, struct http_request *request) {
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  /* With the kernel's nine probes a peer that fell silent is found dead within 33 s. */
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 2L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  if (!option_boolean(L, 1, "proxy", false) && curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"))
    return CURLE_OUT_OF_MEMORY;
  return apply_protocols(easy);
}

CURLcode http_options_apply(lua_State *L, struct http_request *request) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  apply_callbacks(L, request);
  apply_limits(L, request);
  CURLcode result = apply_transport(L, request);
  if (!result)
    result = apply_url(L, request);
  if (!result)
    result = apply_tls(L, request);
  return result ? result : http_message_apply(L, request);
}
