/* What libwebsockets has to say about a failure is only in its log. */
#ifndef DOCKHOST_LWSLOG_H
#define DOCKHOST_LWSLOG_H

/* Keeps its log off stderr. */
void lwslog_catch(void);
/* The last error or warning, or "". */
const char *lwslog_last(void);

/* Why OpenSSL refused a certificate since this was last asked: an X509_V_ERR_* number and its text, or 0. */
int lwslog_refusal(const char **text);

#endif
