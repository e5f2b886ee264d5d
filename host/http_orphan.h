/* libcurl before 7.87 waits for the resolver when a transfer ends whose name is being resolved: the loop
 * would stand still for seconds. There such a transfer is left to itself until its name is resolved, and only
 * then ended. */
#ifndef DOCKHOST_HTTP_ORPHAN_H
#define DOCKHOST_HTTP_ORPHAN_H

#include "http_request.h"

/* Sets the connect timeout, which must not end such a transfer either: 0 or ENOMEM. */
int http_orphan_prepare(struct http_request *request);
/* Takes the request's transfer away from it if curl may be resolving a name for it. */
bool http_orphan_take(struct http_request *request);

#endif
