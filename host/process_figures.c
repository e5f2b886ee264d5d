/* What this process takes of the machine, and what it is made of. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <lauxlib.h>
#include <libwebsockets.h>

#include "host.h"

struct figures {
  long threads;
  unsigned long long start; /* in clock ticks since the machine came up */
  unsigned long virtual;    /* bytes */
  long resident;            /* pages */
};

/* The fields 20 and 22 to 24 of /proc/self/stat, whose second is in parentheses and may hold any. */
static bool figures_read(struct figures *figures) {
  char line[1024];
  FILE *file = fopen("/proc/self/stat", "re");
  if (!file)
    return false;
  size_t length = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[length] = '\0';
  const char *rest = strrchr(line, ')');
  errno = EPROTO;
  return rest &&
         sscanf(rest + 1,
                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu %lu %ld",
                &figures->threads, &figures->start, &figures->virtual, &figures->resident) == 4;
}

static double figures_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Told once and kept: a wall clock that is put right later must not look like another start. */
static double figures_started(const struct figures *figures) {
  static double started;
  if (started == 0)
    started = figures_clock(CLOCK_REALTIME) - figures_clock(CLOCK_BOOTTIME) +
              (double)figures->start / (double)sysconf(_SC_CLK_TCK);
  return started;
}

/* -1 where they can't be listed. The one that lists them is not counted. */
static long figures_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (!directory)
    return -1;
  long count = -1;
  for (const struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

static double figures_seconds(const struct timeval *time) {
  return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static void figures_set(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

int process_figures(lua_State *L) {
  struct figures figures;
  if (!figures_read(&figures))
    return host_fail_errno(L, errno, "/proc/self/stat");
  long descriptors = figures_descriptors();
  struct rusage usage;
  struct rlimit limit;
  getrusage(RUSAGE_SELF, &usage);
  getrlimit(RLIMIT_NOFILE, &limit);
  lua_createtable(L, 0, 7);
  figures_set(L, "resident", (lua_Integer)figures.resident * sysconf(_SC_PAGESIZE));
  figures_set(L, "virtual", (lua_Integer)figures.virtual);
  figures_set(L, "threads", figures.threads);
  figures_set(L, "most_descriptors", (lua_Integer)limit.rlim_cur);
  if (descriptors >= 0)
    figures_set(L, "descriptors", descriptors);
  lua_pushnumber(L, figures_seconds(&usage.ru_utime) + figures_seconds(&usage.ru_stime));
  lua_setfield(L, -2, "cpu");
  lua_pushnumber(L, figures_started(&figures));
  lua_setfield(L, -2, "started");
  return 1;
}

/* The versions that run, which may be newer than those that were built against. */
int process_libraries(lua_State *L) {
  const char *websockets = lws_get_library_version();
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_pushlstring(L, websockets, strspn(websockets, "0123456789."));
  lua_setfield(L, -2, "libwebsockets");
  lua_pushstring(L, curl_version_info(CURLVERSION_NOW)->version);
  lua_setfield(L, -2, "curl");
  return 1;
}
