/* Resolves host names with getaddrinfo in a thread: libwebsockets would do it in the middle of the loop. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host.h"
#include "worker.h"

struct lookup {
  struct worker_job job; /* first: it is the job */
  char *name;
  struct addrinfo *found;
  int error, system_error;
};

static void lookup_work(struct worker_job *job) {
  struct lookup *lookup = (struct lookup *)job;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  lookup->error = getaddrinfo(lookup->name, NULL, &hints, &lookup->found);
  lookup->system_error = errno;
}

static const char *lookup_reason(const struct lookup *lookup) {
  return lookup->error == EAI_SYSTEM ? strerror(lookup->system_error) : gai_strerror(lookup->error);
}

static int lookup_results(lua_State *L, struct worker_job *job) {
  struct lookup *lookup = (struct lookup *)job;
  if (lookup->error)
    return host_fail(L, "resolve", "can't resolve the name %s: %s", lookup->name, lookup_reason(lookup));
  lua_newtable(L);
  for (const struct addrinfo *at = lookup->found; at; at = at->ai_next) {
    char address[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST))
      continue;
    lua_pushstring(L, address);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

static void lookup_clear(struct worker_job *job) {
  struct lookup *lookup = (struct lookup *)job;
  free(lookup->name);
  if (lookup->found)
    freeaddrinfo(lookup->found);
}

static const struct worker_kind lookup_kind = {
    .size = sizeof(struct lookup),
    .work = lookup_work,
    .results = lookup_results,
    .clear = lookup_clear,
};

/* (name, fn) -> lookup | nil, message, code */
static int resolver_lookup(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct lookup *lookup = worker_new(L, &lookup_kind, 2);
  lookup->name = strdup(name);
  if (!lookup->name)
    return luaL_error(L, "not enough memory");
  return worker_start(L, &lookup->job);
}

static const luaL_Reg resolver_functions[] = {{"lookup", resolver_lookup}, {NULL, NULL}};

int luaopen_host_resolver(lua_State *L) {
  worker_register(L);
  luaL_newlib(L, resolver_functions);
  return 1;
}
