/* The allocator of the Lua state. */
#ifndef DOCKHOST_MEMORY_H
#define DOCKHOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* A lua_Alloc that counts. */
void *memory_allocate(void *ud, void *block, size_t old_size, size_t new_size);
/* From here on the heap does not grow past so many bytes; 0: no limit. */
void memory_limit(size_t bytes);
/* Whether what runs may not touch the reserve beyond the limit. */
void memory_strict(bool strict);

#endif
