/* What a process knows of itself and of its like. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "process.h"

enum { BOOT_ID = 36 };

struct identity {
  uintmax_t namespace;
  long pid;
  unsigned long long start; /* in clock ticks since the machine came up */
  char boot[BOOT_ID + 1];   /* after another start of the machine, all of the rest may be the same */
};

/* () -> {name = value} */
static int process_environ(lua_State *L) {
  lua_newtable(L);
  for (char **entry = environ; *entry; entry++) {
    const char *equals = strchr(*entry, '=');
    if (!equals)
      continue;
    lua_pushlstring(L, *entry, (size_t)(equals - *entry));
    lua_pushstring(L, equals + 1);
    lua_rawset(L, -3);
  }
  return 1;
}

/* Finds the value of a variable in a text such as "NAME=value", or NULL. */
static char *process_value(char *entry, const char *name, size_t length) {
  return strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

/* (name). It is wiped where it stands, for /proc/PID/environ shows that place. */
static int process_conceal(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && !strchr(name, '='), 1, "not the name of a variable");
  for (char **entry = environ; *entry; entry++) {
    char *value = process_value(*entry, name, length);
    if (value)
      explicit_bzero(value, strlen(value));
  }
  unsetenv(name);
  return 0;
}

/* (descriptor) -> boolean */
static int process_isatty(lua_State *L) {
  lua_Integer descriptor = luaL_checkinteger(L, 1);
  luaL_argcheck(L, descriptor >= 0 && descriptor <= 2, 1, "not a standard descriptor");
  lua_pushboolean(L, isatty((int)descriptor));
  return 1;
}

static uintmax_t process_namespace(void) {
  struct stat at;
  return stat("/proc/self/ns/pid", &at) ? 0 : (uintmax_t)at.st_ino;
}

/* The 22nd field of /proc/PID/stat, whose second is in parentheses and may hold any. 0: no such process, or
 * only its zombie. */
static unsigned long long process_start(long pid) {
  char path[64], line[1024];
  unsigned long long start = 0;
  char state = 'Z';
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  size_t length = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[length] = '\0';
  const char *rest = strrchr(line, ')');
  if (!rest ||
      sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &state, &start) != 2)
    return 0;
  return state == 'Z' || state == 'X' ? 0 : start;
}

/* Which start of the machine this is, or "". */
static void process_boot(char boot[BOOT_ID + 1]) {
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  size_t length = file ? fread(boot, 1, BOOT_ID, file) : 0;
  if (file)
    fclose(file);
  boot[length] = '\0';
}

/* () -> identity */
static int process_identity(lua_State *L) {
  char text[128], boot[BOOT_ID + 1];
  long pid = getpid();
  process_boot(boot);
  snprintf(text, sizeof text, "%" PRIuMAX ":%ld:%llu:%s", process_namespace(), pid, process_start(pid), boot);
  lua_pushstring(L, text);
  return 1;
}

/* One without the last field is of an earlier version. */
static bool identity_parse(const char *text, struct identity *identity) {
  int end = 0;
  if (sscanf(text, "%" SCNuMAX ":%ld:%llu%n", &identity->namespace, &identity->pid, &identity->start, &end) !=
      3)
    return false;
  if (text[end] == '\0') {
    process_boot(identity->boot);
    return true;
  }
  return text[end] == ':' && snprintf(identity->boot, sizeof identity->boot, "%s", text + end + 1) <= BOOT_ID;
}

static bool identity_visible(const struct identity *identity) {
  char boot[BOOT_ID + 1];
  process_boot(boot);
  return identity->namespace == process_namespace() && strcmp(identity->boot, boot) == 0;
}

/* (identity) -> boolean | nil */
static int process_alive(lua_State *L) {
  struct identity identity;
  if (identity_parse(luaL_checkstring(L, 1), &identity) && identity_visible(&identity))
    lua_pushboolean(L, identity.start && process_start(identity.pid) == identity.start);
  else
    lua_pushnil(L);
  return 1;
}

static const luaL_Reg process_functions[] = {
    {"environ", process_environ},     {"conceal", process_conceal}, {"isatty", process_isatty},
    {"identity", process_identity},   {"alive", process_alive},     {"figures", process_figures},
    {"libraries", process_libraries}, {"notify", process_notify},   {NULL, NULL},
};

int luaopen_host_process(lua_State *L) {
  luaL_newlib(L, process_functions);
  lua_pushliteral(L, DOCKHOST_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
