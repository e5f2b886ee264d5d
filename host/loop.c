/* The one event loop. libwebsockets waits; its context owns a single raw descriptor of ours, an epoll
 * instance, which in turn holds every other source. */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "door.h"
#include "histogram.h"
#include "host.h"
#include "lwslog.h"
#include "timers.h"

enum { BATCH = 32, DESCRIPTORS = 256, LWS_PATIENCE = 600 /* seconds; our own timers are shorter */ };

static struct lws_context *context;
static int epoll_fd = -1;
static bool running, stopping;

static double turn_began; /* 0 while the loop waits */
static struct histogram turns;

/* What epoll_wait reported and is not yet delivered: a source that is removed leaves it too. */
static struct epoll_event batch[BATCH];
static int batch_next, batch_count;

static double loop_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double loop_now(void) {
  return loop_clock(CLOCK_MONOTONIC);
}

int loop_add(struct loop_source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event) ? errno : 0;
}

int loop_modify(struct loop_source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, source->fd, &event) ? errno : 0;
}

void loop_remove(struct loop_source *source) {
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
  for (int i = batch_next; i < batch_count; i++)
    if (batch[i].data.ptr == source)
      batch[i].data.ptr = NULL;
}

void loop_begin_turn(void) {
  if (turn_began == 0)
    turn_began = loop_now();
}

static void loop_end_turn(void) {
  if (turn_began > 0)
    histogram_note(&turns, loop_now() - turn_began);
  turn_began = 0;
}

/* A stop leaves the rest of the batch to the next run: the descriptors stay ready. */
static void loop_dispatch(void) {
  loop_begin_turn();
  batch_count = epoll_wait(epoll_fd, batch, BATCH, 0);
  for (batch_next = 0; batch_next < batch_count && !stopping;) {
    struct epoll_event event = batch[batch_next++];
    struct loop_source *source = event.data.ptr;
    if (source)
      source->ready(source, event.events);
  }
  batch_next = batch_count = 0;
}

bool loop_stopping(void) {
  return stopping;
}

static int raw_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  (void)wsi, (void)user, (void)in, (void)len;
  if (reason == LWS_CALLBACK_RAW_RX_FILE)
    loop_dispatch();
  return 0;
}

static const struct lws_protocols raw_protocols[] = {{.name = "loop", .callback = raw_callback}, {0}};

/* lws closes what it adopts: it gets a duplicate. */
static bool context_adopt(void) {
  struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .vhost_name = "loop"};
  info.protocols = raw_protocols;
  struct lws_vhost *vhost = lws_create_vhost(context, &info);
  if (!vhost)
    return false;
  lws_sock_file_fd_type fd = {.filefd = fcntl(epoll_fd, F_DUPFD_CLOEXEC, 0)};
  return fd.filefd >= 0 && lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "loop", NULL);
}

struct lws_context *loop_context(void) {
  if (context)
    return context;
  lwslog_catch();
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .gid = (gid_t)-1,
      .uid = (uid_t)-1,
      .fd_limit_per_thread = DESCRIPTORS,
      .timeout_secs = LWS_PATIENCE,
      .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
  };
  context = lws_create_context(&info);
  if (context && !context_adopt()) {
    lws_context_destroy(context);
    context = NULL;
  }
  return context;
}

int loop_open(lua_State *L) {
  door_open(L);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  return epoll_fd < 0 ? errno : timers_open();
}

void loop_close(void) {
  door_close();
  if (context)
    lws_context_destroy(context);
  context = NULL;
  timers_close();
  close(epoll_fd);
}

/* () -> true | nil, message, code. A stop that came before the run ends it at once. */
static int loop_run(lua_State *L) {
  if (running)
    return luaL_error(L, "the loop runs already");
  if (!loop_context())
    return host_fail(L, "ENOMEM", "the event loop can't start: %s", lwslog_last());
  running = true;
  bool works = true;
  while (works && !stopping) {
    works = lws_service(context, 0) >= 0;
    loop_end_turn();
  }
  running = stopping = false;
  if (!works)
    return host_fail(L, "EIO", "the event loop failed: %s", lwslog_last());
  lua_pushboolean(L, true);
  return 1;
}

/* () */
static int loop_stop(lua_State *L) {
  (void)L;
  stopping = true;
  return 0;
}

/* () -> seconds */
static int loop_monotonic(lua_State *L) {
  lua_pushnumber(L, loop_now());
  return 1;
}

/* () -> seconds */
static int loop_time(lua_State *L) {
  lua_pushnumber(L, loop_clock(CLOCK_REALTIME));
  return 1;
}

/* () -> histogram */
static int loop_lag(lua_State *L) {
  histogram_push(L, timers_lateness());
  return 1;
}

/* () -> histogram */
static int loop_turns(lua_State *L) {
  histogram_push(L, &turns);
  return 1;
}

/* (handler) */
static int loop_on_error(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  door_on_error(L, 1);
  return 0;
}

static const luaL_Reg loop_functions[] = {
    {"run", loop_run}, {"stop", loop_stop},   {"now", loop_monotonic},     {"time", loop_time},
    {"lag", loop_lag}, {"turns", loop_turns}, {"on_error", loop_on_error}, {NULL, NULL},
};

int luaopen_host_loop(lua_State *L) {
  luaL_newlib(L, loop_functions);
  return 1;
}
