/* What a server's connection reads: a request, and what follows it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server.h"

enum { FIRST_ROOM = 1024, LINGER_BYTES = 4 * 1024 * 1024 };

void server_forget_input(struct server_connection *connection) {
  free(connection->input);
  connection->input = NULL;
  connection->input_size = connection->input_room = connection->input_seen = 0;
}

void server_consume(struct server_connection *connection) {
  size_t size = connection->request.size + connection->request.content_length;
  connection->input_size -= size;
  connection->input_seen = 0;
  if (connection->input_size == 0)
    server_forget_input(connection);
  else
    memmove(connection->input, connection->input + size, connection->input_size);
}

static bool input_room(struct server_connection *connection, size_t room) {
  char *grown = room > connection->input_room ? realloc(connection->input, room) : connection->input;
  if (!grown)
    return false;
  connection->input = grown;
  if (room > connection->input_room)
    connection->input_room = room;
  return true;
}

static void input_ask(struct server_connection *connection) {
  connection->phase = SERVER_ANSWERING;
  connection->answered = false;
  loop_timer_stop(&connection->timer);
  if (!server_ask(connection))
    server_refuse(connection, 503);
}

static void input_advance_body(struct server_connection *connection) {
  if (connection->input_size >= connection->request.size + connection->request.content_length)
    input_ask(connection);
}

static void input_begin_body(struct server_connection *connection) {
  const struct server_request *request = &connection->request;
  connection->phase = SERVER_BODY;
  if (connection->input_size >= request->size + request->content_length)
    return;
  if (!input_room(connection, request->size + request->content_length) ||
      (request->expects && !server_print(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n")))
    server_drop(connection);
}

static void input_skip_blank(struct server_connection *connection) {
  size_t blank = server_blank(connection->input, connection->input_size);
  if (blank == 0)
    return;
  connection->input_size -= blank;
  connection->input_seen = 0;
  memmove(connection->input, connection->input + blank, connection->input_size);
}

static void input_advance_head(struct server_connection *connection) {
  input_skip_blank(connection);
  int refusal =
      server_parse(connection->input, connection->input_size, &connection->input_seen, &connection->request);
  if (refusal)
    server_refuse(connection, refusal);
  else if (connection->request.content_length > connection->server->limit)
    server_refuse(connection, 413);
  else if (connection->request.size > 0)
    input_begin_body(connection);
}

void server_advance(struct server_connection *connection) {
  connection->again = false;
  if (connection->phase == SERVER_HEAD && connection->input_size > 0)
    input_advance_head(connection);
  if (!connection->dropped && connection->phase == SERVER_BODY)
    input_advance_body(connection);
}

/* Bytes received; 0 when there are none now, or no more: then it is dropped. */
static size_t input_receive(struct server_connection *connection, char *data, size_t size) {
  ssize_t received = recv(connection->source.fd, data, size, MSG_DONTWAIT);
  if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR))
    server_drop(connection);
  return received > 0 ? (size_t)received : 0;
}

/* The time that a request may take runs from its first byte, be it the end of a blank line. */
static void input_arrived(struct server_connection *connection, size_t size) {
  bool begins = size > 0 && !connection->arriving;
  connection->input_size += size;
  connection->arriving |= begins;
  if (begins && connection->used)
    server_limit(connection, connection->server->timeout);
}

/* What follows a request is read with it, and waits. */
void server_read(struct server_connection *connection) {
  size_t room = connection->input_room ? 2 * connection->input_room : FIRST_ROOM, at = connection->input_size;
  if (at == connection->input_room && !input_room(connection, room))
    server_drop(connection);
  else
    input_arrived(connection, input_receive(connection, connection->input + at, connection->input_room - at));
}

void server_discard(struct server_connection *connection) {
  char scratch[8192];
  connection->discarded += input_receive(connection, scratch, sizeof scratch);
  if (connection->discarded > LINGER_BYTES)
    server_drop(connection);
}
