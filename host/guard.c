/* The watchdog: a POSIX timer whose signal sets a hook on the coroutine that runs too long. The hook yields,
 * which no pcall can catch; where Lua can't yield it raises, at every instruction until somebody gives up. */
#include "guard.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "coroutine.h"
#include "host.h"
#include "memory.h"
#include "pattern.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define STOPPED "stopped: it ran %f s without yielding"

/* One guarded resume; they nest. */
struct slice {
  lua_State *volatile running; /* the coroutine in question, or one that it resumed in turn */
  double seconds, deadline;
  volatile sig_atomic_t expired;
  bool closing; /* what runs are __close metamethods: they can't yield */
  lua_State *stopped;
  char where[LUA_IDSIZE + 16]; /* "file:line: " of the last stop */
  struct slice *outer;
};

static struct slice *volatile current;
static timer_t alarm_clock;
/* When the timer goes off; 0 when it does not. It is left running between slices: a process that does nothing
 * spends no time on its processor, so it is not woken. */
static volatile double armed;

/* Processor time, of this thread: on a machine that is busy with other things a script is not to blame. */
static double guard_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A nanosecond may be lost here, and is forgiven in guard_expire. */
static void guard_arm(double deadline) {
  struct itimerspec at = {0};
  at.it_value.tv_sec = (time_t)deadline;
  at.it_value.tv_nsec = (long)((deadline - floor(deadline)) * 1e9);
  armed = deadline;
  timer_settime(alarm_clock, TIMER_ABSTIME, &at, NULL);
}

int guard_close_thread(lua_State *co, lua_State *from) {
#if LUA_VERSION_RELEASE_NUM >= 50406
  return lua_closethread(co, from);
#else
  (void)from;
  return lua_resetthread(co);
#endif
}

static void slice_note(struct slice *slice, const lua_Debug *at) {
  snprintf(slice->where, sizeof slice->where, "%s:%d: ", at->short_src, at->currentline);
}

void guard_check(lua_State *L) {
  struct slice *slice = current;
  lua_Debug at;
  if (!slice || !slice->expired)
    return;
  if (lua_getstack(L, 1, &at) && lua_getinfo(L, "Sl", &at))
    slice_note(slice, &at);
  lua_pushliteral(L, GUARD_NO_MEMORY);
  lua_error(L);
}

static void guard_hook(lua_State *L, lua_Debug *at) {
  struct slice *slice = current;
  if (!slice || !slice->expired) {
    lua_sethook(L, NULL, 0, 0); /* left over from a slice that has ended */
    return;
  }
  lua_getinfo(L, "Sl", at);
  slice_note(slice, at);
  if (lua_isyieldable(L) && !slice->closing) {
    slice->stopped = L;
    lua_yield(L, 0);
    return;
  }
  /* Another error would have an xpcall's message handler run inside this hook, where no hook stops it. */
  lua_pushliteral(L, GUARD_NO_MEMORY);
  lua_error(L);
}

static void guard_stop(lua_State *L) {
  lua_sethook(L, guard_hook, LUA_MASKCOUNT, 1);
}

static void guard_expire(int number) {
  int saved = errno;
  (void)number;
  struct slice *slice = current;
  armed = 0;
  if (slice && guard_now() >= slice->deadline - 1e-6) {
    slice->expired = true;
    guard_stop(slice->running);
  } else if (slice) {
    guard_arm(slice->deadline);
  }
  errno = saved;
}

void guard_running(lua_State *running) {
  struct slice *slice = current;
  if (!slice)
    return;
  slice->running = running;
  if (slice->expired)
    guard_stop(running);
}

/* Sees that the timer goes off by the slice's deadline, at once when that has passed in an inner one. */
static void guard_watch(const struct slice *slice) {
  if (!slice->expired && (armed == 0 || armed > slice->deadline))
    guard_arm(slice->deadline);
}

static void slice_begin(struct slice *slice, lua_State *co, double seconds, bool closing) {
  *slice = (struct slice){.running = co, .seconds = seconds, .closing = closing, .outer = current};
  slice->deadline = guard_now() + seconds;
  current = slice;
  memory_strict(true);
  guard_watch(slice);
}

static void slice_end(struct slice *slice, lua_State *co) {
  current = slice->outer;
  memory_strict(current);
  if (current)
    guard_watch(current);
  if (slice->expired)
    lua_sethook(co, NULL, 0, 0);
}

static void guard_close(lua_State *L, lua_State *co, double seconds) {
  struct slice slice;
  slice_begin(&slice, co, seconds, true);
  guard_close_thread(co, L);
  slice_end(&slice, co);
  lua_settop(co, 0);
}

/* The error is on top of L. What ran out of memory leaves much garbage, and the buffers of the auxiliary
 * library don't have it collected when they can't grow: the next caller would suffer. */
static int guard_failed(lua_State *L, lua_State *co, double seconds) {
  bool exhausted = lua_status(co) == LUA_ERRMEM;
  lua_pushboolean(L, false);
  lua_insert(L, -2);
  luaL_traceback(L, co, NULL, 0);
  guard_close(L, co, seconds);
  if (exhausted)
    lua_gc(L, LUA_GCCOLLECT);
  return 3;
}

static int guard_stopped(lua_State *L, lua_State *co, const struct slice *slice) {
  lua_pushfstring(L, "%s" STOPPED, slice->where, slice->seconds);
  return guard_failed(L, co, slice->seconds);
}

static const char *guard_refusal(lua_State *L, lua_State *co) {
  lua_Debug at;
  if (lua_status(co) == LUA_YIELD)
    return NULL;
  if (co == L || lua_getstack(co, 0, &at))
    return "cannot resume non-suspended coroutine";
  return lua_gettop(co) == 0 ? "cannot resume dead coroutine" : NULL;
}

/* (co, seconds, ...) -> true, ... | false, message, traceback */
static int guard_resume(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  double seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0 && seconds < 1e9, 2, "not a time that may pass");
  const char *refusal = guard_refusal(L, co);
  if (refusal) {
    lua_pushboolean(L, false);
    lua_pushstring(L, refusal);
    return 2;
  }
  struct slice slice;
  slice_begin(&slice, co, seconds, false);
  int results = coroutine_continue(L, co, lua_gettop(L) - 2);
  slice_end(&slice, co);
  if (slice.stopped == co || (results < 0 && slice.where[0]))
    return guard_stopped(L, co, &slice);
  if (results < 0)
    return guard_failed(L, co, seconds);
  lua_pushboolean(L, true);
  lua_insert(L, -results - 1);
  return results + 1;
}

/* (bytes) */
static int guard_limit_memory(lua_State *L) {
  lua_Integer bytes = luaL_checkinteger(L, 1);
  luaL_argcheck(L, bytes >= 0, 1, "less than nothing");
  memory_limit((size_t)bytes);
  return 0;
}

/* The signal goes to this thread, the only one that runs Lua, whoever else lives in the process. */
static void guard_open_clock(lua_State *L) {
  struct sigaction action = {.sa_handler = guard_expire, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  event.sigev_notify_thread_id = gettid();
  if (sigaction(SIGRTMIN, &action, NULL) || timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &alarm_clock))
    luaL_error(L, "the watchdog can't start: %s", strerror(errno));
}

static const luaL_Reg guard_functions[] = {
    {"resume", guard_resume}, {"limit_memory", guard_limit_memory}, {NULL, NULL}};

int luaopen_host_guard(lua_State *L) {
  guard_open_clock(L);
  coroutine_replace(L);
  pattern_replace(L);
  luaL_newlib(L, guard_functions);
  return 1;
}
