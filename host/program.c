/* Compiles and runs Lua patterns. A pattern has neither alternatives nor groups that repeat, so its program
 * is a line of items, and to backtrack is to return to the last one that could be tried otherwise: a stack of
 * as many choices as the pattern has, and no recursion. */
#include "program.h"

#include <ctype.h>
#include <string.h>

#include <lauxlib.h>

#include "guard.h"

static int is_zero(int byte) {
  return byte == 0;
}

static struct {
  char letter;
  int (*contains)(int);
  struct byte_set set;
} classes[] = {{'a', isalpha, {{0}}}, {'c', iscntrl, {{0}}},  {'d', isdigit, {{0}}}, {'g', isgraph, {{0}}},
               {'l', islower, {{0}}}, {'p', ispunct, {{0}}},  {'s', isspace, {{0}}}, {'u', isupper, {{0}}},
               {'w', isalnum, {{0}}}, {'x', isxdigit, {{0}}}, {'z', is_zero, {{0}}}};

static void set_add(struct byte_set *set, unsigned char byte) {
  set->bits[byte / 64] |= UINT64_C(1) << byte % 64;
}

static void set_invert(struct byte_set *set) {
  for (int i = 0; i < 4; i++)
    set->bits[i] = ~set->bits[i];
}

void program_prepare(void) {
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    for (int byte = 0; byte < 256; byte++)
      if (classes[i].contains(byte))
        set_add(&classes[i].set, (unsigned char)byte);
}

/* What follows a %: a class, its opposite in upper case, or the byte itself. */
static void set_add_escaped(struct byte_set *set, unsigned char byte) {
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (classes[i].letter == tolower(byte)) {
      struct byte_set class = classes[i].set;
      if (isupper(byte))
        set_invert(&class);
      for (int word = 0; word < 4; word++)
        set->bits[word] |= class.bits[word];
      return;
    }
  set_add(set, byte);
}

struct compiler {
  lua_State *L;
  struct program *program;
  const char *at, *end;
  bool open[PROGRAM_CAPTURES];
};

static int compile_byte(struct compiler *c, const char *complaint) {
  if (c->at == c->end)
    luaL_error(c->L, "malformed pattern (%s)", complaint);
  return (unsigned char)*c->at++;
}

/* Behind the [ of a set. The first byte is one of it, whatever it is. */
static void compile_set(struct compiler *c, struct byte_set *set) {
  static const char unclosed[] = "missing ']'";
  bool inverted = c->at < c->end && *c->at == '^';
  c->at += inverted;
  for (int byte = compile_byte(c, unclosed), first = 1; first || byte != ']';
       byte = compile_byte(c, unclosed), first = 0) {
    if (byte == '%')
      set_add_escaped(set, (unsigned char)compile_byte(c, unclosed));
    else if (c->end - c->at >= 2 && c->at[0] == '-' && c->at[1] != ']') {
      for (int last = (unsigned char)c->at[1]; byte <= last; byte++)
        set_add(set, (unsigned char)byte);
      c->at += 2;
    } else
      set_add(set, (unsigned char)byte);
  }
  if (inverted)
    set_invert(set);
}

static void compile_class(struct compiler *c, int byte, struct byte_set *set) {
  if (byte == '.')
    memset(set, 0xff, sizeof *set);
  else if (byte == '[')
    compile_set(c, set);
  else if (byte == '%')
    set_add_escaped(set, (unsigned char)compile_byte(c, "ends with '%'"));
  else
    set_add(set, (unsigned char)byte);
}

/* A class and what may follow it: how often. */
static void compile_repeatable(struct compiler *c, int byte, struct item *item) {
  compile_class(c, byte, &item->set);
  item->kind = ITEM_ONE;
  if (c->at == c->end || !*c->at || !strchr("*+-?", *c->at))
    return;
  char often = *c->at++;
  item->kind = often == '-' ? ITEM_FEWEST : often == '?' ? ITEM_OPTIONAL : ITEM_MOST;
  item->least = often == '+';
  c->program->choices++;
}

static void compile_open(struct compiler *c, struct item *item) {
  int number = c->program->captures;
  if (number == PROGRAM_CAPTURES)
    luaL_error(c->L, "too many captures");
  c->program->captures++;
  item->first = (unsigned char)number;
  bool position = c->at < c->end && *c->at == ')';
  c->at += position;
  c->open[number] = !position;
  item->kind = position ? ITEM_POSITION : ITEM_OPEN;
}

static void compile_close(struct compiler *c, struct item *item) {
  int number = c->program->captures - 1;
  while (number >= 0 && !c->open[number])
    number--;
  if (number < 0)
    luaL_error(c->L, "invalid pattern capture");
  c->open[number] = false;
  item->first = (unsigned char)number;
  item->kind = ITEM_CLOSE;
}

static void compile_again(struct compiler *c, struct item *item) {
  int number = *c->at++ - '1';
  if (number < 0 || number >= c->program->captures || c->open[number])
    luaL_error(c->L, "invalid capture index %%%d", number + 1);
  item->first = (unsigned char)number;
  item->kind = ITEM_AGAIN;
}

static void compile_balanced(struct compiler *c, struct item *item) {
  static const char missing[] = "missing arguments to '%b'";
  c->at++;
  item->first = (unsigned char)compile_byte(c, missing);
  item->last = (unsigned char)compile_byte(c, missing);
  item->kind = ITEM_BALANCED;
}

static void compile_frontier(struct compiler *c, struct item *item) {
  c->at++;
  if (c->at == c->end || *c->at != '[')
    luaL_error(c->L, "missing '[' after '%%f' in pattern");
  c->at++;
  compile_set(c, &item->set);
  item->kind = ITEM_FRONTIER;
}

static void compile_item(struct compiler *c, struct item *item) {
  int byte = (unsigned char)*c->at++;
  int next = c->at < c->end ? (unsigned char)*c->at : 0;
  if (byte == '(')
    compile_open(c, item);
  else if (byte == ')')
    compile_close(c, item);
  else if (byte == '$' && c->at == c->end)
    item->kind = ITEM_END;
  else if (byte == '%' && next == 'b')
    compile_balanced(c, item);
  else if (byte == '%' && next == 'f')
    compile_frontier(c, item);
  else if (byte == '%' && isdigit(next))
    compile_again(c, item);
  else
    compile_repeatable(c, byte, item);
}

void program_compile(lua_State *L, struct program *program, const char *pattern, size_t size) {
  struct compiler c = {.L = L, .program = program, .at = pattern, .end = pattern + size};
  program->count = program->captures = program->choices = 0;
  program->items = program->few;
  if (size > PROGRAM_SHORT)
    program->items = lua_newuserdatauv(L, size * sizeof *program->items, 0);
  else
    lua_pushnil(L);
  while (c.at < c.end) {
    struct item *item = &program->items[program->count++];
    memset(item, 0, sizeof *item);
    compile_item(&c, item);
    if (program->count % 65536 == 0)
      guard_check(L);
  }
  for (int i = 0; i < program->captures; i++)
    if (c.open[i])
      luaL_error(L, "unfinished capture");
}
