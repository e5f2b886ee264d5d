/* The connections that are kept open while no request uses them. */
#ifndef DOCKHOST_HTTP_IDLE_H
#define DOCKHOST_HTTP_IDLE_H

enum { HTTP_IDLE_CONNECTIONS = 16 };

/* To be called when the answer on this socket is complete, and when the socket is used again or closed. */
void http_idle_note(int fd);
void http_idle_forget(int fd);
/* To be called before a request chooses its connection. */
void http_idle_check(void);

#endif
