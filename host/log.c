/* Writes lines to stderr and never blocks: what a full pipe can't take is dropped, and counted. */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

enum { CHUNK = 4096 }; /* what a pipe that polls as writable takes whole (PIPE_BUF) */

static unsigned long dropped, dropped_ever;
static bool torn; /* the last line was cut off: its newline is still owed */

static bool log_chunk(const char *text, size_t length) {
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
    return false;
  return write(STDERR_FILENO, text, length) == (ssize_t)length;
}

static bool log_put(const char *text, size_t length) {
  for (size_t at = 0; at < length; at += CHUNK) {
    size_t rest = length - at;
    if (!log_chunk(text + at, rest < CHUNK ? rest : CHUNK)) {
      torn = torn || at > 0;
      return false;
    }
  }
  return true;
}

/* Pays what is owed to the reader before the next line. */
static bool log_catch_up(void) {
  char notice[64];
  if (!dropped)
    return true;
  int length = snprintf(notice, sizeof notice, "%s%lu line%s dropped\n", torn ? "\n" : "", dropped,
                        dropped == 1 ? "" : "s");
  if (!log_chunk(notice, (size_t)length))
    return false;
  dropped = 0;
  torn = false;
  return true;
}

/* (line) */
static int log_write(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushliteral(L, "\n");
  lua_concat(L, 2);
  size_t length;
  const char *line = lua_tolstring(L, 1, &length);
  if (!log_catch_up() || !log_put(line, length))
    dropped++, dropped_ever++;
  return 0;
}

/* () -> integer */
static int log_dropped(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)dropped_ever);
  return 1;
}

static const luaL_Reg log_functions[] = {{"write", log_write}, {"dropped", log_dropped}, {NULL, NULL}};

int luaopen_host_log(lua_State *L) {
  luaL_newlib(L, log_functions);
  return 1;
}
