/* What curl calls while it works on a request: bytes are collected here, and delivered once curl is done. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_idle.h"
#include "http_request.h"

#define HEAD_LIMIT 65536
#define HEAD_COUNT 200
/* Of all heads and trailers of an answer: curl keeps them all. */
#define LINES_LIMIT 1000
#define LINES_SIZE (4 * HEAD_LIMIT)

static bool buffer_append(struct http_buffer *buffer, const char *bytes, size_t count) {
  if (count > buffer->capacity - buffer->size) {
    size_t capacity = buffer->capacity ? buffer->capacity : 1024;
    while (capacity - buffer->size < count)
      capacity *= 2;
    char *grown = realloc(buffer->bytes, capacity);
    if (!grown)
      return false;
    buffer->bytes = grown;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->size, bytes, count);
  buffer->size += count;
  return true;
}

/* Interim answers (100 to 199) come before the final one, each with a status line of its own. */
static void head_begin(struct http_request *request, const char *line, size_t length) {
  char status[4] = "";
  const char *space = memchr(line, ' ', length);
  if (space && length - (size_t)(space - line) > 3)
    memcpy(status, space + 1, 3);
  request->status = strtol(status, NULL, 10);
  request->head.size = 0;
  request->header_count = 0;
}

static bool head_add(struct http_request *request, const char *line, size_t length) {
  struct http_buffer *head = &request->head;
  if (++request->header_count <= HEAD_COUNT && head->size + length <= HEAD_LIMIT &&
      buffer_append(head, line, length))
    return true;
  http_request_fail(request, "too-large", "the headers of the answer of %s are too large", request->peer);
  return false;
}

static bool head_lines_fit(struct http_request *request, size_t length) {
  request->lines_size += length;
  if (++request->lines <= LINES_LIMIT && request->lines_size <= LINES_SIZE)
    return true;
  http_request_fail(request, "too-large", "%s sends headers without end", request->peer);
  return false;
}

/* Anything after the head is a trailer of a chunked body, of which nobody has a use. */
static size_t on_header(char *line, size_t size, size_t count, void *arg) {
  struct http_request *request = arg;
  size_t length = size * count;
  request->last_byte = loop_now();
  if (!head_lines_fit(request, length))
    return 0;
  if (request->head_complete)
    return length;
  if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
    head_begin(request, line, length);
  } else if (line[0] == '\r' || line[0] == '\n') {
    request->head_complete = request->status >= 200;
    if (request->head_complete)
      http_request_note(request, HTTP_HEAD);
  } else if (!head_add(request, line, length)) {
    return 0;
  }
  return length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
  struct http_request *request = arg;
  size_t length = size * count;
  bool streamed = request->wanted & HTTP_DATA;
  if (request->held)
    return CURL_WRITEFUNC_PAUSE;
  if (!request->head_complete)
    http_request_fail_without_status(request);
  else if (!streamed && length > request->limit - request->body.size)
    http_request_fail(request, "too-large", "the answer of %s is larger than %zu bytes", request->peer,
                      request->limit);
  else if (!buffer_append(&request->body, bytes, length))
    http_request_fail(request, "too-large", "no memory for the answer of %s", request->peer);
  else
    http_request_note(request, HTTP_DATA);
  return request->code ? 0 : length;
}

/* The body function can't be called from inside curl: the upload pauses until the next chunk was fetched. */
static size_t on_read(char *to, size_t size, size_t count, void *arg) {
  struct http_request *request = arg;
  size_t length = size * count;
  if (request->chunk_size == 0) {
    if (request->body_ended)
      return 0;
    http_request_note(request, HTTP_PULL);
    return CURL_READFUNC_PAUSE;
  }
  if (length > request->chunk_size)
    length = request->chunk_size;
  memcpy(to, request->chunk, length);
  request->chunk += length;
  request->chunk_size -= length;
  return length;
}

/* Counts the bodies; the only place that tells of sent bytes of one that curl holds whole. */
static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
  struct http_request *request = arg;
  (void)down_total, (void)up_total;
  if (down + up != request->moved)
    request->last_byte = loop_now();
  request->moved = down + up;
  return 0;
}

/* curl sends any request anew, a few times, when a kept connection dies before the answer; but the peer may
 * have carried it out by then. */
static int on_send(void *arg, char *peer, char *own, int peer_port, int own_port) {
  struct http_request *request = arg;
  (void)peer, (void)own, (void)peer_port, (void)own_port;
  if (!request->sent || request->repeatable) {
    request->sent = true;
    return CURL_PREREQFUNC_OK;
  }
  http_request_fail(request, "closed", "%s closed the connection before it answered", request->peer);
  return CURL_PREREQFUNC_ABORT;
}

/* curl leaves its sockets open in what a script executes. */
static int on_socket(void *arg, curl_socket_t socket, curlsocktype purpose) {
  (void)arg, (void)purpose;
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  return CURL_SOCKOPT_OK;
}

static int on_close(void *arg, curl_socket_t socket) {
  (void)arg;
  http_idle_forget(socket);
  return close(socket);
}

CURLcode http_request_attach(struct http_request *request) {
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->detail);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  if (request->idle_timeout > 0) {
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
  }
  return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
}
