/* A name that one process of this machine has: an abstract socket. It goes with its process, needs no
 * directory, and can be asked for by every user. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"

static const char HANDLE[] = "host.claim.Claim";

struct claim_address {
  struct sockaddr_un name;
  socklen_t size;
};

static void claim_address(lua_State *L, struct claim_address *address) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && length < sizeof address->name.sun_path, 1, "1 to 107 bytes");
  *address = (struct claim_address){.name = {.sun_family = AF_UNIX}};
  memcpy(address->name.sun_path + 1, name, length);
  address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int claim_socket(void) {
  return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Nobody may fill it. */
static int claim_bind(int fd, const struct claim_address *address) {
  if (bind(fd, (const struct sockaddr *)&address->name, address->size))
    return errno;
  return shutdown(fd, SHUT_RD) ? errno : 0;
}

/* (name) -> claim | nil, message, code */
static int claim_take(lua_State *L) {
  struct claim_address address;
  claim_address(L, &address);
  int *fd = lua_newuserdatauv(L, sizeof *fd, 0);
  *fd = -1;
  luaL_setmetatable(L, HANDLE);
  *fd = claim_socket();
  int error = *fd < 0 ? errno : claim_bind(*fd, &address);
  if (error == EADDRINUSE)
    return host_fail(L, "busy", "another process has that name");
  if (error)
    return host_fail_errno(L, error, "can't take a name");
  host_anchor(L, -1, fd);
  return 1;
}

/* (name) -> boolean | nil, message, code */
static int claim_is_taken(lua_State *L) {
  struct claim_address address;
  claim_address(L, &address);
  int fd = claim_socket();
  if (fd < 0)
    return host_fail_errno(L, errno, "can't ask for a name");
  int error = connect(fd, (struct sockaddr *)&address.name, address.size) ? errno : 0;
  close(fd);
  if (error && error != ECONNREFUSED)
    return host_fail_errno(L, error, "can't ask for a name");
  lua_pushboolean(L, !error);
  return 1;
}

/* (claim) */
static int claim_close(lua_State *L) {
  int *fd = luaL_checkudata(L, 1, HANDLE);
  if (*fd >= 0) {
    close(*fd);
    *fd = -1;
    host_release(L, fd);
  }
  return 0;
}

static const luaL_Reg claim_methods[] = {
    {"close", claim_close}, {"__close", claim_close}, {"__gc", claim_close}, {NULL, NULL}};

static const luaL_Reg claim_functions[] = {{"take", claim_take}, {"is_taken", claim_is_taken}, {NULL, NULL}};

int luaopen_host_claim(lua_State *L) {
  host_metatable(L, HANDLE, claim_methods);
  luaL_newlib(L, claim_functions);
  return 1;
}
