/* Tells the supervisor that started this process how it does: the protocol of sd_notify(3). */
#include "process.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"

/* A path, or, behind an @, a name that is in no file system. */
static int notify_address(const char *name, struct sockaddr_un *address, socklen_t *size) {
  size_t length = strlen(name);
  if (name[0] != '/' && name[0] != '@')
    return EAFNOSUPPORT;
  if (length >= sizeof address->sun_path)
    return ENAMETOOLONG;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, name, length);
  if (name[0] == '@')
    address->sun_path[0] = '\0';
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return 0;
}

/* A supervisor that does not read holds up nothing here: EAGAIN. */
static int notify_send(const char *name, const char *text, size_t length) {
  struct sockaddr_un address;
  socklen_t size;
  int error = notify_address(name, &address, &size);
  if (error)
    return error;
  int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender < 0)
    return errno;
  const struct sockaddr *to = (const struct sockaddr *)&address;
  if (sendto(sender, text, length, MSG_DONTWAIT | MSG_NOSIGNAL, to, size) < 0)
    error = errno;
  close(sender);
  return error;
}

/* (text) -> true | false: there is no supervisor to tell | nil, message, code */
int process_notify(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  const char *name = getenv("NOTIFY_SOCKET");
  int error = name && *name ? notify_send(name, text, length) : 0;
  if (error)
    return host_fail_errno(L, error, "can't tell the supervisor");
  lua_pushboolean(L, name && *name);
  return 1;
}
