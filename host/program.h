/* Lua patterns (Lua 5.4 Reference Manual, section 6.4.1) as programs: a pattern is compiled once for a
 * search, and run under the watchdog. */
#ifndef DOCKHOST_PROGRAM_H
#define DOCKHOST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

enum { PROGRAM_CAPTURES = 32, PROGRAM_SHORT = 32 };

/* A set of bytes. */
struct byte_set {
  uint64_t bits[4];
};

enum item_kind {
  ITEM_ONE,      /* a byte of the set */
  ITEM_MOST,     /* as many as there are, `least` at least, then fewer */
  ITEM_OPTIONAL, /* one, then none */
  ITEM_FEWEST,   /* none, then more */
  ITEM_OPEN,     /* capture `first` begins */
  ITEM_CLOSE,    /* capture `first` ends */
  ITEM_POSITION, /* capture `first` is the position */
  ITEM_AGAIN,    /* what capture `first` holds */
  ITEM_BALANCED, /* from a `first` to its `last` */
  ITEM_FRONTIER, /* before a byte of the set, behind none of it */
  ITEM_END       /* the end of the subject */
};

struct item {
  unsigned char kind, least, first, last;
  struct byte_set set;
};

struct program {
  struct item *items;
  int count, captures, choices; /* `choices`: items that may be tried in several ways */
  struct item few[PROGRAM_SHORT];
};

struct capture {
  const char *begin, *end; /* `end` is NULL where it is a position */
};

/* A choice that was made, and what else may be tried. */
struct choice {
  int item;
  const char *at, *limit;
};

struct run {
  lua_State *L;
  const struct program *program;
  const char *begin, *end; /* the subject */
  struct capture captures[PROGRAM_CAPTURES];
  size_t work; /* bytes and items looked at since the watchdog was asked */
  struct choice *choices;
  struct choice few[PROGRAM_SHORT];
};

/* Fills the table of the classes; once, before anything is compiled. */
void program_prepare(void);

/* Compiles a pattern, or raises an error that says what is wrong with it. What does not fit into `few` is in
 * a userdata, which stays on the stack of L, as does that of program_subject; each pushes one value. */
void program_compile(lua_State *L, struct program *program, const char *pattern, size_t size);
void program_subject(lua_State *L, struct run *run, const struct program *program, const char *text,
                     size_t size);

/* The end of a match that begins at `at`, or NULL. Raises an error when the watchdog says so. */
const char *program_run(struct run *run, const char *at);

#endif
