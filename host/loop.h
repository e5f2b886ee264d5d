/* The one event loop that every primitive shares: libwebsockets waits, one epoll descriptor adopted into
 * it holds all that is not a websocket. */
#ifndef DOCKHOST_LOOP_H
#define DOCKHOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

struct lws_context;

/* Once for the process, around the life of the state: 0 or an errno value. Nothing is called any more once
 * the state is closed. */
int loop_open(lua_State *L);
void loop_close(void);

/* Embedded in a handle; `ready` gets the EPOLL* bits and may remove any source, its own included. */
struct loop_source {
  int fd;
  void (*ready)(struct loop_source *source, uint32_t events);
};

/* 0 or an errno value. */
int loop_add(struct loop_source *source, uint32_t events);
int loop_modify(struct loop_source *source, uint32_t events);
void loop_remove(struct loop_source *source);

/* Work begins: a turn of the loop lasts from the first that it does until it waits again. */
void loop_begin_turn(void);

/* Whether loop.stop was called: what is ready is left to the next run. */
bool loop_stopping(void);

/* libwebsockets' context, made on first use; NULL when it can't be. */
struct lws_context *loop_context(void);

/* After what time to try again where Lua had no memory for what has to be told. */
#define LOOP_RETRY_SECONDS 0.5

/* Monotonic seconds. */
double loop_now(void);

/* A C timer on the loop's heap; `fire` may start it again. A stopped or never started timer is all zero. */
struct loop_timer {
  double due;
  unsigned order; /* of starting, among those due at once */
  int position;   /* in the heap, from 1; 0 when idle */
  void (*fire)(struct loop_timer *timer);
};
/* 0 or ENOMEM. Starting a running timer moves it. */
int loop_timer_start(struct loop_timer *timer, double seconds);
void loop_timer_stop(struct loop_timer *timer);

/* The protected door: calls the function below `nargs` arguments on the main state's stack, pops all, drops
 * results; an error goes, with its traceback, to the handler that loop.on_error set. The only way that a
 * library's callback may reach Lua. The main state needs LUA_MINSTACK free slots: the callers that push
 * arguments do so through loop_enter. */
void loop_call(lua_State *L, int nargs);

/* Runs `push` protected, so that an allocation failure while arguments are pushed can't cross a foreign
 * frame. `push` leaves a function and its arguments on L and returns the number of arguments, or -1 for
 * "nothing to call". False when `push` could not do its work: then nothing was called. */
bool loop_enter(int (*push)(lua_State *L, void *arg), void *arg);

#endif
