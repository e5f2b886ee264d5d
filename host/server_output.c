/* What a server's connection has to write. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "server.h"

bool server_reserve(struct server_output *output, size_t size) {
  if (output->start > 0) {
    memmove(output->data, output->data + output->start, output->size);
    output->start = 0;
  }
  size_t wanted = output->size + size, room = output->room ? output->room : 512;
  while (room < wanted)
    room *= 2;
  if (room == output->room)
    return true;
  char *grown = realloc(output->data, room);
  if (!grown)
    return false;
  output->data = grown;
  output->room = room;
  return true;
}

bool server_put(struct server_output *output, const char *data, size_t size) {
  if (!server_reserve(output, size))
    return false;
  if (size > 0)
    memcpy(output->data + output->size, data, size);
  output->size += size;
  return true;
}

bool server_print(struct server_output *output, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return server_put(output, text, (size_t)size);
}

long server_send(struct server_output *output, int fd) {
  ssize_t sent;
  do
    sent = send(fd, output->data + output->start, output->size, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent > 0) {
    output->start += (size_t)sent;
    output->size -= (size_t)sent;
  }
  if (output->size == 0)
    server_forget(output);
  return sent;
}

void server_forget(struct server_output *output) {
  free(output->data);
  *output = (struct server_output){0};
}

const char *server_reason(int status) {
  static const struct {
    int status;
    const char *reason;
  } reasons[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {303, "See Other"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].reason;
  return "";
}

bool server_is_ours(const char *name) {
  static const char *const ours[] = {"Connection", "Content-Length", "Date", "Transfer-Encoding"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (strcasecmp(name, ours[i]) == 0)
      return true;
  return false;
}

static bool output_date(struct server_output *output) {
  char text[64];
  time_t now = time(NULL);
  struct tm parts;
  strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &parts));
  return server_print(output, "%s", text);
}

static bool output_framing(struct server_output *output, enum server_framing framing, size_t size) {
  switch (framing) {
  case SERVER_WHOLE:
    return server_print(output, "Content-Length: %zu\r\n", size);
  case SERVER_CHUNKED:
    return server_print(output, "Transfer-Encoding: chunked\r\n");
  default:
    return true;
  }
}

/* HTTP/1.0 must be told that a connection goes on. */
static bool output_connection(struct server_output *output, const struct server_request *request) {
  if (!request->keep)
    return server_print(output, "Connection: close\r\n");
  return !request->old || server_print(output, "Connection: keep-alive\r\n");
}

bool server_put_head(struct server_connection *connection, int status, enum server_framing framing,
                     size_t size) {
  struct server_output *output = &connection->output;
  return server_print(output, "HTTP/1.1 %d %s\r\n", status, server_reason(status)) && output_date(output) &&
         output_framing(output, framing, size) && output_connection(output, &connection->request);
}
