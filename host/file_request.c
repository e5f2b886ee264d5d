/* Reads files and lists directories in a thread, since a disk may be slow. */
#include "file_request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "worker.h"

/* A read or a listing: what was asked for, then what came of it. `text` holds a file's bytes or a directory's
 * names, each with its NUL. */
struct request {
  struct worker_job job; /* first: it is the job */
  char *path;
  size_t limit;
  char *text;
  size_t length, capacity;
  int error;
};

static bool request_grow(struct request *request, size_t wanted) {
  if (wanted <= request->capacity)
    return true;
  size_t capacity = request->capacity ? request->capacity * 2 : 4096;
  capacity = capacity < wanted ? wanted : capacity;
  char *grown = realloc(request->text, capacity);
  if (!grown)
    return false;
  request->text = grown;
  request->capacity = capacity;
  return true;
}

/* Reads until the end of the file, or one byte past the limit. */
static int request_fill(struct request *request, int fd) {
  for (;;) {
    size_t room = request->limit + 1 - request->length;
    if (room == 0)
      return EFBIG;
    room = room < 65536 ? room : 65536;
    if (!request_grow(request, request->length + room))
      return ENOMEM;
    ssize_t got = read(fd, request->text + request->length, room);
    if (got <= 0)
      return got ? errno : 0;
    request->length += (size_t)got;
  }
}

/* Without O_NONBLOCK, opening a FIFO would wait for its writer. */
static void read_work(struct worker_job *job) {
  struct request *request = (struct request *)job;
  int fd = open(request->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    request->error = errno;
    return;
  }
  request->error = request_fill(request, fd);
  close(fd);
}

static int request_failure(lua_State *L, const struct request *request) {
  return host_fail_errno(L, request->error, lua_pushfstring(L, "can't read %s", request->path));
}

static int read_results(lua_State *L, struct worker_job *job) {
  const struct request *request = (struct request *)job;
  if (request->error == EFBIG)
    return host_fail(L, "too-large", "%s is larger than %s bytes", request->path,
                     lua_pushfstring(L, "%I", (LUAI_UACINT)request->limit));
  if (request->error)
    return request_failure(L, request);
  lua_pushlstring(L, request->text ? request->text : "", request->length);
  return 1;
}

static bool list_add(struct request *request, const char *name) {
  size_t size = strlen(name) + 1;
  if (!request_grow(request, request->length + size))
    return false;
  memcpy(request->text + request->length, name, size);
  request->length += size;
  return true;
}

static int list_fill(struct request *request, DIR *directory) {
  const struct dirent *entry;
  while (errno = 0, (entry = readdir(directory)))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
        !list_add(request, entry->d_name))
      return ENOMEM;
  return errno;
}

static void list_work(struct worker_job *job) {
  struct request *request = (struct request *)job;
  DIR *directory = opendir(request->path);
  if (!directory) {
    request->error = errno;
    return;
  }
  request->error = list_fill(request, directory);
  closedir(directory);
}

static void list_sort(lua_State *L) {
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushvalue(L, -3);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

static int list_results(lua_State *L, struct worker_job *job) {
  const struct request *request = (struct request *)job;
  if (request->error)
    return request_failure(L, request);
  lua_newtable(L);
  const char *end = request->text + request->length;
  lua_Integer n = 0;
  for (const char *name = request->text; name < end; name += strlen(name) + 1) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++n);
  }
  list_sort(L);
  return 1;
}

static void request_clear(struct worker_job *job) {
  struct request *request = (struct request *)job;
  free(request->path);
  free(request->text);
}

static const struct worker_kind read_kind = {sizeof(struct request), read_work, read_results, request_clear};
static const struct worker_kind list_kind = {sizeof(struct request), list_work, list_results, request_clear};

static struct request *request_new(lua_State *L, const struct worker_kind *kind, int fn) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, fn, LUA_TFUNCTION);
  struct request *request = worker_new(L, kind, fn);
  request->path = strdup(path);
  if (!request->path)
    luaL_error(L, "not enough memory");
  return request;
}

int file_read(lua_State *L) {
  lua_Integer limit = luaL_checkinteger(L, 2);
  luaL_argcheck(L, limit >= 0, 2, "less than nothing");
  struct request *request = request_new(L, &read_kind, 3);
  request->limit = (size_t)limit;
  return worker_start(L, &request->job);
}

int file_list(lua_State *L) {
  return worker_start(L, &request_new(L, &list_kind, 2)->job);
}
