/* host.port: which TCP ports are taken on this machine, by the rule that Docker's publishing follows. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

#define PORT_COUNT 65536

struct port_set {
  uint8_t bits[PORT_COUNT / 8];
  int count;
};

static bool port_has(const struct port_set *set, unsigned port) {
  return set->bits[port / 8] >> port % 8 & 1;
}

static void port_add(struct port_set *set, unsigned port) {
  set->count += !port_has(set, port);
  set->bits[port / 8] |= (uint8_t)(1 << port % 8);
}

static int port_ask(int netlink, unsigned char family) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 query;
  } request = {
      .header = {.nlmsg_len = sizeof request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .query = {.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << TCP_LISTEN},
  };
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  const struct sockaddr *to = (const struct sockaddr *)&kernel;
  ssize_t sent;
  do
    sent = sendto(netlink, &request, sizeof request, 0, to, sizeof kernel);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

/* The kernel has the next part ready before it hands out one, so there is never anything to wait for. */
static int port_receive(int netlink, void *buffer, size_t size, size_t *length) {
  struct iovec part = {.iov_base = buffer, .iov_len = size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t received;
  do
    received = recvmsg(netlink, &message, MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received < 0)
    return errno;
  if (received == 0 || message.msg_flags & MSG_TRUNC)
    return EMSGSIZE;
  *length = (size_t)received;
  return 0;
}

static int port_error(const struct nlmsghdr *header) {
  const struct nlmsgerr *report = NLMSG_DATA(header);
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof *report))
    return EBADMSG;
  return report->error ? -report->error : EBADMSG;
}

/* The end of a dump carries an error that cut it short, as a negative errno. */
static int port_done(const struct nlmsghdr *header, bool *done) {
  const int *result = NLMSG_DATA(header);
  *done = true;
  return header->nlmsg_len >= NLMSG_LENGTH(sizeof *result) && *result < 0 ? -*result : 0;
}

static int port_take(struct port_set *set, const struct nlmsghdr *header, bool *done) {
  const struct inet_diag_msg *socket = NLMSG_DATA(header);
  switch (header->nlmsg_type) {
  case NLMSG_DONE:
    return port_done(header, done);
  case NLMSG_ERROR:
    return port_error(header);
  case SOCK_DIAG_BY_FAMILY:
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof *socket))
      return EBADMSG;
    port_add(set, ntohs(socket->id.idiag_sport));
    return 0;
  default:
    return 0;
  }
}

static int port_dump(struct port_set *set, int netlink, unsigned char family) {
  alignas(struct nlmsghdr) char buffer[32768];
  bool done = false;
  int error = port_ask(netlink, family);
  while (!error && !done) {
    size_t length = 0;
    error = port_receive(netlink, buffer, sizeof buffer, &length);
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer;
    for (; !error && !done && NLMSG_OK(header, length); header = NLMSG_NEXT(header, length))
      error = port_take(set, header, &done);
  }
  return error;
}

/* A kernel without IPv6 has no listeners there. */
static int port_dump_both(struct port_set *set, int netlink) {
  int error = port_dump(set, netlink, AF_INET);
  if (error)
    return error;
  error = port_dump(set, netlink, AF_INET6);
  return error == ENOENT || error == EAFNOSUPPORT ? 0 : error;
}

static int port_find_listening(struct port_set *set) {
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0)
    return errno;
  int error = port_dump_both(set, netlink);
  close(netlink);
  return error;
}

/* () -> set of ports | nil, message, code */
static int port_listening(lua_State *L) {
  struct port_set set = {0};
  int error = port_find_listening(&set);
  if (error)
    return host_fail_errno(L, error, "listing the ports that are listened on");
  lua_createtable(L, 0, set.count);
  for (unsigned port = 0; port < PORT_COUNT; port++) {
    if (!port_has(&set, port))
      continue;
    lua_pushboolean(L, true);
    lua_rawseti(L, -2, port);
  }
  return 1;
}

static int port_try(int family, const struct sockaddr *address, socklen_t size) {
  const int on = 1;
  int error = 0;
  int probe = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return errno;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6)
    setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(probe, address, size) != 0)
    error = errno;
  close(probe);
  return error;
}

static int port_try_ipv4(in_port_t port) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = port};
  return port_try(AF_INET, (const struct sockaddr *)&any, sizeof any);
}

/* Where IPv6 is switched off, IPv4 alone decides. */
static int port_try_ipv6(in_port_t port) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = port};
  int error = port_try(AF_INET6, (const struct sockaddr *)&any, sizeof any);
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ? 0 : error;
}

/* (number) -> boolean */
static int port_bindable(lua_State *L) {
  lua_Integer number = luaL_checkinteger(L, 1);
  luaL_argcheck(L, number >= 1 && number < PORT_COUNT, 1, "a port is from 1 to 65535");
  in_port_t port = htons((uint16_t)number);
  lua_pushboolean(L, port_try_ipv4(port) == 0 && port_try_ipv6(port) == 0);
  return 1;
}

static const luaL_Reg port_functions[] = {
    {"listening", port_listening}, {"bindable", port_bindable}, {NULL, NULL}};

int luaopen_host_port(lua_State *L) {
  luaL_newlib(L, port_functions);
  return 1;
}
