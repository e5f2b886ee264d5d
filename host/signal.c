/* Signals: a handler notes the arrival and pokes an eventfd, the loop calls what listens. Handlers rather
 * than a signalfd: a mask would have to be in place before any library starts a thread, and stay in children.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host.h"
#include "loop.h"

static const char SIGNAL[] = "host.signal.Signal";

struct listener {
  int number; /* 0 once it is closed */
  bool due;   /* to be called in this delivery */
  struct listener *next;
};

static const char *const names[] = {"TERM", "INT", "HUP", "USR1", "USR2", NULL};
static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

static volatile sig_atomic_t arrived[NSIG];
static struct sigaction before[NSIG]; /* what to restore when the last listener of a signal leaves */
static struct listener *listeners;

static void signal_ready(struct loop_source *source, uint32_t events);
static struct loop_source arrival = {-1, signal_ready};

static void signal_arrive(int number) {
  int saved = errno;
  arrived[number] = 1;
  eventfd_write(arrival.fd, 1);
  errno = saved;
}

static int signal_push(lua_State *L, void *arg) {
  host_push_anchor(L, arg);
  lua_getiuservalue(L, -1, 1);
  return 0;
}

static struct listener *signal_next_due(void) {
  struct listener *listener = listeners;
  while (listener && !listener->due)
    listener = listener->next;
  return listener;
}

/* The note is taken down before it is acted on: what arrives meanwhile comes in the next turn. */
static void signal_collect(void) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (!arrived[numbers[i]])
      continue;
    arrived[numbers[i]] = 0;
    for (struct listener *listener = listeners; listener; listener = listener->next)
      listener->due = listener->due || listener->number == numbers[i];
  }
}

static void signal_wake(struct loop_timer *timer) {
  (void)timer;
  eventfd_write(arrival.fd, 1);
}

/* False when there was no memory to call it: that is for later. */
static bool signal_tell(struct listener *listener) {
  static struct loop_timer again = {.fire = signal_wake};
  listener->due = false;
  if (loop_enter(signal_push, listener))
    return true;
  listener->due = true;
  loop_timer_start(&again, LOOP_RETRY_SECONDS);
  return false;
}

/* A callback may close any listener, so the search starts anew after each. */
static void signal_ready(struct loop_source *source, uint32_t events) {
  eventfd_t count;
  (void)events;
  eventfd_read(source->fd, &count);
  signal_collect();
  for (struct listener *listener; !loop_stopping() && (listener = signal_next_due());)
    if (!signal_tell(listener))
      return;
  if (loop_stopping())
    eventfd_write(source->fd, 1);
}

static int signal_open(void) {
  if (arrival.fd >= 0)
    return 0;
  arrival.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return arrival.fd < 0 ? errno : loop_add(&arrival, EPOLLIN);
}

static bool signal_heard(int number) {
  for (struct listener *listener = listeners; listener; listener = listener->next)
    if (listener->number == number)
      return true;
  return false;
}

static int signal_install(int number) {
  struct sigaction action = {.sa_handler = signal_arrive, .sa_flags = SA_RESTART};
  int error = signal_open();
  if (error)
    return error;
  return sigaction(number, &action, &before[number]) ? errno : 0;
}

/* (name, fn) -> signal | nil, message, code */
static int signal_on(lua_State *L) {
  int number = numbers[luaL_checkoption(L, 1, NULL, names)];
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct listener *listener = lua_newuserdatauv(L, sizeof *listener, 1);
  *listener = (struct listener){0};
  luaL_setmetatable(L, SIGNAL);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  int error = signal_heard(number) ? 0 : signal_install(number);
  if (error)
    return host_fail_errno(L, error, "can't listen for the signal");
  host_anchor(L, -1, listener);
  *listener = (struct listener){.number = number, .next = listeners};
  listeners = listener;
  return 1;
}

static void signal_unlink(const struct listener *listener) {
  struct listener **link = &listeners;
  while (*link != listener)
    link = &(*link)->next;
  *link = listener->next;
}

/* (signal) */
static int signal_close(lua_State *L) {
  struct listener *listener = luaL_checkudata(L, 1, SIGNAL);
  int number = listener->number;
  if (!number)
    return 0;
  listener->number = 0;
  signal_unlink(listener);
  if (!signal_heard(number))
    sigaction(number, &before[number], NULL);
  host_release(L, listener);
  return 0;
}

static const luaL_Reg signal_methods[] = {
    {"close", signal_close}, {"__close", signal_close}, {"__gc", signal_close}, {NULL, NULL}};

static const luaL_Reg signal_functions[] = {{"on", signal_on}, {NULL, NULL}};

int luaopen_host_signal(lua_State *L) {
  host_metatable(L, SIGNAL, signal_methods);
  luaL_newlib(L, signal_functions);
  return 1;
}
