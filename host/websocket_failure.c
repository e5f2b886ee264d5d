/* Says in words for a person why a websocket did not open. libwebsockets knows more than it tells. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lwslog.h"
#include "websocket.h"

static void explain_certificate(struct websocket *ws, int refusal, const char *text) {
  switch (refusal) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    websocket_fail(ws, "tls", "the certificate is not valid for %s", ws->host);
    break;
  case X509_V_ERR_CERT_HAS_EXPIRED:
    websocket_fail(ws, "tls", "the certificate of %s has expired", ws->host);
    break;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    websocket_fail(
        ws, "tls",
        "the certificate of %s is not signed by an authority known here (%s): if it is one of your own, "
        "name its file in SSL_CERT_FILE",
        ws->host, text);
    break;
  default:
    websocket_fail(ws, "tls", "the certificate of %s is refused: %s", ws->host, text);
  }
}

static void explain_tls(struct websocket *ws) {
  const char *text;
  int refusal = lwslog_refusal(&text);
  if (refusal)
    explain_certificate(ws, refusal, text);
  else
    websocket_fail(ws, "tls", "no TLS connection to %s: is it really TLS that port %d speaks?", ws->host,
                   ws->port);
}

static void explain_answer(struct websocket *ws, const char *reason) {
  char target[128];
  int status = (int)lws_http_client_http_response(ws->wsi);
  if (status == 101)
    websocket_fail(ws, "handshake", "a wrong answer to the websocket upgrade (%s)", reason);
  else if (status == 0)
    websocket_fail(ws, "handshake", "no HTTP answer to the websocket upgrade (%s)", reason);
  else if (status / 100 == 3 && lws_hdr_copy(ws->wsi, target, sizeof target, WSI_TOKEN_HTTP_LOCATION) > 0)
    websocket_fail(ws, "handshake", "HTTP %d instead of a websocket upgrade: it redirects to %s", status,
                   target);
  else
    websocket_fail(ws, "handshake", "HTTP %d instead of a websocket upgrade", status);
}

/* Without a socket it was TCP that failed: the probe will tell. */
void websocket_explain(struct websocket *ws, const char *reason) {
  if (ws->asked)
    explain_answer(ws, reason);
  else if (strstr(reason, "Timed out") || strstr(reason, "imeout"))
    websocket_fail(ws, "timeout", "no answer in time");
  else if (lws_get_socket_fd(ws->wsi) >= 0 && ws->tls)
    explain_tls(ws);
}

static void probe_tell(struct websocket *ws, int error) {
  websocket_probe_stop(ws);
  websocket_fail(ws, "connect", "%s", error ? strerror(error) : "can't connect");
  ws->message[0] = (char)tolower((unsigned char)ws->message[0]);
  websocket_tell(ws);
}

static void probe_ready(struct loop_source *source, uint32_t events) {
  struct websocket *ws = (struct websocket *)((char *)source - offsetof(struct websocket, probe));
  int error = 0;
  socklen_t size = sizeof error;
  (void)events;
  getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  probe_tell(ws, error);
}

/* 0 when it connects after all, EINPROGRESS when that is not known yet. */
static int probe_connect(struct websocket *ws) {
  ws->probe.fd = socket(ws->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (ws->probe.fd < 0)
    return errno;
  return connect(ws->probe.fd, (struct sockaddr *)&ws->address, ws->address_size) ? errno : 0;
}

void websocket_probe(struct websocket *ws) {
  ws->probe = (struct loop_source){-1, probe_ready};
  int error = probe_connect(ws);
  if (error != EINPROGRESS || (error = loop_add(&ws->probe, EPOLLOUT)))
    probe_tell(ws, error);
}

void websocket_probe_stop(struct websocket *ws) {
  if (!ws->probe.ready || ws->probe.fd < 0)
    return;
  loop_remove(&ws->probe);
  close(ws->probe.fd);
  ws->probe.fd = -1;
}
