/* An HTTP/1.1 server: a listener (server_listener.c), its connections (server_connection.c), which read
 * requests (server_request.c) and write answers (server_output.c), and what Lua sees of it all (server.c,
 * server_exchange.c). It is not libwebsockets' own: that decodes the target, spins while an answer is
 * outstanding and something arrives, and does not tell that the peer has gone. */
#ifndef DOCKHOST_SERVER_H
#define DOCKHOST_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "loop.h"

enum { SERVER_HEAD_LIMIT = 16 * 1024, SERVER_WAITING_LIMIT = 1024 * 1024 };

/* The memory of Lua's handle. */
struct server {
  struct loop_source source; /* first: it is the server; fd is -1 once it is closed */
  struct loop_timer retry;
  struct server_connection *connections;
  int count, most;
  size_t limit; /* of a request's body */
  double timeout, idle;
};

/* What waits to be written. */
struct server_output {
  char *data;
  size_t start, size, room; /* `size` bytes from `start` */
};

/* The head of a request, as offsets into its text. */
struct server_request {
  size_t method, method_size, target, target_size;
  size_t fields, size;   /* where the header fields begin, and the size of the whole head */
  size_t content_length; /* of the body */
  bool head;             /* the answer has no body */
  bool old;              /* HTTP/1.0 */
  bool keep, expects;
};

enum server_phase {
  SERVER_HEAD,
  SERVER_BODY,
  SERVER_ANSWERING, /* until all of the answer is written */
  SERVER_LINGERING, /* until the peer has taken note: to close at once could cost it the answer */
  SERVER_GONE,      /* the peer went away, and Lua had no memory to be told so */
};

struct server_connection {
  struct loop_source source; /* first: it is the connection */
  struct loop_timer timer;   /* what the phase may take */
  struct server *server;
  struct server_connection *next, **place;
  struct server_exchange *exchange; /* in Lua: NULL when the answer is complete, or nobody asked for it */
  enum server_phase phase;
  bool used;     /* it had a request before */
  bool arriving; /* the next one has begun */
  bool busy, dropped;
  bool answered; /* the whole answer was queued */
  bool again;    /* there is input to look at */
  uint32_t events;

  char *input; /* the request as far as it is here, and what follows it */
  size_t input_size, input_room, input_seen, discarded;
  struct server_request request;
  struct server_output output;
};

enum server_framing { SERVER_WHOLE, SERVER_CHUNKED, SERVER_UNTIL_CLOSE, SERVER_BODILESS };

/* The memory of Lua's handle. */
struct server_exchange {
  struct server_connection *connection; /* NULL when the answer is complete or impossible */
  struct server_request request;
  enum { EXCHANGE_NEW, EXCHANGE_STREAMING, EXCHANGE_ANSWERED } state;
  enum server_framing framing; /* of a stream */
  char peer[64];
};

/* To server_listener.c */

/* 0 or an errno value. */
int server_open(struct server *server, const char *host, int port);
int server_port(const struct server *server);
/* Drops all connections too; nothing is called any more. */
void server_shut(struct server *server);

/* To server_connection.c */

/* Takes the descriptor. */
void server_accept(struct server *server, int fd);
/* At once, without a word to Lua. */
void server_drop(struct server_connection *connection);
/* Closes a connection that nobody needs, or whose request is slow to arrive: the one that would end first.
 * False: there is none. */
bool server_make_room(struct server *server);
/* Something was queued, or the answer is complete. */
void server_flush(struct server_connection *connection);
/* Answers on behalf of the host, and closes. */
void server_refuse(struct server_connection *connection, int status);
/* What the phase may take. False: there was no memory, and it is dropped. */
bool server_limit(struct server_connection *connection, double seconds);
/* Nobody will complete the answer: it becomes a 500, or when it has begun the connection is dropped. */
void server_abandon(struct server_connection *connection, bool begun);

/* To server_input.c: each may drop the connection, but consume and forget. */

void server_read(struct server_connection *connection);
/* Looks at what was read. */
void server_advance(struct server_connection *connection);
/* Reads what nobody wants. */
void server_discard(struct server_connection *connection);
/* Removes the request from the input. */
void server_consume(struct server_connection *connection);
void server_forget_input(struct server_connection *connection);

/* To server_request.c */

/* 0, or the status of a refusal. The request's size is 0 while its head is incomplete. `seen` keeps what was
 * looked at already. */
int server_parse(const char *text, size_t size, size_t *seen, struct server_request *request);
/* The size of the blank lines that some put before a request. */
size_t server_blank(const char *text, size_t size);

struct server_field {
  const char *name, *value;
  size_t name_size, value_size;
};

/* The next field of a whole head. `at` begins as request->fields; false at the end. */
bool server_next_field(const char *text, const struct server_request *request, size_t *at,
                       struct server_field *field);
bool server_is_named(const struct server_field *field, const char *name);
bool server_is_token(const char *text, size_t size);

/* To server_output.c: false for want of memory. */

bool server_reserve(struct server_output *output, size_t size);
bool server_put(struct server_output *output, const char *data, size_t size);
bool server_print(struct server_output *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes written, or -1 and errno. */
long server_send(struct server_output *output, int fd);
void server_forget(struct server_output *output);
const char *server_reason(int status);

/* The status line and the fields that are the host's; the caller adds its own and a blank line. */
bool server_put_head(struct server_connection *connection, int status, enum server_framing framing,
                     size_t size);
bool server_is_ours(const char *name);

/* To server_exchange.c */

/* Asks Lua, and takes the request out of the connection's input. False: no memory. */
bool server_ask(struct server_connection *connection);
/* The peer has gone. False: no memory to tell. */
bool server_tell_gone(struct server_exchange *exchange);
void server_exchange_open(lua_State *L);

#endif
