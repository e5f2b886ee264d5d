/* What loop.c does to the timers whose use loop.h describes. */
#ifndef DOCKHOST_TIMERS_H
#define DOCKHOST_TIMERS_H

/* 0 or an errno value. */
int timers_open(void);
void timers_close(void);

/* How late the timers were, since the start. */
const struct histogram *timers_lateness(void);

#endif
