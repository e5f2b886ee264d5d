/* fuzz.peer: the other end of a connection, on the same loop: it answers each HTTP request with the next of
 * the texts that it was given, byte by byte as they are, and where it is asked to, completes the upgrade to a
 * websocket first. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "fuzz.h"
#include "host.h"
#include "loop.h"

enum { MOST = 8, REQUEST = 8192, HEAD = 256 };

struct text {
  char *data;
  size_t size;
};

struct connection {
  struct loop_source source;
  bool open;
  char request[REQUEST];
  size_t have; /* of the request */
  char head[HEAD];
  struct text out[2]; /* head and body of the answer under way */
};

static struct loop_source listener = {.fd = -1};
static struct connection connections[MOST];
static struct text answers[MOST];
static int answer_count, answer_next;
static size_t step;
static bool keep, upgrade;

static void peer_close(struct connection *connection) {
  if (!connection->open)
    return;
  loop_remove(&connection->source);
  close(connection->source.fd);
  connection->open = false;
}

/* RFC 6455, 4.2.2. */
static void peer_accept_key(const char *request, char *accept, int size) {
  static const char name[] = "sec-websocket-key:", magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char text[128], hash[20];
  const char *key = strcasestr(request, name);
  key = key ? key + strlen(name) + strspn(key + strlen(name), " ") : "";
  int length = snprintf((char *)text, sizeof text, "%.*s%s", (int)strcspn(key, "\r\n"), key, magic);
  lws_SHA1(text, (size_t)length, hash);
  lws_b64_encode_string((const char *)hash, sizeof hash, accept, size);
}

static void peer_begin(struct connection *connection) {
  struct text body = {"", 0};
  char accept[64];
  if (answer_next < answer_count)
    body = answers[answer_next++];
  connection->out[0] = (struct text){connection->head, 0};
  connection->out[1] = body;
  if (upgrade) {
    peer_accept_key(connection->request, accept, sizeof accept);
    connection->out[0].size = (size_t)snprintf(connection->head, HEAD,
                                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                               "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                               accept);
  }
  connection->have = 0;
  loop_modify(&connection->source, EPOLLIN | EPOLLOUT);
}

/* What comes while an answer is under way is dropped: the bodies of requests, and a websocket's frames. */
static bool peer_read(struct connection *connection) {
  size_t space = REQUEST - 1 - connection->have;
  ssize_t got = recv(connection->source.fd, connection->request + connection->have, space, 0);
  if (got <= 0)
    return got < 0 && errno == EAGAIN;
  if (upgrade && connection->out[1].data)
    return true;
  connection->have += (size_t)got;
  connection->request[connection->have] = '\0';
  if (strstr(connection->request, "\r\n\r\n"))
    peer_begin(connection);
  else if (connection->have == REQUEST - 1)
    connection->have = 0;
  return true;
}

static bool peer_write(struct connection *connection) {
  for (struct text *part = connection->out; part < connection->out + 2; part++) {
    if (part->size == 0)
      continue;
    size_t size = part->size < step ? part->size : step;
    ssize_t put = send(connection->source.fd, part->data, size, MSG_NOSIGNAL);
    if (put < 0)
      return errno == EAGAIN;
    part->data += put;
    part->size -= (size_t)put;
    return true;
  }
  loop_modify(&connection->source, EPOLLIN);
  return keep && answer_next < answer_count;
}

static void peer_ready(struct loop_source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  if ((events & (EPOLLERR | EPOLLHUP)) || ((events & EPOLLIN) && !peer_read(connection)) ||
      ((events & EPOLLOUT) && !peer_write(connection)))
    peer_close(connection);
}

static void peer_welcome(struct loop_source *source, uint32_t events) {
  (void)events;
  int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  struct connection *connection = connections;
  while (connection < connections + MOST && connection->open)
    connection++;
  if (fd < 0 || connection == connections + MOST) {
    close(fd);
    return;
  }
  connection->source = (struct loop_source){.fd = fd, .ready = peer_ready};
  connection->open = true;
  connection->have = 0;
  memset(connection->out, 0, sizeof connection->out);
  loop_add(&connection->source, EPOLLIN);
}

static int peer_listen(lua_State *L, struct sockaddr *address, socklen_t size) {
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  listener = (struct loop_source){.fd = fd, .ready = peer_welcome};
  if (fd < 0 || bind(fd, address, size) || listen(fd, MOST) || loop_add(&listener, EPOLLIN))
    return luaL_error(L, "the peer can't listen: %s", strerror(errno));
  return 0;
}

/* (path) */
static int peer_listen_unix(lua_State *L) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", luaL_checkstring(L, 1));
  unlink(address.sun_path);
  return peer_listen(L, (struct sockaddr *)&address, sizeof address);
}

/* () -> port */
static int peer_listen_tcp(lua_State *L) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  peer_listen(L, (struct sockaddr *)&address, size);
  getsockname(listener.fd, (struct sockaddr *)&address, &size);
  lua_pushinteger(L, ntohs(address.sin_port));
  return 1;
}

/* Ends all connections and forgets the answers. () */
static int peer_drop(lua_State *L) {
  (void)L;
  for (int i = 0; i < MOST; i++) {
    peer_close(&connections[i]);
    free(answers[i].data);
    answers[i] = (struct text){0};
  }
  answer_count = answer_next = 0;
  return 0;
}

/* (bytes a write, whether connections stay open, whether it is a websocket server, answers...) */
static int peer_answer(lua_State *L) {
  peer_drop(L);
  step = (size_t)luaL_checkinteger(L, 1);
  keep = lua_toboolean(L, 2);
  upgrade = lua_toboolean(L, 3);
  for (int i = 4; i <= lua_gettop(L) && answer_count < MOST; i++) {
    size_t size;
    const char *data = luaL_checklstring(L, i, &size);
    char *copy = malloc(size + 1);
    memcpy(copy, data, size);
    answers[answer_count++] = (struct text){copy, size};
  }
  return 0;
}

/* () -> how many answers have been asked for */
static int peer_asked(lua_State *L) {
  lua_pushinteger(L, answer_next);
  return 1;
}

static const luaL_Reg peer_functions[] = {
    {"listen_unix", peer_listen_unix},
    {"listen_tcp", peer_listen_tcp},
    {"answer", peer_answer},
    {"drop", peer_drop},
    {"asked", peer_asked},
    {NULL, NULL},
};

int luaopen_fuzz_peer(lua_State *L) {
  luaL_newlib(L, peer_functions);
  return 1;
}
