/* A websocket as libwebsockets' client sees it. Everything here may run inside of libwebsockets; the ends are
 * told later, from the loop, so that Lua may do what it likes then. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "websocket.h"

/* No pings of its own: those of Engine.IO watch over the connection. */
static const lws_retry_bo_t no_pings = {0};

void websocket_fail(struct websocket *ws, const char *code, const char *format, ...) {
  if (ws->code)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(ws->message, sizeof ws->message, format, args);
  va_end(args);
  ws->code = code;
}

static void client_kill(struct websocket *ws) {
  if (ws->wsi)
    lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void client_free(struct websocket *ws) {
  loop_timer_stop(&ws->timer);
  websocket_probe_stop(ws);
  websocket_drop_queue(&ws->outbox);
  websocket_drop_assembled(&ws->inbox);
  free(ws->host);
  free(ws);
}

/* libwebsockets has let go. With no failure noted before the upgrade was asked for, TCP did not connect. */
static void client_detached(struct websocket *ws) {
  ws->attached = false;
  ws->wsi = NULL;
  if (!ws->handle) {
    client_free(ws);
    return;
  }
  bool unexplained = !ws->code && !ws->asked;
  ws->state = WEBSOCKET_ENDED;
  websocket_drop_queue(&ws->outbox);
  if (unexplained) {
    websocket_probe(ws);
  } else {
    websocket_fail(ws, "closed", "the connection was lost");
    websocket_tell(ws);
  }
}

void websocket_abandon(struct websocket *ws) {
  ws->handle = NULL;
  ws->state = WEBSOCKET_ENDED;
  loop_timer_stop(&ws->timer);
  if (ws->attached)
    client_kill(ws);
  else
    client_free(ws);
}

/* The time to open, or to close, is over. */
static void client_expired(struct loop_timer *timer) {
  struct websocket *ws = (struct websocket *)timer;
  websocket_fail(ws, "timeout", "no answer in time");
  if (ws->attached) {
    client_kill(ws);
  } else {
    websocket_probe_stop(ws);
    websocket_tell(ws);
  }
}

static void client_limit(struct websocket *ws, double seconds) {
  ws->timer.fire = client_expired;
  loop_timer_start(&ws->timer, seconds);
}

void websocket_connect(struct websocket *ws, const struct websocket_request *request, double timeout) {
  const char *reason;
  struct lws_client_connect_info info = {
      .context = loop_context(),
      .vhost = websocket_vhost(ws->tls, &reason),
      .address = request->address,
      .host = request->host,
      .path = request->path,
      .port = ws->port,
      .alpn = "http/1.1",
      .userdata = ws,
      .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (ws->tls ? LCCSCF_USE_SSL : 0),
      .retry_and_idle_policy = &no_pings,
  };
  client_limit(ws, timeout);
  if (!info.vhost) {
    websocket_fail(ws, ws->tls ? "tls" : "connect", "%s", reason);
    client_detached(ws);
    return;
  }
  ws->attached = true;
  struct lws *wsi = lws_client_connect_via_info(&info);
  if (wsi)
    ws->wsi = wsi;
  else if (ws->attached)
    client_detached(ws);
}

void websocket_flush(struct websocket *ws) {
  if (ws->state == WEBSOCKET_OPEN)
    lws_callback_on_writable(ws->wsi);
}

static void client_close(struct websocket *ws, int status) {
  ws->state = WEBSOCKET_CLOSING;
  ws->close_status = status;
  client_limit(ws, WEBSOCKET_CLOSE_SECONDS);
  lws_callback_on_writable(ws->wsi);
}

void websocket_shut(struct websocket *ws) {
  websocket_fail(ws, "closed", "closed");
  client_close(ws, LWS_CLOSE_STATUS_NORMAL);
}

/* Without it Lua would know less than the peer thinks. */
static void client_starved(struct websocket *ws) {
  websocket_fail(ws, "too-large", "no memory for what the server sent");
  websocket_drop_queue(&ws->outbox);
  client_close(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
}

static void client_established(struct websocket *ws) {
  if (!ws->handle || ws->code)
    return; /* it was given up in this very turn, and will be killed */
  ws->state = WEBSOCKET_OPEN;
  loop_timer_stop(&ws->timer);
  if (ws->outbox.first)
    lws_callback_on_writable(ws->wsi);
  if (!websocket_opened(ws))
    client_starved(ws);
}

static void client_too_large(struct websocket *ws) {
  websocket_fail(ws, "too-large", "the server sent a message of more than %zu bytes", ws->limit);
  websocket_drop_queue(&ws->outbox);
  client_close(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
}

/* What was put together is gone before Lua is called, which may abort. */
static bool client_deliver(struct websocket *ws, bool binary) {
  struct websocket_inbox whole = ws->inbox;
  ws->inbox = (struct websocket_inbox){0};
  bool received = websocket_received(ws, whole.data, whole.size, binary);
  websocket_drop_assembled(&whole);
  return received;
}

/* Never asks to close: on that, libwebsockets 4.1.6 goes on to write past its buffer. */
static void client_receive(struct websocket *ws, const char *data, size_t size) {
  if (ws->state != WEBSOCKET_OPEN)
    return;
  size_t remaining = lws_remaining_packet_payload(ws->wsi);
  bool final = lws_is_final_fragment(ws->wsi) && remaining == 0;
  bool binary = lws_frame_is_binary(ws->wsi);
  bool taken = true;
  if (remaining > ws->limit || ws->inbox.size + size + remaining > ws->limit)
    client_too_large(ws);
  else if (final && ws->inbox.size == 0)
    taken = websocket_received(ws, data, size, binary);
  else if (websocket_assemble(&ws->inbox, data, size, remaining))
    taken = false;
  else if (final)
    taken = client_deliver(ws, binary);
  if (!taken)
    client_starved(ws);
}

static int client_write(struct websocket *ws) {
  struct websocket_outbox *outbox = &ws->outbox;
  outbox->in_flight = 0;
  if (ws->state == WEBSOCKET_ENDED)
    return 0;
  if (outbox->first && websocket_write_next(outbox, ws->wsi))
    return -1;
  if (outbox->first || outbox->in_flight) {
    lws_callback_on_writable(ws->wsi);
    return 0;
  }
  if (ws->state != WEBSOCKET_CLOSING)
    return 0;
  ws->state = WEBSOCKET_ENDED;
  lws_close_reason(ws->wsi, ws->close_status, NULL, 0);
  return -1;
}

/* `in` is the payload of the close frame: a number in network order and a text. */
static void client_peer_closes(struct websocket *ws, const unsigned char *in, size_t size) {
  if (size < 2)
    websocket_fail(ws, "closed", "closed by the server");
  else
    websocket_fail(ws, "closed", "closed by the server (%d%s%.*s)", in[0] << 8 | in[1], size > 2 ? ": " : "",
                   (int)(size - 2), in + 2);
  ws->state = WEBSOCKET_ENDED;
  client_limit(ws, WEBSOCKET_CLOSE_SECONDS);
}

static void client_refused(struct websocket *ws, const char *in, size_t size) {
  char reason[160];
  snprintf(reason, sizeof reason, "%.*s", in ? (int)size : 0, in ? in : "");
  websocket_explain(ws, reason);
}

int websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  struct websocket *ws = user; /* for the reasons below; for others it is something else */
  switch (reason) {
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    ws->asked = true;
    break;
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    ws->wsi = wsi;
    client_refused(ws, in, len);
    break;
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    ws->wsi = wsi;
    client_established(ws);
    break;
  case LWS_CALLBACK_CLIENT_RECEIVE:
    client_receive(ws, in, len);
    break;
  case LWS_CALLBACK_CLIENT_WRITEABLE:
    return client_write(ws);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    client_peer_closes(ws, in, len);
    break;
  case LWS_CALLBACK_WSI_DESTROY:
    if (ws)
      client_detached(ws);
    break;
  default:
    break;
  }
  return 0;
}
