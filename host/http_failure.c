/* Says what went wrong with a request, in the words of a person and with one of the codes of host.http. */
#include <errno.h>
#include <string.h>

#include "http_request.h"

static const char *failure_code(CURLcode result, const char *detail) {
  switch (result) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return "resolve";
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_PEER_FAILED_VERIFICATION:
    return "tls";
  case CURLE_RECV_ERROR:
    /* curl reports a malformed chunk as a failed receive. */
    return strstr(detail, "chunk") ? "protocol" : "closed";
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_SEND_FAIL_REWIND:
  case CURLE_PARTIAL_FILE:
    return "closed";
  default:
    return "protocol";
  }
}

static void failure_connect(struct http_request *request) {
  long error = 0;
  curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
  switch (error) {
  case 0:
    http_request_fail(request, "connect", "cannot connect to %s: %s", request->peer, request->detail);
    break;
  case ENOENT:
    http_request_fail(request, "connect", "no such socket %s", request->peer);
    break;
  case ECONNREFUSED:
    http_request_fail(request, "connect", "connection refused: nothing listens on %s", request->peer);
    break;
  case EACCES:
    http_request_fail(request, "connect", "permission denied to connect to %s", request->peer);
    break;
  default:
    http_request_fail(request, "connect", "cannot connect to %s: %s", request->peer, strerror((int)error));
  }
}

/* curl quotes the proxy that it can't use, password and all. */
static void failure_hide_password(char *detail) {
  char *start = strstr(detail, "//"), *end = start ? strrchr(start, '@') : NULL;
  if (end)
    memset(start + 2, '*', (size_t)(end - start - 2));
}

void http_request_explain(struct http_request *request, CURLcode result) {
  failure_hide_password(request->detail);
  const char *detail = request->detail[0] ? request->detail : curl_easy_strerror(result);
  switch (result) {
  case CURLE_COULDNT_CONNECT:
    failure_connect(request);
    break;
  case CURLE_OPERATION_TIMEDOUT: /* of connecting: the whole has a timer of ours */
    http_request_fail(request, "connect", "no connection to %s within %g s", request->peer,
                      request->connect_timeout);
    break;
  case CURLE_OUT_OF_MEMORY: /* 7.x says this when a header line is too long, too */
    http_request_fail(request, "too-large", "the answer of %s does not fit in memory", request->peer);
    break;
#if LIBCURL_VERSION_NUM >= 0x080600
  case CURLE_TOO_LARGE:
    http_request_fail(request, "too-large", "the answer of %s is too large: %s", request->peer, detail);
    break;
#endif
  default:
    http_request_fail(request, failure_code(result, detail), "the request to %s failed: %s", request->peer,
                      detail);
  }
}

void http_request_fail_without_status(struct http_request *request) {
  http_request_fail(request, "protocol", "%s sent an answer without a status", request->peer);
}
