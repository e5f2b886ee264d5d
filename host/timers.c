/* The loop's timers: a timerfd that is set to the next one of the heap. */
#include "timers.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "heap.h"
#include "histogram.h"

enum { FOREVER = 1 << 30 /* seconds; a later time than a timespec holds would not do */ };

static void timers_ready(struct loop_source *source, uint32_t events);
static struct loop_source clock_source = {-1, timers_ready};
static unsigned started;
static struct histogram lateness;

static void timers_arm(void) {
  const struct loop_timer *next = heap_top();
  struct itimerspec at = {0};
  if (next) {
    at.it_value.tv_sec = (time_t)next->due;
    at.it_value.tv_nsec = (long)((next->due - floor(next->due)) * 1e9);
  }
  timerfd_settime(clock_source.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Timers that are started meanwhile wait for the next turn, even those due at once. */
static void timers_ready(struct loop_source *source, uint32_t events) {
  uint64_t expirations;
  (void)events;
  if (read(source->fd, &expirations, sizeof expirations) < 0)
    return;
  double now = loop_now();
  unsigned last = started;
  struct loop_timer *timer;
  while (!loop_stopping() && (timer = heap_top()) && timer->due <= now && (int)(last - timer->order) >= 0) {
    heap_remove(timer);
    histogram_note(&lateness, loop_now() - timer->due);
    timer->fire(timer);
  }
  timers_arm();
}

int loop_timer_start(struct loop_timer *timer, double seconds) {
  timer->due = loop_now() + fmin(fmax(seconds, 0), FOREVER);
  timer->order = ++started;
  if (timer->position)
    heap_restore(timer);
  else if (heap_add(timer))
    return ENOMEM;
  if (heap_top() == timer)
    timers_arm();
  return 0;
}

/* The timerfd stays set: at worst it fires once for nothing, which costs less than to set it at each stop. */
void loop_timer_stop(struct loop_timer *timer) {
  if (timer->position)
    heap_remove(timer);
}

int timers_open(void) {
  clock_source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return clock_source.fd < 0 ? errno : loop_add(&clock_source, EPOLLIN);
}

const struct histogram *timers_lateness(void) {
  return &lateness;
}

void timers_close(void) {
  heap_free();
  close(clock_source.fd);
}
