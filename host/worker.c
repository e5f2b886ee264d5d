/* Runs each job in a detached thread with a small stack. The thread appends it to a list and pokes an
 * eventfd, and the loop delivers it. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host.h"
#include "loop.h"

static const char HANDLE[] = "host.worker.Job";

enum { STACK = 256 * 1024 }; /* NSS modules want more than the least */

struct worker_handle {
  struct worker_job *job; /* NULL once it is delivered or closed */
  bool started;           /* the thread owns the job, then the loop */
};

static void worker_ready(struct loop_source *source, uint32_t events);
static struct loop_source done = {-1, worker_ready};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct worker_job *finished;

static void worker_let_go(lua_State *L, struct worker_job *job) {
  job->handle->job = NULL;
  host_release(L, job->handle);
}

static int worker_push(lua_State *L, void *arg) {
  struct worker_job *job = arg;
  host_push_anchor(L, job->handle);
  lua_getiuservalue(L, -1, 1);
  int function = lua_gettop(L);
  int results = job->kind->results(L, job);
  /* What the results were made from may lie below them. */
  while (lua_gettop(L) > function + results)
    lua_remove(L, function + 1);
  worker_let_go(L, job);
  return results;
}

static int worker_push_failure(lua_State *L, void *arg) {
  struct worker_job *job = arg;
  host_push_anchor(L, job->handle);
  lua_getiuservalue(L, -1, 1);
  int results = host_fail(L, "ENOMEM", "not enough memory for the result");
  worker_let_go(L, job);
  return results;
}

static void worker_free(struct worker_job *job) {
  job->kind->clear(job);
  free(job);
}

static void worker_append(struct worker_job *job) {
  pthread_mutex_lock(&mutex);
  struct worker_job **end = &finished;
  while (*end)
    end = &(*end)->next;
  *end = job;
  pthread_mutex_unlock(&mutex);
}

static void worker_wake(struct loop_timer *timer) {
  (void)timer;
  eventfd_write(done.fd, 1);
}

/* The failure is pushed where the results are too large; where even that can't be, it is tried again. False:
 * that is so. */
static bool worker_deliver(struct worker_job *job) {
  static struct loop_timer again = {.fire = worker_wake};
  if (!job->handle || loop_enter(worker_push, job) || loop_enter(worker_push_failure, job)) {
    worker_free(job);
    return true;
  }
  job->next = NULL;
  worker_append(job);
  loop_timer_start(&again, LOOP_RETRY_SECONDS);
  return false;
}

static struct worker_job *worker_take(void) {
  pthread_mutex_lock(&mutex);
  struct worker_job *job = finished;
  if (job)
    finished = job->next;
  pthread_mutex_unlock(&mutex);
  return job;
}

static void worker_ready(struct loop_source *source, uint32_t events) {
  uint64_t count;
  (void)events;
  if (read(source->fd, &count, sizeof count) < 0)
    return;
  for (struct worker_job *job; !loop_stopping() && (job = worker_take());)
    if (!worker_deliver(job))
      return;
  if (loop_stopping())
    eventfd_write(source->fd, 1);
}

static void *worker_thread(void *arg) {
  struct worker_job *job = arg;
  job->kind->work(job);
  worker_append(job);
  eventfd_write(done.fd, 1);
  return NULL;
}

static int worker_open(void) {
  if (done.fd >= 0)
    return 0;
  done.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return done.fd < 0 ? errno : loop_add(&done, EPOLLIN);
}

/* Signals are the main thread's: the new one starts with all of them blocked. */
static int worker_spawn(struct worker_job *job) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, worker_thread, job);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

void *worker_new(lua_State *L, const struct worker_kind *kind, int fn) {
  struct worker_handle *handle = lua_newuserdatauv(L, sizeof *handle, 1);
  *handle = (struct worker_handle){0};
  luaL_setmetatable(L, HANDLE);
  lua_pushvalue(L, fn);
  lua_setiuservalue(L, -2, 1);
  handle->job = calloc(1, kind->size);
  if (!handle->job)
    luaL_error(L, "not enough memory");
  handle->job->kind = kind;
  handle->job->handle = handle;
  return handle->job;
}

int worker_start(lua_State *L, struct worker_job *job) {
  struct worker_handle *handle = job->handle;
  host_anchor(L, -1, handle);
  int error = worker_open();
  handle->started = true;
  if (!error)
    error = worker_spawn(job);
  if (!error)
    return 1;
  handle->started = false;
  host_release(L, handle);
  return host_fail_errno(L, error, "can't start a thread");
}

/* (handle) */
static int worker_close(lua_State *L) {
  struct worker_handle *handle = luaL_checkudata(L, 1, HANDLE);
  struct worker_job *job = handle->job;
  if (!job)
    return 0;
  handle->job = NULL;
  job->handle = NULL;
  if (!handle->started)
    worker_free(job);
  host_release(L, handle);
  return 0;
}

static const luaL_Reg worker_methods[] = {
    {"close", worker_close}, {"__close", worker_close}, {"__gc", worker_close}, {NULL, NULL}};

void worker_register(lua_State *L) {
  host_metatable(L, HANDLE, worker_methods);
}
