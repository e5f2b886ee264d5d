/* Counts what the Lua state holds, and refuses to let it grow past a limit: a script that hoards gets "not
 * enough memory", and the process lives on. */
#include "memory.h"

#include <stdlib.h>

static size_t used, limit;

void *memory_allocate(void *ud, void *block, size_t old_size, size_t new_size) {
  (void)ud;
  if (!block)
    old_size = 0; /* it tells the type of what is allocated */
  if (new_size == 0) {
    free(block);
    used -= old_size;
    return NULL;
  }
  if (limit && new_size > old_size && used + (new_size - old_size) > limit)
    return NULL;
  void *moved = realloc(block, new_size);
  if (moved)
    used += new_size - old_size;
  return moved;
}

void memory_limit(size_t bytes) {
  limit = bytes;
}
