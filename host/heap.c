/* A binary heap of timers. Each knows its place, so that one can be stopped without a search. */
#include "heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static struct loop_timer **places; /* from 1: places[0] is unused */
static int count, capacity;

static bool heap_before(const struct loop_timer *a, const struct loop_timer *b) {
  return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_place(struct loop_timer *timer, int position) {
  places[position] = timer;
  timer->position = position;
}

static void heap_rise(struct loop_timer *timer, int position) {
  while (position > 1 && heap_before(timer, places[position / 2])) {
    heap_place(places[position / 2], position);
    position /= 2;
  }
  heap_place(timer, position);
}

static void heap_sink(struct loop_timer *timer, int position) {
  for (int child; (child = position * 2) <= count; position = child) {
    if (child < count && heap_before(places[child + 1], places[child]))
      child++;
    if (!heap_before(places[child], timer))
      break;
    heap_place(places[child], position);
  }
  heap_place(timer, position);
}

static int heap_grow(void) {
  int wanted = capacity ? capacity * 2 : 32;
  struct loop_timer **grown = realloc(places, (size_t)wanted * sizeof *places);
  if (!grown)
    return ENOMEM;
  places = grown;
  capacity = wanted;
  return 0;
}

int heap_add(struct loop_timer *timer) {
  if (count + 1 >= capacity && heap_grow())
    return ENOMEM;
  heap_rise(timer, ++count);
  return 0;
}

void heap_restore(struct loop_timer *timer) {
  heap_rise(timer, timer->position);
  heap_sink(timer, timer->position);
}

void heap_remove(struct loop_timer *timer) {
  struct loop_timer *last = places[count--];
  if (last != timer) {
    heap_place(last, timer->position);
    heap_restore(last);
  }
  timer->position = 0;
}

struct loop_timer *heap_top(void) {
  return count ? places[1] : NULL;
}

void heap_free(void) {
  free(places);
  places = NULL;
  count = capacity = 0;
}
