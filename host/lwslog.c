/* Catches the log of libwebsockets. */
#include "lwslog.h"

#include <stdio.h>
#include <string.h>

#include <libwebsockets.h>

static char last[256];
static char refusal_text[128];
static int refusal;

/* "SSL error: certificate has expired (preverify_ok=0;err=10;depth=0)" */
static void lwslog_notice_refusal(const char *line) {
  const char *text = strstr(line, "SSL error: ");
  if (text)
    sscanf(text, "SSL error: %127[^(](preverify_ok=%*d;err=%d", refusal_text, &refusal);
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
  refusal_text[strcspn(refusal_text, "(") - (refusal_text[0] != '\0')] = '\0';
  *text = refusal_text;
  refusal = 0;
  return number;
}
