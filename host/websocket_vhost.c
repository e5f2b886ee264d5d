/* libwebsockets' virtual hosts for websockets: one without TLS, and one with, made when it is first needed
 * since it reads certificates. */
#include <stdlib.h>
#include <unistd.h>

#include "lwslog.h"
#include "websocket.h"

static const struct lws_protocols protocols[] = {{.name = "websocket", .callback = websocket_callback}, {0}};

static struct lws_vhost *plain, *secure;

/* The variables of the environment that name a proxy are read for want of one here; an empty one is none. */
static void vhost_without_proxy(struct lws_context_creation_info *info) {
  info->http_proxy_address = "";
#ifdef LWS_WITH_SOCKS5
  info->socks_proxy_address = "";
#endif
}

/* SSL_CERT_FILE alone, or else what OpenSSL trusts by default: SSL_CERT_DIR or the system's directory, which
 * costs nothing until a certificate is looked up. Some file must be named, or libwebsockets takes ../share.
 */
static const char *vhost_trust(struct lws_context_creation_info *info) {
  const char *file = getenv("SSL_CERT_FILE");
  info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info->client_ssl_ca_filepath = "/dev/null";
  if (!file || !*file)
    return NULL;
  if (access(file, R_OK))
    return "the file that SSL_CERT_FILE names can't be read";
  info->options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
  info->client_ssl_ca_filepath = file;
  return NULL;
}

/* Ours is the only limit of the time to connect. */
static void vhost_patience(struct lws_context_creation_info *info) {
#if LWS_LIBRARY_VERSION_NUMBER >= 4001000
  info->connect_timeout_secs = 600;
#else
  (void)info;
#endif
}

static struct lws_vhost *vhost_create(bool tls, const char **reason) {
  struct lws_context *context = loop_context();
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .vhost_name = tls ? "wss" : "ws",
      .protocols = protocols,
  };
  vhost_without_proxy(&info);
  vhost_patience(&info);
  *reason = tls ? vhost_trust(&info) : NULL;
  struct lws_vhost *vhost = context && !*reason ? lws_create_vhost(context, &info) : NULL;
  if (!*reason)
    *reason = lwslog_last();
  return vhost;
}

struct lws_vhost *websocket_vhost(bool tls, const char **reason) {
  struct lws_vhost **vhost = tls ? &secure : &plain;
  if (!*vhost)
    *vhost = vhost_create(tls, reason);
  return *vhost;
}
