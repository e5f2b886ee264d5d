/* Runs compiled patterns. To backtrack is to return to the last item that could be tried otherwise: a stack
 * of as many choices as the pattern has, and no recursion. */
#include <string.h>

#include "guard.h"
#include "program.h"

/* What is looked at between two looks at the watchdog. */
enum { WORK = 65536 };

static bool set_has(const struct byte_set *set, unsigned char byte) {
  return set->bits[byte / 64] >> byte % 64 & 1;
}

void program_subject(lua_State *L, struct run *run, const struct program *program, const char *text,
                     size_t size) {
  run->L = L;
  run->program = program;
  run->begin = text;
  run->end = text + size;
  run->work = 0;
  run->choices = run->few;
  if (program->choices > PROGRAM_SHORT)
    run->choices = lua_newuserdatauv(L, (size_t)program->choices * sizeof *run->choices, 0);
  else
    lua_pushnil(L);
}

static const char *run_balanced(struct run *run, const struct item *item, const char *at) {
  if (at == run->end || (unsigned char)*at != item->first)
    return NULL;
  const char *begin = at;
  for (long depth = 1; ++at < run->end;) {
    if ((unsigned char)*at == item->last) {
      if (--depth == 0) {
        run->work += (size_t)(at - begin);
        return at + 1;
      }
    } else if ((unsigned char)*at == item->first)
      depth++;
  }
  run->work += (size_t)(run->end - begin);
  return NULL;
}

static const char *run_again(struct run *run, const struct item *item, const char *at) {
  const struct capture *capture = &run->captures[item->first];
  if (!capture->end)
    return NULL;
  size_t size = (size_t)(capture->end - capture->begin);
  run->work += size;
  return (size_t)(run->end - at) >= size && memcmp(capture->begin, at, size) == 0 ? at + size : NULL;
}

/* Beyond both ends of the subject stands a zero. */
static const char *run_frontier(const struct run *run, const struct item *item, const char *at) {
  unsigned char before = at == run->begin ? 0 : (unsigned char)at[-1];
  unsigned char after = at == run->end ? 0 : (unsigned char)*at;
  return !set_has(&item->set, before) && set_has(&item->set, after) ? at : NULL;
}

static const char *run_one(const struct run *run, const struct item *item, const char *at) {
  return at < run->end && set_has(&item->set, (unsigned char)*at) ? at + 1 : NULL;
}

/* Takes as much as there is. `at` of the choice is where the next try begins, `limit` where the last one may.
 */
static const char *run_most(struct run *run, const struct item *item, const char *at, struct choice *choice) {
  const char *most = run->end, *end = at;
  if (item->kind == ITEM_OPTIONAL && run->end - at > 1)
    most = at + 1;
  while (end < most && set_has(&item->set, (unsigned char)*end))
    end++;
  run->work += (size_t)(end - at);
  if (end - at < item->least)
    return NULL;
  choice->at = end;
  choice->limit = at + item->least;
  return end;
}

/* One item at `at`: where the next one begins, or NULL. */
static const char *run_item(struct run *run, int number, const char *at, int *made) {
  const struct item *item = &run->program->items[number];
  struct capture *capture = &run->captures[item->first % PROGRAM_CAPTURES];
  switch ((enum item_kind)item->kind) {
  case ITEM_ONE:
    return run_one(run, item, at);
  case ITEM_MOST:
  case ITEM_OPTIONAL:
    run->choices[*made].item = number;
    at = run_most(run, item, at, &run->choices[*made]);
    *made += at != NULL;
    return at;
  case ITEM_FEWEST:
    run->choices[(*made)++] = (struct choice){number, at, NULL};
    return at;
  case ITEM_OPEN:
    *capture = (struct capture){at, at};
    return at;
  case ITEM_CLOSE:
    capture->end = at;
    return at;
  case ITEM_POSITION:
    *capture = (struct capture){at, NULL};
    return at;
  case ITEM_AGAIN:
    return run_again(run, item, at);
  case ITEM_BALANCED:
    return run_balanced(run, item, at);
  case ITEM_FRONTIER:
    return run_frontier(run, item, at);
  case ITEM_END:
    return at == run->end ? at : NULL;
  }
  return NULL;
}

/* Tries the last choice otherwise: where its item ends then, or NULL when nothing is left to try. */
static const char *run_otherwise(struct run *run, int *made, int *number) {
  while (*made > 0) {
    struct choice *choice = &run->choices[*made - 1];
    const struct item *item = &run->program->items[choice->item];
    *number = choice->item;
    if (item->kind != ITEM_FEWEST && choice->at > choice->limit)
      return --choice->at;
    if (item->kind == ITEM_FEWEST && (choice->at = run_one(run, item, choice->at)))
      return choice->at;
    --*made;
  }
  return NULL;
}

const char *program_run(struct run *run, const char *at) {
  int made = 0;
  for (int number = 0; number < run->program->count; number++) {
    const char *next = run_item(run, number, at, &made);
    at = next ? next : run_otherwise(run, &made, &number);
    if (++run->work >= WORK) {
      run->work = 0;
      guard_check(run->L);
    }
    if (!at)
      return NULL;
  }
  return at;
}
