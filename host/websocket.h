/* One websocket connection, between libwebsockets (websocket_client.c) and Lua (websocket.c). */
#ifndef DOCKHOST_WEBSOCKET_H
#define DOCKHOST_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include <libwebsockets.h>
#include <sys/socket.h>

#include "loop.h"

enum websocket_state {
  WEBSOCKET_CONNECTING,
  WEBSOCKET_OPEN,
  WEBSOCKET_CLOSING, /* what is queued goes out, then a close frame */
  WEBSOCKET_ENDED,   /* why is known; nothing is sent or received any more */
};

struct websocket_message;

/* What waits to be written. */
struct websocket_outbox {
  struct websocket_message *first, *last;
  size_t queued, in_flight;
  size_t held; /* what the queue costs: more than its bytes, where messages are small */
};

/* The fragments of a message so far. */
struct websocket_inbox {
  char *data;
  size_t size, room;
};

/* It lives until libwebsockets and Lua have both let go of it. */
struct websocket {
  struct loop_timer timer; /* first: it is the websocket; limits opening and closing, then tells the end */
  struct loop_source probe;
  enum websocket_state state;
  struct lws *wsi;
  bool attached; /* libwebsockets will call back once more, for WSI_DESTROY */
  bool asked;    /* the upgrade request went out */
  int close_status;
  void *handle; /* in Lua; NULL once nothing is to be called any more */

  bool tls;
  char *host; /* as the certificate must name it */
  int port;
  struct sockaddr_storage address;
  socklen_t address_size;

  struct websocket_outbox outbox;
  struct websocket_inbox inbox;
  size_t limit; /* of a message that arrives */

  const char *code; /* why it ended: NULL until that is known */
  char message[320];
};

enum { WEBSOCKET_CLOSE_SECONDS = 3 };

/* To websocket_client.c */

struct websocket_request {
  const char *address, *host, *path; /* host: as the Host header has it */
};

/* Begins to connect. What becomes of it is told later, never from inside. */
void websocket_connect(struct websocket *ws, const struct websocket_request *request, double timeout);
/* To be called when something was queued. */
void websocket_flush(struct websocket *ws);
void websocket_shut(struct websocket *ws);
/* Lua lets go: nothing is called any more, and the connection is dropped. */
void websocket_abandon(struct websocket *ws);
/* Notes why the connection ends, unless that is known already. */
void websocket_fail(struct websocket *ws, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What libwebsockets calls. */
int websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

/* To websocket_queue.c: 0 or ENOMEM. */
int websocket_queue(struct websocket_outbox *box, const char *data, size_t size, bool binary);
/* 0, or -1 when the connection is broken. */
int websocket_write_next(struct websocket_outbox *box, struct lws *wsi);
void websocket_drop_queue(struct websocket_outbox *box);
/* Appends; so many bytes of the same frame are yet to come. 0 or ENOMEM. */
int websocket_assemble(struct websocket_inbox *box, const char *data, size_t size, size_t remaining);
void websocket_drop_assembled(struct websocket_inbox *box);

/* To websocket_failure.c */

/* Makes of libwebsockets' CONNECTION_ERROR a failure that a person understands. */
void websocket_explain(struct websocket *ws, const char *reason);
/* Why TCP did not connect, asked of the kernel once more; calls websocket_tell in the end. */
void websocket_probe(struct websocket *ws);
void websocket_probe_stop(struct websocket *ws);

/* To websocket_vhost.c: NULL when it can't be made, and then why. */
struct lws_vhost *websocket_vhost(bool tls, const char **reason);

/* To websocket.c: events, for Lua. False: Lua had no memory for it. */

bool websocket_opened(struct websocket *ws);
bool websocket_received(struct websocket *ws, const char *data, size_t size, bool binary);
/* Tells the end on the next turn of the loop. */
void websocket_tell(struct websocket *ws);

#endif
