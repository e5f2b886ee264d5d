/* The one curl multi handle, turned by the loop. */
#ifndef DOCKHOST_HTTP_MULTI_H
#define DOCKHOST_HTTP_MULTI_H

#include <curl/curl.h>

struct http_multi_events {
  /* A transfer ended. */
  void (*finished)(CURL *easy, CURLcode result);
  /* The loop can't watch a transfer's socket. Called inside curl's own work: it may only take note. */
  void (*unwatched)(CURL *easy);
  /* curl's work of this turn is over: anything may be called again. */
  void (*turned)(void);
};

CURLcode http_multi_open(const struct http_multi_events *events);
void http_multi_close(void);
CURLMcode http_multi_add(CURL *easy);
void http_multi_remove(CURL *easy);

#endif
