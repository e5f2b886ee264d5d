/* The timers that run, the next one to fall due on top. */
#ifndef DOCKHOST_HEAP_H
#define DOCKHOST_HEAP_H

#include "loop.h"

/* 0 or ENOMEM. */
int heap_add(struct loop_timer *timer);
void heap_remove(struct loop_timer *timer);
/* To be called when the due time of a timer in the heap has changed. */
void heap_restore(struct loop_timer *timer);
/* The next timer, or NULL. */
struct loop_timer *heap_top(void);
void heap_free(void);

#endif
