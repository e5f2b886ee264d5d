/* Files: what reading them needs is in file_request.c; here are locks and directories, done at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_request.h"
#include "host.h"
#include "worker.h"

static const char LOCK[] = "host.file.Lock";
enum { ID_BYTES = 16, ID_LENGTH = 2 * ID_BYTES };

/* (path) -> lock | nil, message, code */
static int file_lock(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int *fd = lua_newuserdatauv(L, sizeof *fd, 0);
  *fd = -1;
  luaL_setmetatable(L, LOCK);
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int error = *fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) ? errno : 0;
  if (error == EWOULDBLOCK)
    return host_fail(L, "busy", "%s is locked by another process", path);
  if (error)
    return host_fail_errno(L, error, lua_pushfstring(L, "can't lock %s", path));
  /* One that was restored from somewhere may be open to others; not every file system has modes. */
  (void)fchmod(*fd, 0600);
  host_anchor(L, -1, fd);
  return 1;
}

/* (lock) */
static int file_unlock(lua_State *L) {
  int *fd = luaL_checkudata(L, 1, LOCK);
  if (*fd >= 0) {
    close(*fd);
    *fd = -1;
    host_release(L, fd);
  }
  return 0;
}

static bool file_make_id(int fd, char id[ID_LENGTH + 1]) {
  unsigned char random[ID_BYTES];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return false;
  for (int i = 0; i < ID_BYTES; i++)
    snprintf(id + 2 * i, 3, "%02x", random[i]);
  return pwrite(fd, id, ID_LENGTH, 0) == ID_LENGTH && fsync(fd) == 0;
}

/* After a power loss the file may hold anything. */
static bool file_read_id(int fd, char id[ID_LENGTH + 1]) {
  id[ID_LENGTH] = '\0';
  return pread(fd, id, ID_LENGTH, 0) == ID_LENGTH && strspn(id, "0123456789abcdef") == ID_LENGTH;
}

/* (lock) -> id | nil, message, code. Without the lock, two might make one each. */
static int file_id(lua_State *L) {
  int *fd = luaL_checkudata(L, 1, LOCK);
  char id[ID_LENGTH + 1];
  luaL_argcheck(L, *fd >= 0, 1, "closed");
  if (!file_read_id(*fd, id) && !file_make_id(*fd, id))
    return host_fail_errno(L, errno, "can't write to the lock file");
  lua_pushlstring(L, id, ID_LENGTH);
  return 1;
}

static int file_mkdir_one(const char *path, mode_t mode) {
  struct stat at;
  if (mkdir(path, mode) == 0)
    return 0;
  int error = errno;
  if (stat(path, &at) == 0)
    return S_ISDIR(at.st_mode) ? 0 : ENOTDIR;
  return error;
}

/* (path, mode) -> true | nil, message, code */
static int file_mkdir(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  mode_t mode = (mode_t)luaL_checkinteger(L, 2);
  size_t size = strlen(path) + 1;
  char *partial = memcpy(lua_newuserdatauv(L, size, 0), path, size);
  int error = 0;
  for (char *slash = partial; *slash && (slash = strchr(slash + 1, '/'));) {
    *slash = '\0';
    error = file_mkdir_one(partial, mode);
    *slash = '/';
    if (error)
      break;
  }
  if (!error)
    error = file_mkdir_one(path, mode);
  if (error)
    return host_fail_errno(L, error, lua_pushfstring(L, "can't make the directory %s", path));
  lua_pushboolean(L, true);
  return 1;
}

/* (path) -> true | nil, message, code: whether this process may make files in that directory */
static int file_writable(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS))
    return host_fail_errno(L, errno, lua_pushfstring(L, "can't write to %s", path));
  lua_pushboolean(L, true);
  return 1;
}

static const luaL_Reg lock_methods[] = {
    {"close", file_unlock}, {"id", file_id}, {"__close", file_unlock}, {"__gc", file_unlock}, {NULL, NULL}};

static const luaL_Reg file_functions[] = {{"read", file_read},         {"list", file_list},
                                          {"lock", file_lock},         {"mkdir", file_mkdir},
                                          {"writable", file_writable}, {NULL, NULL}};

int luaopen_host_file(lua_State *L) {
  worker_register(L);
  host_metatable(L, LOCK, lock_methods);
  luaL_newlib(L, file_functions);
  return 1;
}
