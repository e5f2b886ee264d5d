/* Leaves transfers to themselves whose name is being resolved, where libcurl would wait for that. */
#include "http_orphan.h"

#include <sys/socket.h>

static long orphan_milliseconds(const struct http_request *request) {
  long milliseconds = (long)(request->connect_timeout * 1000);
  return milliseconds > 0 ? milliseconds : 1;
}

#if LIBCURL_VERSION_NUM >= 0x075700

int http_orphan_prepare(struct http_request *request) {
  curl_easy_setopt(request->easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS, orphan_milliseconds(request));
  return 0;
}

bool http_orphan_take(struct http_request *request) {
  (void)request;
  return false;
}

#else

/* What comes after resolving. An orphan goes no further. */
static curl_socket_t orphan_on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct http_request *request = arg;
  (void)purpose;
  if (!request)
    return CURL_SOCKET_BAD;
  request->resolved = true;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int orphan_on_send(void *arg, char *peer, char *own, int peer_port, int own_port) {
  (void)arg, (void)peer, (void)own, (void)peer_port, (void)own_port;
  return CURL_PREREQFUNC_ABORT;
}

static void orphan_unconnected(struct loop_timer *timer) {
  struct http_request *request =
      (struct http_request *)((char *)timer - offsetof(struct http_request, connect_timer));
  if (!request->sent)
    http_request_explain(request, CURLE_OPERATION_TIMEDOUT);
  http_deliver();
}

int http_orphan_prepare(struct http_request *request) {
  curl_easy_setopt(request->easy, CURLOPT_OPENSOCKETFUNCTION, orphan_on_socket);
  curl_easy_setopt(request->easy, CURLOPT_OPENSOCKETDATA, request);
  request->connect_timer.fire = orphan_unconnected;
  return loop_timer_start(&request->connect_timer, (double)orphan_milliseconds(request) / 1000);
}

bool http_orphan_take(struct http_request *request) {
  CURL *easy = request->easy;
  if (!request->added || request->ended || request->sent || request->resolved)
    return false;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, orphan_on_send);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, NULL);
  return true;
}

#endif
