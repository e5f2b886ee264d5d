/* Reads the head of an HTTP request (RFC 9112), strictly: what two programs could read in two ways is
 * refused. */
#include <string.h>
#include <strings.h>

#include "server.h"

enum { FIELDS_LIMIT = 100, METHOD_LIMIT = 32, LENGTH_DIGITS = 15 };
enum {
  BAD_REQUEST = 400,
  LENGTH_REQUIRED = 411,
  CONTENT_TOO_LARGE = 413,
  EXPECTATION_FAILED = 417,
  HEAD_TOO_LARGE = 431,
  OTHER_VERSION = 505,
};

static bool request_is_tchar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool server_is_token(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!request_is_tchar(text[i]))
      return false;
  return size > 0;
}

static bool request_is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool request_is_control(char c) {
  return ((unsigned char)c < ' ' && !request_is_blank(c)) || c == 0x7f;
}

size_t server_blank(const char *text, size_t size) {
  size_t at = 0;
  while (size - at >= 2 && text[at] == '\r' && text[at + 1] == '\n')
    at += 2;
  return at;
}

/* A line without a colon is a field without a name. */
bool server_next_field(const char *text, const struct server_request *request, size_t *at,
                       struct server_field *field) {
  const char *line = text + *at, *end = memchr(line, '\r', request->size - *at);
  if (end == line)
    return false;
  const char *colon = memchr(line, ':', (size_t)(end - line));
  *at += (size_t)(end - line) + 2;
  field->name = line;
  field->name_size = colon ? (size_t)(colon - line) : 0;
  field->value = colon ? colon + 1 : line;
  while (field->value < end && request_is_blank(*field->value))
    field->value++;
  while (end > field->value && request_is_blank(end[-1]))
    end--;
  field->value_size = (size_t)(end - field->value);
  return true;
}

bool server_is_named(const struct server_field *field, const char *name) {
  return strlen(name) == field->name_size && strncasecmp(field->name, name, field->name_size) == 0;
}

/* Whether a comma-separated value has the word. */
static bool request_lists(const struct server_field *field, const char *word) {
  const char *at = field->value, *end = at + field->value_size;
  size_t length = strlen(word);
  while (at < end) {
    size_t span = 0;
    while (at < end && (request_is_blank(*at) || *at == ','))
      at++;
    while (at + span < end && !request_is_blank(at[span]) && at[span] != ',')
      span++;
    if (span == length && strncasecmp(at, word, length) == 0)
      return true;
    at += span;
  }
  return false;
}

/* Looks for the blank line that ends the head. Lines end in CRLF, and hold no other control character. */
static int request_scan(const char *text, size_t size, size_t *seen, struct server_request *request) {
  size_t end = size < SERVER_HEAD_LIMIT ? size : SERVER_HEAD_LIMIT;
  for (size_t i = *seen; i < end; i++) {
    bool after_cr = i > 0 && text[i - 1] == '\r';
    if (after_cr != (text[i] == '\n'))
      return BAD_REQUEST;
    if (text[i] == '\n' && i >= 3 && text[i - 2] == '\n') {
      request->size = i + 1;
      return 0;
    }
    if (text[i] != '\r' && text[i] != '\n' && request_is_control(text[i]))
      return BAD_REQUEST;
  }
  *seen = size;
  return size < SERVER_HEAD_LIMIT ? 0 : HEAD_TOO_LARGE;
}

static int request_version(const char *version, size_t size, struct server_request *request) {
  if (size != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.')
    return BAD_REQUEST;
  if (version[5] != '1' || version[7] < '0' || version[7] > '9')
    return OTHER_VERSION;
  request->old = version[7] == '0';
  request->keep = !request->old;
  return 0;
}

/* The target is a path, or the asterisk that OPTIONS may ask about. */
static int request_line(const char *text, struct server_request *request) {
  const char *end = memchr(text, '\r', request->size), *space = memchr(text, ' ', (size_t)(end - text));
  if (!space || !server_is_token(text, (size_t)(space - text)) || space - text > METHOD_LIMIT)
    return BAD_REQUEST;
  const char *target = space + 1, *last = memchr(target, ' ', (size_t)(end - target));
  request->method_size = (size_t)(space - text);
  request->head = request->method_size == 4 && memcmp(text, "HEAD", 4) == 0;
  request->target = (size_t)(target - text);
  if (!last || last == target || (*target != '/' && !(*target == '*' && last == target + 1)))
    return BAD_REQUEST;
  request->target_size = (size_t)(last - target);
  request->fields = (size_t)(end - text) + 2;
  return memchr(target, '\t', request->target_size)
             ? BAD_REQUEST
             : request_version(last + 1, (size_t)(end - last) - 1, request);
}

static int request_length(const struct server_field *field, struct server_request *request) {
  size_t length = 0;
  for (size_t i = 0; i < field->value_size; i++) {
    if (field->value[i] < '0' || field->value[i] > '9')
      return BAD_REQUEST;
    if (i >= LENGTH_DIGITS)
      return CONTENT_TOO_LARGE;
    length = length * 10 + (size_t)(field->value[i] - '0');
  }
  request->content_length = length;
  return field->value_size > 0 ? 0 : BAD_REQUEST;
}

struct request_counts {
  int all, hosts, lengths;
};

/* A body must tell its length: one in chunks is refused. */
static int request_field(const struct server_field *field, struct request_counts *counts,
                         struct server_request *request) {
  if (!server_is_token(field->name, field->name_size))
    return BAD_REQUEST;
  if (++counts->all > FIELDS_LIMIT)
    return HEAD_TOO_LARGE;
  if (server_is_named(field, "Host"))
    return ++counts->hosts > 1 ? BAD_REQUEST : 0;
  if (server_is_named(field, "Content-Length"))
    return ++counts->lengths > 1 ? BAD_REQUEST : request_length(field, request);
  if (server_is_named(field, "Transfer-Encoding"))
    return LENGTH_REQUIRED;
  if (server_is_named(field, "Connection"))
    request->keep = !request_lists(field, "close") && (request->keep || request_lists(field, "keep-alive"));
  if (server_is_named(field, "Expect")) {
    request->expects = !request->old;
    return request_lists(field, "100-continue") ? 0 : EXPECTATION_FAILED;
  }
  return 0;
}

static int request_fields(const char *text, struct server_request *request) {
  struct request_counts counts = {0};
  struct server_field field;
  size_t at = request->fields;
  while (server_next_field(text, request, &at, &field)) {
    int refusal = request_field(&field, &counts, request);
    if (refusal)
      return refusal;
  }
  return counts.hosts == 0 && !request->old ? BAD_REQUEST : 0;
}

int server_parse(const char *text, size_t size, size_t *seen, struct server_request *request) {
  *request = (struct server_request){0};
  int refusal = request_scan(text, size, seen, request);
  if (refusal || request->size == 0)
    return refusal;
  refusal = request_line(text, request);
  return refusal ? refusal : request_fields(text, request);
}
