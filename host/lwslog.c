/* Catches the log of libwebsockets. */
#include "lwslog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

static char last[256];
static char refusal_text[128];
static int refusal;

/* "SSL error: certificate has expired (preverify_ok=0;err=10;depth=0)" */
static void lwslog_notice_refusal(const char *line) {
  static const char intro[] = "SSL error: ";
  const char *text = strstr(line, intro), *end = strstr(line, " (preverify_ok="),
             *number = strstr(line, "err=");
  if (!text || !end || !number)
    return;
  text += strlen(intro);
  snprintf(refusal_text, sizeof refusal_text, "%.*s", (int)(end - text), text);
  refusal = atoi(number + strlen("err="));
}

static void lwslog_emit(int level, const char *line) {
  (void)level;
  size_t length = strcspn(line, "\n");
  length = length < sizeof last ? length : sizeof last - 1;
  memcpy(last, line, length);
  last[length] = '\0';
  lwslog_notice_refusal(line);
}

void lwslog_catch(void) {
  lws_set_log_level(LLL_ERR | LLL_WARN, lwslog_emit);
}

const char *lwslog_last(void) {
  return last;
}

int lwslog_refusal(const char **text) {
  int number = refusal;
  *text = refusal_text;
  refusal = 0;
  return number;
}
