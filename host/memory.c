/* Counts what the Lua state holds, and refuses to let it grow past a limit: a script that hoards gets "not
 * enough memory", and the process lives on. Beyond the limit is a reserve for what no script runs in, such as
 * the loop's callbacks: a script that keeps its hoard must not make them lose what they have to tell. */
#include "memory.h"

#include <stdlib.h>

enum { RESERVE = 8 * 1024 * 1024 };

static size_t used, limit;
static bool strictly;

void *memory_allocate(void *ud, void *block, size_t old_size, size_t new_size) {
  (void)ud;
  if (!block)
    old_size = 0; /* it tells the type of what is allocated */
  if (new_size == 0) {
    free(block);
    used -= old_size;
    return NULL;
  }
  size_t most = limit + (strictly ? 0 : RESERVE);
  if (limit && new_size > old_size && used + (new_size - old_size) > most)
    return NULL;
  void *moved = realloc(block, new_size);
  if (moved)
    used += new_size - old_size;
  return moved;
}

void memory_strict(bool strict) {
  strictly = strict;
}

void memory_limit(size_t bytes) {
  limit = bytes;
}
