/* Turns curl's multi handle: each of its sockets is a source on the loop, its one timer a timer of the loop.
 */
#include "http_multi.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "http_idle.h"
#include "loop.h"

/* A socket that curl has asked to watch: some request uses it. */
struct watched {
  struct loop_source source; /* first: it is the watched socket */
  struct watched *next;
};

static struct watched *watched;
static CURLM *multi;
static struct loop_timer multi_timer;
static const struct http_multi_events *multi_events;

static bool multi_uses(curl_socket_t socket) {
  for (const struct watched *each = watched; each; each = each->next)
    if (each->source.fd == socket)
      return true;
  return false;
}

/* The next request may have taken the connection before the end of this one is told. */
static void multi_rest(CURL *easy) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD &&
      !multi_uses(socket))
    http_idle_note(socket);
}

static void multi_act(curl_socket_t socket, int bits) {
  int running, left;
  const CURLMsg *message;
  curl_multi_socket_action(multi, socket, bits, &running);
  while ((message = curl_multi_info_read(multi, &left)))
    if (message->msg == CURLMSG_DONE) {
      multi_rest(message->easy_handle);
      multi_events->finished(message->easy_handle, message->data.result);
    }
  multi_events->turned();
}

/* An error is left for curl to find by reading or writing, so that it reports which one. */
static void multi_ready(struct loop_source *source, uint32_t events) {
  int bits = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    bits |= CURL_CSELECT_IN;
  if (events & (EPOLLOUT | EPOLLERR))
    bits |= CURL_CSELECT_OUT;
  multi_act(source->fd, bits);
}

static void multi_due(struct loop_timer *timer) {
  (void)timer;
  multi_act(CURL_SOCKET_TIMEOUT, 0);
}

static int multi_on_timer(CURLM *handle, long milliseconds, void *arg) {
  (void)handle, (void)arg;
  if (milliseconds < 0)
    loop_timer_stop(&multi_timer);
  else if (loop_timer_start(&multi_timer, (double)milliseconds / 1000) != 0)
    return -1;
  return 0;
}

static void multi_unwatch(struct loop_source *source) {
  struct watched **link = &watched;
  while (*link && &(*link)->source != source)
    link = &(*link)->next;
  if (!*link)
    return;
  struct watched *gone = *link;
  *link = gone->next;
  loop_remove(source);
  free(gone);
}

static int multi_watch(struct loop_source *source, curl_socket_t socket, uint32_t events) {
  http_idle_forget(socket);
  if (source)
    return loop_modify(source, events);
  struct watched *new = malloc(sizeof *new);
  if (!new)
    return -1;
  *new = (struct watched){{.fd = socket, .ready = multi_ready}, watched};
  watched = new;
  if (loop_add(&new->source, events) == 0 && curl_multi_assign(multi, socket, &new->source) == CURLM_OK)
    return 0;
  multi_unwatch(&new->source);
  return -1;
}

/* A refusal from here would end every transfer of the multi handle for good, so only the one fails. */
static int multi_on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *data) {
  struct loop_source *source = data;
  uint32_t events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
  (void)arg;
  if (what == CURL_POLL_REMOVE)
    multi_unwatch(source);
  else if (multi_watch(source, socket, events) != 0)
    multi_events->unwatched(easy);
  return 0;
}

/* curl is set up at the first request, for it costs milliseconds that a start need not pay. */
CURLcode http_multi_open(const struct http_multi_events *events) {
  CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK)
    return result;
  multi = curl_multi_init();
  if (!multi) {
    curl_global_cleanup();
    return CURLE_OUT_OF_MEMORY;
  }
  multi_events = events;
  multi_timer.fire = multi_due;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, multi_on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, multi_on_timer);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)HTTP_IDLE_CONNECTIONS);
  return CURLE_OK;
}

void http_multi_close(void) {
  if (!multi)
    return;
  curl_multi_cleanup(multi);
  multi = NULL;
  loop_timer_stop(&multi_timer);
  curl_global_cleanup();
}

CURLMcode http_multi_add(CURL *easy) {
  http_idle_check();
  return curl_multi_add_handle(multi, easy);
}

void http_multi_remove(CURL *easy) {
  curl_multi_remove_handle(multi, easy);
}
