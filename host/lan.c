/* host.lan: the IPv4 addresses of this machine's interfaces, and whether hardware stands behind each. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define LAN_SYSFS "/sys/class/net"
/* A VLAN on a bridge on a bond is three. */
#define LAN_DEPTH 4

static bool lan_physical(const char *name, int depth);

/* Whether a directory lists an interface that is physical, as "<prefix>NAME". */
static bool lan_lists_physical(const char *directory, const char *prefix, int depth) {
  DIR *entries = opendir(directory);
  if (!entries)
    return false;
  bool found = false;
  struct dirent *entry;
  while (!found && (entry = readdir(entries)))
    if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && entry->d_name[0] != '.')
      found = lan_physical(entry->d_name + strlen(prefix), depth);
  closedir(entries);
  return found;
}

/* A bridge lists its ports in brif, a bond or a VLAN what it stands on as lower_NAME. */
static bool lan_physical(const char *name, int depth) {
  char path[sizeof LAN_SYSFS + NAME_MAX + 16];
  if (depth == 0 || strlen(name) >= IF_NAMESIZE)
    return false;
  snprintf(path, sizeof path, LAN_SYSFS "/%s/device", name);
  if (access(path, F_OK) == 0)
    return true;
  snprintf(path, sizeof path, LAN_SYSFS "/%s/brif", name);
  if (lan_lists_physical(path, "", depth - 1))
    return true;
  snprintf(path, sizeof path, LAN_SYSFS "/%s", name);
  return lan_lists_physical(path, "lower_", depth - 1);
}

static void lan_set_boolean(lua_State *L, const char *field, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, field);
}

static void lan_push(lua_State *L, const struct ifaddrs *interface) {
  const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)interface->ifa_addr;
  char name[IF_NAMESIZE], text[INET_ADDRSTRLEN];
  /* An alias is reported under its label, "eth0:1". */
  snprintf(name, sizeof name, "%.*s", (int)strcspn(interface->ifa_name, ":"), interface->ifa_name);
  inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
  lua_createtable(L, 0, 5);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, text);
  lua_setfield(L, -2, "address");
  lan_set_boolean(L, "physical", lan_physical(name, LAN_DEPTH));
  lan_set_boolean(L, "up", interface->ifa_flags & IFF_UP);
  lan_set_boolean(L, "loopback", interface->ifa_flags & IFF_LOOPBACK);
}

/* Protected, so that the list is freed whatever happens. (list) -> interfaces */
static int lan_collect(lua_State *L) {
  const struct ifaddrs *interface = lua_touserdata(L, 1);
  lua_Integer count = 0;
  lua_newtable(L);
  for (; interface; interface = interface->ifa_next) {
    if (!interface->ifa_addr || interface->ifa_addr->sa_family != AF_INET)
      continue;
    lan_push(L, interface);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

/* () -> interfaces | nil, message, code */
static int lan_interfaces(lua_State *L) {
  struct ifaddrs *list = NULL;
  lua_pushcfunction(L, lan_collect);
  if (getifaddrs(&list) != 0)
    return host_fail_errno(L, errno, "listing the network interfaces");
  lua_pushlightuserdata(L, list);
  int status = lua_pcall(L, 1, 1, 0);
  freeifaddrs(list);
  return status == LUA_OK ? 1 : lua_error(L);
}

static const luaL_Reg lan_functions[] = {{"interfaces", lan_interfaces}, {NULL, NULL}};

int luaopen_host_lan(lua_State *L) {
  luaL_newlib(L, lan_functions);
  return 1;
}
