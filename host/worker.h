/* Work that may block, done in a thread of its own; its results come back on the loop. */
#ifndef DOCKHOST_WORKER_H
#define DOCKHOST_WORKER_H

#include <stddef.h>

#include <lua.h>

struct worker_job;

struct worker_kind {
  size_t size;                          /* of the job, which begins with a struct worker_job */
  void (*work)(struct worker_job *job); /* in the thread: touches nothing but the job */
  int (*results)(lua_State *L, struct worker_job *job); /* pushes the callback's arguments */
  void (*clear)(struct worker_job *job);                /* frees what the job holds, not the job */
};

struct worker_job {
  const struct worker_kind *kind;
  struct worker_handle *handle; /* NULL once it is closed */
  struct worker_job *next;
};

/* Registers the handle of all kinds. */
void worker_register(lua_State *L);
/* Pushes a handle whose callback stands at `fn`, and returns its job, all zero, to be filled in. */
void *worker_new(lua_State *L, const struct worker_kind *kind, int fn);
/* Starts the job whose handle is on top. Returns as a C function does: the handle, or a failure. */
int worker_start(lua_State *L, struct worker_job *job);

#endif
