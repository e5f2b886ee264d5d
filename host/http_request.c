/* The life of a request beside curl: what it has to deliver, its failure, its timers, its end. */
#include "http_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "http_multi.h"
#include "http_orphan.h"

static struct http_request *first, *last;

static bool request_is_listed(const struct http_request *request) {
  return request->previous || first == request;
}

static void request_enlist(struct http_request *request) {
  request->previous = last;
  request->next = NULL;
  *(last ? &last->next : &first) = request;
  last = request;
}

static void request_delist(struct http_request *request) {
  *(request->previous ? &request->previous->next : &first) = request->next;
  *(request->next ? &request->next->previous : &last) = request->previous;
  request->previous = request->next = NULL;
}

void http_request_note(struct http_request *request, enum http_event event) {
  request->events |= event & request->wanted;
  if (request->events && !request_is_listed(request))
    request_enlist(request);
}

void http_request_forget(struct http_request *request, unsigned events) {
  request->events &= ~events;
  if (!request->events && request_is_listed(request))
    request_delist(request);
}

struct http_request *http_request_next(void) {
  return first;
}

void http_request_fail(struct http_request *request, const char *code, const char *format, ...) {
  if (!request->code) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(request->message, sizeof request->message, format, arguments);
    va_end(arguments);
    request->code = code;
  }
  http_request_note(request, HTTP_DONE);
}

/* An orphan has no request any more. */
void http_request_finished(CURL *easy, CURLcode result) {
  struct http_request *request = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
  if (!request) {
    http_multi_remove(easy);
    curl_easy_cleanup(easy);
    return;
  }
  request->ended = true;
  if (result != CURLE_OK)
    http_request_explain(request, result);
  else if (!request->head_complete)
    http_request_fail_without_status(request);
  http_request_note(request, HTTP_DONE);
}

void http_request_unwatched(CURL *easy) {
  struct http_request *request = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
  if (request)
    http_request_fail(request, "connect", "no memory for a connection to %s", request->peer);
}

static void request_timed_out(struct loop_timer *timer) {
  struct http_request *request =
      (struct http_request *)((char *)timer - offsetof(struct http_request, timeout_timer));
  http_request_fail(request, "timeout", "%s did not answer completely within %g s", request->peer,
                    request->timeout);
  http_deliver();
}

/* Bytes only take note of the time; the timer sees for itself when it has to look again. */
static void request_idled(struct loop_timer *timer) {
  struct http_request *request =
      (struct http_request *)((char *)timer - offsetof(struct http_request, idle_timer));
  double now = loop_now(), left = (request->held ? now : request->last_byte) + request->idle_timeout - now;
  if (left > 0 && loop_timer_start(timer, left) == 0)
    return;
  http_request_fail(request, "idle", "nothing came from %s for %g s", request->peer, request->idle_timeout);
  http_deliver();
}

int http_request_start(struct http_request *request) {
  int error = http_orphan_prepare(request);
  request->timeout_timer.fire = request_timed_out;
  request->idle_timer.fire = request_idled;
  request->last_byte = loop_now();
  if (!error && request->timeout > 0)
    error = loop_timer_start(&request->timeout_timer, request->timeout);
  if (!error && request->idle_timeout > 0)
    error = loop_timer_start(&request->idle_timer, request->idle_timeout);
  return error;
}

void http_request_hold(struct http_request *request, bool held) {
  bool was_held = request->held;
  request->held = held;
  if (!request->easy || held || !was_held)
    return;
  request->last_byte = loop_now();
  curl_easy_pause(request->easy, CURLPAUSE_CONT);
  http_deliver_soon();
}

static void request_end_transfer(struct http_request *request) {
  if (http_orphan_take(request))
    return;
  if (request->added)
    http_multi_remove(request->easy);
  curl_easy_cleanup(request->easy);
}

void http_request_dispose(struct http_request *request) {
  request_end_transfer(request);
  request->easy = NULL;
  request->added = false;
  http_request_forget(request, ~0u);
  loop_timer_stop(&request->timeout_timer);
  loop_timer_stop(&request->idle_timer);
  loop_timer_stop(&request->connect_timer);
  curl_slist_free_all(request->headers);
  free(request->head.bytes);
  free(request->body.bytes);
  request->head = request->body = (struct http_buffer){0};
  request->headers = NULL;
}
