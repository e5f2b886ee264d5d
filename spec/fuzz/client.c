/* fuzz.client: a client on the same loop that sends a text as it is, in pieces, and collects what it is sent
 * until the connection ends. One at a time. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "host.h"
#include "loop.h"

enum { RECEIVED = 1 << 22 };

static struct loop_source source = {.fd = -1};
static char *text, *received;
static size_t text_size, text_sent, step, received_size;
static enum { STAY, END, LEAVE } manner;

static int client_push(lua_State *L, void *arg) {
  (void)arg;
  host_push_anchor(L, &source);
  lua_pushlstring(L, received, received_size);
  host_release(L, &source);
  return 1;
}

static void client_close(void) {
  loop_remove(&source);
  close(source.fd);
  source.fd = -1;
  free(text);
  loop_enter(client_push, NULL);
  free(received);
  text = received = NULL;
}

/* The manner in which it is done. */
static bool client_sent(void) {
  if (manner == LEAVE)
    return false;
  if (manner == END)
    shutdown(source.fd, SHUT_WR);
  loop_modify(&source, EPOLLIN);
  return true;
}

static bool client_write(void) {
  size_t size = text_size - text_sent < step ? text_size - text_sent : step;
  ssize_t put = send(source.fd, text + text_sent, size, MSG_NOSIGNAL);
  if (put < 0) {
    loop_modify(&source, EPOLLIN);
    return true; /* an answer may have come before the end */
  }
  text_sent += (size_t)put;
  return text_sent < text_size || client_sent();
}

static bool client_read(void) {
  ssize_t got = recv(source.fd, received + received_size, RECEIVED - received_size, 0);
  if (got > 0)
    received_size += (size_t)got;
  return got > 0 || (got < 0 && errno == EAGAIN);
}

static void client_ready(struct loop_source *ready, uint32_t events) {
  (void)ready;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP) && !client_read()) || (events & EPOLLOUT && !client_write()))
    client_close();
}

/* (port, text, bytes a write, "stay" | "end" | "leave", fn): fn(received) when the connection has ended. */
static int client_say(lua_State *L) {
  static const char *const manners[] = {"stay", "end", "leave", NULL};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  address.sin_port = htons((uint16_t)luaL_checkinteger(L, 1));
  const char *data = luaL_checklstring(L, 2, &text_size);
  step = (size_t)luaL_checkinteger(L, 3);
  manner = luaL_checkoption(L, 4, NULL, manners);
  host_anchor(L, 5, &source);
  text = memcpy(malloc(text_size + 1), data, text_size);
  received = malloc(RECEIVED);
  text_sent = received_size = 0;
  source = (struct loop_source){socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client_ready};
  setsockopt(source.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(source.fd, (struct sockaddr *)&address, sizeof address))
    return luaL_error(L, "the client can't connect: %s", strerror(errno));
  loop_add(&source, EPOLLIN | EPOLLOUT);
  return 0;
}

static const luaL_Reg client_functions[] = {{"say", client_say}, {NULL, NULL}};

int luaopen_fuzz_client(lua_State *L) {
  luaL_newlib(L, client_functions);
  return 1;
}
