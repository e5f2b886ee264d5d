/* libFuzzer over Lua: runs the target that FUZZ_TARGET names (spec/fuzz/targets) on each input. A line hook
 * shows libFuzzer which lines of Lua follow each other; the host's C is instrumented by the compiler. An
 * error, an input that takes too long and one that takes the heap too far are findings. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lualib.h>

#include "fuzz.h"
#include "host.h"
#include "loop.h"
#include "memory.h"

#define UNSEEN __attribute__((no_sanitize("coverage")))

enum { COUNTERS = 1 << 15, SOURCES = 256, SLOWEST = 2 /* seconds of processor time */ };
enum { HEAP_BASE = 16 << 20, HEAP_PER_BYTE = 1024 };

/* libFuzzer takes what stands in this section for counters of its own. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

struct source {
  const char *text;
  uint32_t hash; /* 0: its lines do not count */
};

static lua_State *L;
static size_t heap;
static struct source sources[SOURCES];
static uint32_t previous;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const luaL_Reg primitives[] = {
    {"fuzz.client", luaopen_fuzz_client},
    {"fuzz.peer", luaopen_fuzz_peer},
    {"host.guard", luaopen_host_guard},
    {"host.http", luaopen_host_http},
    {"host.loop", luaopen_host_loop},
    {"host.server", luaopen_host_server},
    {"host.tar", luaopen_host_tar},
    {"host.timer", luaopen_host_timer},
    {"host.websocket", luaopen_host_websocket},
    {NULL, NULL},
};

/* Everything but the targets and the fakes. */
static UNSEEN uint32_t fuzz_hash(const char *source) {
  uint32_t hash = 2166136261u;
  if (*source != '@' || strstr(source, "spec/"))
    return 0;
  for (; *source; source++)
    hash = (hash ^ (uint8_t)*source) * 16777619u;
  return hash | 1;
}

static UNSEEN uint32_t fuzz_source(const char *text) {
  struct source *source = &sources[((uintptr_t)text >> 4) % SOURCES];
  if (source->text != text)
    *source = (struct source){text, fuzz_hash(text)};
  return source->hash;
}

static UNSEEN void fuzz_line(lua_State *running, lua_Debug *at) {
  lua_getinfo(running, "S", at);
  uint32_t source = fuzz_source(at->source);
  if (!source)
    return;
  uint32_t line = (source ^ (uint32_t)at->currentline) * 2654435761u;
  uint8_t *counter = &counters[(previous ^ line) >> 17];
  if (*counter < UINT8_MAX)
    ++*counter;
  previous = line >> 1;
}

static int fuzz_traceback(lua_State *state) {
  luaL_traceback(state, state, luaL_tolstring(state, 1, NULL), 1);
  return 1;
}

/* Also for errors in callbacks, which the loop would only report. */
static int fuzz_found(lua_State *state) {
  fprintf(stderr, "FINDING: %s\n", luaL_tolstring(state, 1, NULL));
  abort();
}

static void fuzz_preload(void) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, primitives, 0);
  lua_pop(L, 1);
  lua_getglobal(L, "package");
  lua_pushliteral(L, "./lib/?.lua;./spec/support/?.lua;./spec/fuzz/?.lua;");
  lua_getfield(L, -2, "path");
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* (name) -> the target's function */
static int fuzz_load(lua_State *state) {
  const char *file = lua_pushfstring(state, "spec/fuzz/targets/%s.lua", luaL_checkstring(state, 1));
  lua_pushcfunction(state, fuzz_found);
  door_on_error(state, lua_gettop(state));
  if (luaL_loadfile(state, file) != LUA_OK)
    return lua_error(state);
  lua_call(state, 0, 1);
  luaL_checktype(state, -1, LUA_TFUNCTION);
  return 1;
}

/* Runs the function and its `nargs` arguments; what stays are its results. */
static void fuzz_call(int nargs, int nresults) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, fuzz_traceback);
  lua_insert(L, base);
  if (lua_pcall(L, nargs, nresults, base) != LUA_OK) {
    memory_limit(0);
    lua_pushcfunction(L, fuzz_found);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
  }
  lua_remove(L, base);
}

/* The sanitizer looks for leaks after that. */
static void fuzz_close(void) {
  lua_sethook(L, NULL, 0, 0);
  lua_close(L);
  loop_close();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  const char *target = getenv("FUZZ_TARGET");
  if (!target || !(L = lua_newstate(memory_allocate, NULL)) || loop_open(L)) {
    fprintf(stderr, "%s: FUZZ_TARGET names no target, or there is no memory\n", (*argv)[0]);
    exit(1);
  }
  signal(SIGPIPE, SIG_IGN);
  luaL_openlibs(L);
  fuzz_preload();
  lua_pushcfunction(L, fuzz_load);
  lua_pushstring(L, target);
  fuzz_call(1, 1);
  lua_gc(L, LUA_GCCOLLECT);
  heap = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024;
  lua_sethook(L, fuzz_line, LUA_MASKLINE, 0);
  atexit(fuzz_close);
  return 0;
}

static double fuzz_processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The heap has the function of the target at the bottom of the stack. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  double began = fuzz_processor_time();
  memset(sources, 0, sizeof sources);
  previous = 0;
  memory_limit(heap + HEAP_BASE + HEAP_PER_BYTE * size);
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  fuzz_call(1, 0);
  double seconds = fuzz_processor_time() - began;
  if (seconds > SLOWEST) {
    fprintf(stderr, "FINDING: it took %.1f s\n", seconds);
    abort();
  }
  return 0;
}
