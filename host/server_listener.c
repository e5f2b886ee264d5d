/* The listener of a server: which connections it takes. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

enum { BACKLOG = 64, AT_ONCE = 16 };

static const char REFUSAL[] =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    "Content-Type: text/plain\r\nContent-Length: 22\r\n\r\nToo many connections.\n";

static void listener_take(struct server *server, int fd) {
  if (server->count < server->most || server_make_room(server)) {
    server_accept(server, fd);
    return;
  }
  send(fd, REFUSAL, sizeof REFUSAL - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  close(fd);
}

/* Where descriptors are short the listener stays ready: it has to rest. */
static void listener_rest(struct server *server) {
  if (loop_timer_start(&server->retry, LOOP_RETRY_SECONDS) == 0)
    loop_remove(&server->source);
}

static void listener_wake(struct loop_timer *timer) {
  struct server *server = (struct server *)((char *)timer - offsetof(struct server, retry));
  if (loop_add(&server->source, EPOLLIN))
    loop_timer_start(timer, LOOP_RETRY_SECONDS);
}

static void listener_ready(struct loop_source *source, uint32_t events) {
  struct server *server = (struct server *)source;
  (void)events;
  for (int i = 0; i < AT_ONCE; i++) {
    int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      listener_take(server, fd);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      listener_rest(server);
    if (fd < 0)
      return;
  }
}

static int listener_bind(int fd, const struct addrinfo *address) {
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG) ? errno : 0;
}

static int listener_open(struct server *server, const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return errno;
  server->source = (struct loop_source){fd, listener_ready};
  server->retry.fire = listener_wake;
  int error = listener_bind(fd, address);
  if (!error)
    error = loop_add(&server->source, EPOLLIN);
  if (error) {
    close(fd);
    server->source.fd = -1;
  }
  return error;
}

int server_open(struct server *server, const char *host, int port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
  char service[16];
  snprintf(service, sizeof service, "%d", port);
  if (getaddrinfo(host, service, &hints, &found))
    return EADDRNOTAVAIL;
  int error = listener_open(server, found);
  freeaddrinfo(found);
  return error;
}

int server_port(const struct server *server) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char port[16];
  if (getsockname(server->source.fd, (struct sockaddr *)&address, &size) ||
      getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV))
    return 0;
  int number = 0;
  return sscanf(port, "%d", &number) == 1 ? number : 0;
}

void server_shut(struct server *server) {
  if (server->source.fd < 0)
    return;
  loop_timer_stop(&server->retry);
  loop_remove(&server->source);
  close(server->source.fd);
  server->source.fd = -1;
  while (server->connections)
    server_drop(server->connections);
}
