/* The messages of a websocket: those that wait to be written, and the one that arrives in pieces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "websocket.h"

struct websocket_message {
  struct websocket_message *next;
  size_t size;
  bool binary;
  unsigned char data[]; /* LWS_PRE bytes for the head of the frame, then the message */
};

static size_t outbox_cost(const struct websocket_message *message) {
  return sizeof *message + LWS_PRE + message->size;
}

int websocket_queue(struct websocket_outbox *box, const char *data, size_t size, bool binary) {
  struct websocket_message *message = malloc(sizeof *message + LWS_PRE + size);
  if (!message)
    return ENOMEM;
  message->next = NULL;
  message->size = size;
  message->binary = binary;
  memcpy(message->data + LWS_PRE, data, size);
  if (box->last)
    box->last->next = message;
  else
    box->first = message;
  box->last = message;
  box->queued += size;
  box->held += outbox_cost(message);
  return 0;
}

static struct websocket_message *outbox_take(struct websocket_outbox *box) {
  struct websocket_message *message = box->first;
  box->first = message->next;
  if (!box->first)
    box->last = NULL;
  box->queued -= message->size;
  box->held -= outbox_cost(message);
  return message;
}

/* libwebsockets keeps what the socket does not take at once, and calls for more only when that is gone. */
int websocket_write_next(struct websocket_outbox *box, struct lws *wsi) {
  struct websocket_message *message = outbox_take(box);
  int size = (int)message->size;
  enum lws_write_protocol kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  int written = lws_write(wsi, message->data + LWS_PRE, message->size, kind);
  free(message);
  box->in_flight = lws_partial_buffered(wsi) ? (size_t)size : 0;
  return written < size ? -1 : 0;
}

void websocket_drop_queue(struct websocket_outbox *box) {
  while (box->first)
    free(outbox_take(box));
  box->in_flight = 0;
}

int websocket_assemble(struct websocket_inbox *box, const char *data, size_t size, size_t remaining) {
  size_t wanted = box->size + size + remaining;
  if (wanted > box->room) {
    size_t room = wanted > 2 * box->room ? wanted : 2 * box->room;
    char *grown = realloc(box->data, room);
    if (!grown)
      return ENOMEM;
    box->data = grown;
    box->room = room;
  }
  if (size > 0)
    memcpy(box->data + box->size, data, size);
  box->size += size;
  return 0;
}

void websocket_drop_assembled(struct websocket_inbox *box) {
  free(box->data);
  *box = (struct websocket_inbox){0};
}
