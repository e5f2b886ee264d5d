/* Watches a directory with inotify. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host.h"
#include "loop.h"

static const char WATCH[] = "host.watch.Watch";

enum { CHANGES = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE, ENDS = IN_DELETE_SELF | IN_MOVE_SELF };

struct watch {
  struct loop_source source; /* first: it is the watch; its fd is -1 once it is closed */
};

static void watch_tell(lua_State *L, const struct inotify_event *event) {
  lua_getiuservalue(L, -1, 1);
  if (event->len)
    lua_pushstring(L, event->name);
  else
    lua_pushnil(L);
  loop_call(L, 1);
}

/* The handle stays on the stack, so that a callback which closes it can't have it collected meanwhile. */
static int watch_deliver(lua_State *L, void *arg) {
  const struct watch *watch = arg;
  _Alignas(struct inotify_event) char buffer[4096];
  ssize_t length = read(watch->source.fd, buffer, sizeof buffer);
  host_push_anchor(L, watch);
  for (ssize_t at = 0; at < length && watch->source.fd >= 0;) {
    const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
    if (!(event->mask & IN_IGNORED))
      watch_tell(L, event);
    at += (ssize_t)(sizeof *event + event->len);
  }
  return -1;
}

static void watch_ready(struct loop_source *source, uint32_t events) {
  (void)events;
  loop_enter(watch_deliver, source);
}

static int watch_open(struct watch *watch, const char *directory) {
  watch->source.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watch->source.fd < 0 ||
      inotify_add_watch(watch->source.fd, directory, CHANGES | ENDS | IN_ONLYDIR | IN_EXCL_UNLINK) < 0)
    return errno;
  return loop_add(&watch->source, EPOLLIN);
}

static void watch_end(struct watch *watch) {
  if (watch->source.fd < 0)
    return;
  loop_remove(&watch->source);
  close(watch->source.fd);
  watch->source.fd = -1;
}

/* (directory, fn) -> watch | nil, message, code. A failure closes at once: inotify has few instances for a
 * user. */
static int watch_start(lua_State *L) {
  const char *directory = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct watch *watch = lua_newuserdatauv(L, sizeof *watch, 1);
  *watch = (struct watch){{-1, watch_ready}};
  luaL_setmetatable(L, WATCH);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  int error = watch_open(watch, directory);
  if (error) {
    watch_end(watch);
    return host_fail_errno(L, error, lua_pushfstring(L, "can't watch %s", directory));
  }
  host_anchor(L, -1, watch);
  return 1;
}

/* (watch) */
static int watch_close(lua_State *L) {
  struct watch *watch = luaL_checkudata(L, 1, WATCH);
  if (watch->source.fd >= 0) {
    watch_end(watch);
    host_release(L, watch);
  }
  return 0;
}

static const luaL_Reg watch_methods[] = {
    {"close", watch_close}, {"__close", watch_close}, {"__gc", watch_close}, {NULL, NULL}};

static const luaL_Reg watch_functions[] = {{"start", watch_start}, {NULL, NULL}};

int luaopen_host_watch(lua_State *L) {
  host_metatable(L, WATCH, watch_methods);
  luaL_newlib(L, watch_functions);
  return 1;
}
