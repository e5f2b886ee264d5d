/* What a peer sends on a connection where nothing was asked would be taken for the next answer: such a
 * connection is shut, and curl makes a new one. */
#include "http_idle.h"

#include <stdbool.h>
#include <sys/socket.h>

/* One more than is kept: curl closes the oldest after the newest was noted. */
static int idle[HTTP_IDLE_CONNECTIONS + 1];
static int count;

void http_idle_note(int fd) {
  http_idle_forget(fd);
  if (count <= HTTP_IDLE_CONNECTIONS)
    idle[count++] = fd;
}

void http_idle_forget(int fd) {
  for (int i = 0; i < count; i++)
    if (idle[i] == fd) {
      idle[i] = idle[--count];
      return;
    }
}

/* Reads what is there, within reason: curl would else find the connection alive. */
static bool idle_was_written(int fd) {
  char rubbish[4096];
  int chunks = 0;
  while (chunks < 4096 && recv(fd, rubbish, sizeof rubbish, MSG_DONTWAIT) > 0)
    chunks++;
  return chunks > 0;
}

void http_idle_check(void) {
  for (int i = count; i-- > 0;)
    if (idle_was_written(idle[i])) {
      shutdown(idle[i], SHUT_RDWR);
      idle[i] = idle[--count];
    }
}
