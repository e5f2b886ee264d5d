/* One HTTP request as curl works on it: what arrived and waits to be delivered, and what went wrong. Nothing
 * in here calls Lua, so all of it may run inside curl. */
#ifndef DOCKHOST_HTTP_REQUEST_H
#define DOCKHOST_HTTP_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

struct http_buffer {
  char *bytes;
  size_t size, capacity;
};

/* What a request has to deliver, in the order of delivery. */
enum http_event { HTTP_HEAD = 1, HTTP_DATA = 2, HTTP_PULL = 4, HTTP_DONE = 8 };

struct http_request {
  CURL *easy; /* NULL: closed */
  struct curl_slist *headers;
  bool added, resolved, sent, ended; /* how far curl has come */
  bool held;                         /* the peer is not read */

  unsigned wanted, events; /* sets of enum http_event */
  struct http_request *previous, *next;

  bool repeatable;   /* may be sent anew when a kept connection turns out to be dead */
  const char *chunk; /* what is left of the body function's last chunk */
  size_t chunk_size;
  bool body_ended;

  long status;
  bool head_complete;
  int header_count, lines;
  size_t lines_size;
  struct http_buffer head, body;
  size_t limit;

  struct loop_timer timeout_timer, idle_timer, connect_timer;
  double timeout, connect_timeout, idle_timeout; /* 0: none */
  double last_byte;
  curl_off_t moved;

  const char *code; /* of the failure, or NULL */
  char message[512];
  char detail[CURL_ERROR_SIZE];
  char peer[160]; /* the socket's path or host:port, for messages */
};

/* Connects the handle's callbacks and error text to the request. */
CURLcode http_request_attach(struct http_request *request);
/* Starts its timers: 0 or ENOMEM. */
int http_request_start(struct http_request *request);
/* While it is held, nothing more is read of the answer, and the peer has to wait. */
void http_request_hold(struct http_request *request, bool held);
/* Frees what it holds; it may be called again. */
void http_request_dispose(struct http_request *request);

/* Notes that an event is to be delivered, where it is wanted, or that it no longer is. */
void http_request_note(struct http_request *request, enum http_event event);
void http_request_forget(struct http_request *request, unsigned events);
/* The first request with something to deliver, or NULL. */
struct http_request *http_request_next(void);

/* The end of a transfer, for http_multi. */
void http_request_finished(CURL *easy, CURLcode result);
void http_request_unwatched(CURL *easy);
/* Ends the request with a failure, unless it has one already. */
void http_request_fail(struct http_request *request, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an answer whose first line has no status, which curl lets pass. */
void http_request_fail_without_status(struct http_request *request);
/* Fails the request with what curl reported. */
void http_request_explain(struct http_request *request, CURLcode result);
/* Delivers what is ready, now or from the loop; implemented by the binding. */
void http_deliver(void);
void http_deliver_soon(void);

#endif
