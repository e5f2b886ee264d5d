/* A connection to the server: it reads a request, has Lua asked, writes the answer, and begins anew. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

enum { LINGER_SECONDS = 2, PROMPT_SECONDS = 1 };

static void connection_shut(struct server_connection *connection) {
  if (connection->source.fd >= 0) {
    loop_remove(&connection->source);
    close(connection->source.fd);
  }
  connection->source.fd = -1;
  server_forget_input(connection);
  server_forget(&connection->output);
}

void server_drop(struct server_connection *connection) {
  if (connection->dropped)
    return;
  connection->dropped = true;
  connection_shut(connection);
  loop_timer_stop(&connection->timer);
  if (connection->exchange)
    connection->exchange->connection = NULL;
  connection->exchange = NULL;
  *connection->place = connection->next;
  if (connection->next)
    connection->next->place = connection->place;
  connection->server->count--;
  if (!connection->busy)
    free(connection);
}

bool server_limit(struct server_connection *connection, double seconds) {
  if (loop_timer_start(&connection->timer, seconds) == 0)
    return true;
  server_drop(connection);
  return false;
}

/* While Lua is at it nothing is read, but that the peer leaves is seen. */
static void connection_await(struct server_connection *connection) {
  uint32_t events = 0;
  if (connection->phase != SERVER_ANSWERING)
    events |= EPOLLIN;
  else if (!connection->answered)
    events |= EPOLLRDHUP;
  if (connection->output.size > 0 || connection->answered || connection->again)
    events |= EPOLLOUT;
  if (events == connection->events)
    return;
  connection->events = events;
  if (loop_modify(&connection->source, events))
    server_drop(connection);
}

static void connection_leave(struct server_connection *connection) {
  if (!connection->dropped && connection->phase != SERVER_GONE)
    connection_await(connection);
  connection->busy = false;
  if (connection->dropped)
    free(connection);
}

/* A peer that takes nothing for too long is taken to be gone. What is busy awaits when it is done. */
void server_flush(struct server_connection *connection) {
  bool limited = connection->output.size == 0 || connection->timer.position > 0 ||
                 server_limit(connection, connection->server->timeout);
  if (limited && !connection->busy)
    connection_await(connection);
}

void server_refuse(struct server_connection *connection, int status) {
  const char *reason = server_reason(status);
  size_t size = strlen(reason) + 5;
  connection->phase = SERVER_ANSWERING;
  connection->answered = true;
  connection->request.keep = false;
  connection->again = false;
  server_forget_input(connection);
  loop_timer_stop(&connection->timer);
  bool put = server_put_head(connection, status, SERVER_WHOLE, size) &&
             server_print(&connection->output, "Content-Type: text/plain\r\n\r\n") &&
             (connection->request.head || server_print(&connection->output, "%d %s\n", status, reason));
  if (put)
    server_flush(connection);
  else
    server_drop(connection);
}

void server_abandon(struct server_connection *connection, bool begun) {
  connection->exchange->connection = NULL;
  connection->exchange = NULL;
  if (begun || connection->phase == SERVER_GONE)
    server_drop(connection);
  else
    server_refuse(connection, 500);
}

static void connection_park(struct server_connection *connection) {
  connection->phase = SERVER_GONE;
  connection_shut(connection);
  server_limit(connection, LOOP_RETRY_SECONDS);
}

static void connection_gone(struct server_connection *connection) {
  if (connection->exchange && !server_tell_gone(connection->exchange))
    connection_park(connection);
  else
    server_drop(connection);
}

static void connection_linger(struct server_connection *connection) {
  connection->phase = SERVER_LINGERING;
  connection->answered = false;
  server_forget_input(connection);
  shutdown(connection->source.fd, SHUT_WR);
  server_limit(connection, LINGER_SECONDS);
}

static void connection_begin(struct server_connection *connection) {
  connection->phase = SERVER_HEAD;
  connection->answered = false;
  connection->used = true;
  connection->again = connection->arriving = connection->input_size > 0;
  server_limit(connection, connection->again ? connection->server->timeout : connection->server->idle);
}

static void connection_write(struct server_connection *connection) {
  bool answering = connection->phase == SERVER_ANSWERING;
  if (connection->output.size > 0) {
    long sent = server_send(&connection->output, connection->source.fd);
    if (sent < 0 && errno != EAGAIN) {
      connection_gone(connection);
      return;
    }
    if (sent > 0 && answering)
      loop_timer_stop(&connection->timer);
  }
  if (answering && connection->output.size > 0)
    server_flush(connection);
  else if (answering && connection->answered && connection->request.keep)
    connection_begin(connection);
  else if (answering && connection->answered)
    connection_linger(connection);
}

/* What is here already comes before the end of the connection. */
static void connection_serve(struct server_connection *connection, uint32_t events) {
  if (!connection->again && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
    server_read(connection);
  if (!connection->dropped)
    server_advance(connection);
  if (!connection->dropped)
    connection_write(connection);
}

static void connection_ready(struct loop_source *source, uint32_t events) {
  struct server_connection *connection = (struct server_connection *)source;
  connection->busy = true;
  if (connection->phase == SERVER_LINGERING)
    server_discard(connection);
  else if (connection->phase != SERVER_ANSWERING)
    connection_serve(connection, events);
  else if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))
    connection_gone(connection);
  else
    connection_write(connection);
  connection_leave(connection);
}

/* Where it was this program that was slow, the peer takes something now. */
static void connection_expired_answering(struct server_connection *connection) {
  size_t waiting = connection->output.size;
  connection_write(connection);
  if (!connection->dropped && connection->phase == SERVER_ANSWERING && connection->output.size == waiting)
    connection_gone(connection);
}

/* Half of a request is told that it came too late. */
static void connection_expired(struct loop_timer *timer) {
  struct server_connection *connection =
      (struct server_connection *)((char *)timer - offsetof(struct server_connection, timer));
  connection->busy = true;
  if (connection->phase == SERVER_ANSWERING)
    connection_expired_answering(connection);
  else if (connection->phase == SERVER_GONE)
    connection_gone(connection);
  else if (connection->input_size > 0)
    server_refuse(connection, 408);
  else
    server_drop(connection);
  connection_leave(connection);
}

void server_accept(struct server *server, int fd) {
  struct server_connection *connection = calloc(1, sizeof *connection);
  int on = 1;
  if (!connection) {
    close(fd);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->source = (struct loop_source){fd, connection_ready};
  connection->timer.fire = connection_expired;
  connection->server = server;
  connection->next = server->connections;
  connection->place = &server->connections;
  if (connection->next)
    connection->next->place = &connection->next;
  server->connections = connection;
  server->count++;
  connection->events = EPOLLIN;
  if (loop_add(&connection->source, EPOLLIN))
    server_drop(connection);
  else
    server_limit(connection, server->timeout);
}

/* Whether it may be closed for another: when nobody needs it, or its request is slow to arrive. */
static bool connection_is_spare(const struct server_connection *connection) {
  double began = connection->timer.due - connection->server->timeout;
  switch (connection->phase) {
  case SERVER_LINGERING:
    return true;
  case SERVER_HEAD:
  case SERVER_BODY:
    return (connection->used && !connection->arriving) || loop_now() - began > PROMPT_SECONDS;
  default:
    return false;
  }
}

bool server_make_room(struct server *server) {
  struct server_connection *next = NULL;
  for (struct server_connection *it = server->connections; it; it = it->next)
    if (connection_is_spare(it) && (!next || it->timer.due < next->timer.due))
      next = it;
  if (next)
    server_drop(next);
  return next != NULL;
}
