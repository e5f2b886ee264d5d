/* string.find, match, gmatch, gsub and rep (Lua 5.4 Reference Manual, section 6.4) for the watchdog: no hook
 * runs in a C function, and the standard library's may match for ever. A pattern's mistakes are told before
 * the search. */
#include "pattern.h"

#include <ctype.h>
#include <string.h>

#include <lauxlib.h>

#include "guard.h"
#include "program.h"

struct search {
  const char *text, *pattern;
  size_t text_size, pattern_size;
  bool anchored;
  struct program program;
  struct run run;
};

/* Subject and pattern are the arguments 1 and 2. */
static void search_arguments(lua_State *L, struct search *search) {
  search->text = luaL_checklstring(L, 1, &search->text_size);
  search->pattern = luaL_checklstring(L, 2, &search->pattern_size);
}

/* Leaves two values on the stack. */
static void search_compile(lua_State *L, struct search *search, bool may_anchor) {
  search->anchored = may_anchor && search->pattern_size > 0 && search->pattern[0] == '^';
  program_compile(L, &search->program, search->pattern + search->anchored,
                  search->pattern_size - search->anchored);
  program_subject(L, &search->run, &search->program, search->text, search->text_size);
}

/* The offset that argument `index` means: from 1, or from the end where it is negative. */
static size_t search_start(lua_State *L, int index, size_t size) {
  lua_Integer position = luaL_optinteger(L, index, 1);
  if (position > 0)
    return (size_t)position - 1;
  if (position == 0 || (lua_Unsigned)0 - (lua_Unsigned)position > size)
    return 0;
  return size - (size_t)-position;
}

/* The first match at or behind `from`: where it begins, or NULL. */
static const char *search_from(struct search *search, const char *from, const char **end) {
  for (const char *at = from; at <= search->run.end; at++) {
    *end = program_run(&search->run, at);
    if (*end)
      return at;
    if (search->anchored)
      break;
  }
  return NULL;
}

static void push_capture(lua_State *L, const struct search *search, int number) {
  const struct capture *capture = &search->run.captures[number];
  if (capture->end)
    lua_pushlstring(L, capture->begin, (size_t)(capture->end - capture->begin));
  else
    lua_pushinteger(L, capture->begin - search->text + 1);
}

/* A pattern without captures has one: the whole match. */
static void push_capture_or_all(lua_State *L, const struct search *search, int number, const char *begin,
                                const char *end) {
  if (number < search->program.captures)
    push_capture(L, search, number);
  else if (number == 0)
    lua_pushlstring(L, begin, (size_t)(end - begin));
  else
    luaL_error(L, "invalid capture index %%%d", number + 1);
}

static int push_captures(lua_State *L, const struct search *search, const char *begin, const char *end) {
  int count = search->program.captures ? search->program.captures : 1;
  luaL_checkstack(L, count, "too many captures");
  for (int i = 0; i < count; i++)
    push_capture_or_all(L, search, i, begin, end);
  return count;
}

static bool is_plain(const struct search *search) {
  for (size_t i = 0; i < search->pattern_size; i++)
    if (search->pattern[i] && strchr("^$*+?.([%-", search->pattern[i]))
      return false;
  return true;
}

static int push_place(lua_State *L, const struct search *search, const char *begin, const char *end) {
  lua_pushinteger(L, begin - search->text + 1);
  lua_pushinteger(L, end - search->text);
  return 2;
}

static int find_plain(lua_State *L, const struct search *search, size_t from) {
  const char *found =
      memmem(search->text + from, search->text_size - from, search->pattern, search->pattern_size);
  if (found)
    return push_place(L, search, found, found + search->pattern_size);
  luaL_pushfail(L);
  return 1;
}

/* (text, pattern, from, plain) -> begin, end, captures… | nil */
static int pattern_find(lua_State *L) {
  struct search search;
  const char *end;
  search_arguments(L, &search);
  size_t from = search_start(L, 3, search.text_size);
  if (from > search.text_size) {
    luaL_pushfail(L);
    return 1;
  }
  if (lua_toboolean(L, 4) || is_plain(&search))
    return find_plain(L, &search, from);
  search_compile(L, &search, true);
  const char *begin = search_from(&search, search.text + from, &end);
  if (!begin) {
    luaL_pushfail(L);
    return 1;
  }
  int place = push_place(L, &search, begin, end);
  return place + (search.program.captures ? push_captures(L, &search, begin, end) : 0);
}

/* (text, pattern, from) -> captures… | nil */
static int pattern_match(lua_State *L) {
  struct search search;
  const char *end;
  search_arguments(L, &search);
  size_t from = search_start(L, 3, search.text_size);
  const char *begin = NULL;
  if (from <= search.text_size) {
    search_compile(L, &search, true);
    begin = search_from(&search, search.text + from, &end);
  }
  if (begin)
    return push_captures(L, &search, begin, end);
  luaL_pushfail(L);
  return 1;
}

/* What gmatch goes on from. The values that it needs are the other upvalues. */
struct walk {
  struct search search;
  const char *at, *last; /* where to go on, and where the last match ended */
};

/* A match that is empty where the last one ended is none. */
static int walk_next(lua_State *L) {
  struct walk *walk = lua_touserdata(L, lua_upvalueindex(1));
  const char *end, *begin = walk->at;
  walk->search.run.L = L;
  while ((begin = search_from(&walk->search, begin, &end)) && end == walk->last)
    begin++;
  if (!begin) {
    walk->at = walk->search.run.end + 1;
    return 0;
  }
  walk->at = walk->last = end;
  return push_captures(L, &walk->search, begin, end);
}

/* (text, pattern, from) -> iterator of captures… */
static int pattern_gmatch(lua_State *L) {
  struct search arguments;
  search_arguments(L, &arguments);
  size_t from = search_start(L, 3, arguments.text_size);
  struct walk *walk = lua_newuserdatauv(L, sizeof *walk, 0);
  search_arguments(L, &walk->search);
  walk->at = walk->search.text + (from > arguments.text_size ? arguments.text_size + 1 : from);
  walk->last = NULL;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  search_compile(L, &walk->search, false);
  lua_pushcclosure(L, walk_next, 5);
  return 1;
}

/* The replacement is a text in which %0 is the whole match, %1 … %9 captures, and %% a percent sign. */
static void add_text(lua_State *L, luaL_Buffer *result, const struct search *search, const char *begin,
                     const char *end) {
  size_t size;
  const char *at = lua_tolstring(L, 3, &size), *last = at + size;
  while (at < last) {
    const char *percent = memchr(at, '%', (size_t)(last - at));
    luaL_addlstring(result, at, (size_t)((percent ? percent : last) - at));
    if (!percent)
      return;
    unsigned char what = percent + 1 < last ? (unsigned char)percent[1] : 0;
    if (what == '%')
      luaL_addchar(result, '%');
    else if (what == '0')
      luaL_addlstring(result, begin, (size_t)(end - begin));
    else if (isdigit(what)) {
      push_capture_or_all(L, search, what - '1', begin, end);
      luaL_addvalue(result);
    } else
      luaL_error(L, "invalid use of '%%' in replacement string");
    at = percent + 2;
  }
}

/* What a function or a table gives; the match itself where that is nil or false. */
static void add_value(lua_State *L, luaL_Buffer *result, const struct search *search, const char *begin,
                      const char *end) {
  if (lua_type(L, 3) == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(L, search, begin, end), 1);
  } else {
    push_capture_or_all(L, search, 0, begin, end);
    lua_gettable(L, 3);
  }
  if (lua_isstring(L, -1)) {
    luaL_addvalue(result);
    return;
  }
  if (lua_toboolean(L, -1))
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  lua_pop(L, 1);
  luaL_addlstring(result, begin, (size_t)(end - begin));
}

static void check_replacement(lua_State *L) {
  int type = lua_type(L, 3);
  luaL_argexpected(L,
                   type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
                   3, "string/function/table");
}

/* Pushes the text with its matches replaced, `most` at most, and returns how many those are. */
static lua_Integer substitute(lua_State *L, struct search *search, lua_Integer most) {
  luaL_Buffer result;
  const char *copied = search->text, *at = search->text, *last = NULL, *end;
  void (*add)(lua_State *, luaL_Buffer *, const struct search *, const char *, const char *) =
      lua_isstring(L, 3) ? add_text : add_value;
  lua_Integer count = 0;
  luaL_buffinit(L, &result);
  while (count < most && (at = search_from(search, at, &end))) {
    if (end == last) {
      at++;
    } else {
      luaL_addlstring(&result, copied, (size_t)(at - copied));
      add(L, &result, search, at, end);
      copied = at = last = end;
      count++;
    }
    if (search->anchored)
      break;
  }
  luaL_addlstring(&result, copied, count ? (size_t)(search->run.end - copied) : 0);
  luaL_pushresult(&result);
  if (!count)
    lua_pushvalue(L, 1);
  return count;
}

/* (text, pattern, replacement, most) -> text, how many */
static int pattern_gsub(lua_State *L) {
  struct search search;
  search_arguments(L, &search);
  check_replacement(L);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)search.text_size + 1);
  search_compile(L, &search, true);
  lua_pushinteger(L, substitute(L, &search, most));
  return 2;
}

/* (text, times, separator) -> text. The standard library's turns for ever where there is nothing to copy. */
static int pattern_rep(lua_State *L) {
  size_t size, between;
  luaL_checklstring(L, 1, &size);
  luaL_optlstring(L, 3, "", &between);
  if (size + between == 0 && luaL_checkinteger(L, 2) > 1) {
    lua_pushinteger(L, 1);
    lua_replace(L, 2);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

static const luaL_Reg pattern_functions[] = {{"find", pattern_find},
                                             {"match", pattern_match},
                                             {"gmatch", pattern_gmatch},
                                             {"gsub", pattern_gsub},
                                             {NULL, NULL}};

void pattern_replace(lua_State *L) {
  program_prepare();
  lua_getglobal(L, "string");
  luaL_setfuncs(L, pattern_functions, 0);
  lua_getfield(L, -1, "rep");
  lua_pushcclosure(L, pattern_rep, 1);
  lua_setfield(L, -2, "rep");
  lua_pop(L, 1);
}
