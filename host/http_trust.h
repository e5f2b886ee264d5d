/* Whom TLS trusts. */
#ifndef DOCKHOST_HTTP_TRUST_H
#define DOCKHOST_HTTP_TRUST_H

#include <curl/curl.h>

/* Trusts the certificates in the file `ca` and no others; NULL: those of the system. */
CURLcode http_trust(CURL *easy, const char *ca);

#endif
