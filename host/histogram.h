/* Counts durations by size: cheap enough to be always on. */
#ifndef DOCKHOST_HISTOGRAM_H
#define DOCKHOST_HISTOGRAM_H

#include <stdint.h>

#include <lua.h>

enum { HISTOGRAM_BOUNDS = 11 };

/* All zero is an empty one. The last count is of what is over the last bound. */
struct histogram {
  uint64_t counts[HISTOGRAM_BOUNDS + 1];
  double sum;
};

void histogram_note(struct histogram *histogram, double seconds);

/* Leaves {bounds, counts, sum}. */
void histogram_push(lua_State *L, const struct histogram *histogram);

#endif
