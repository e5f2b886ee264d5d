/* Keeps what the process knows out of core files and from other processes of its user. */
#ifndef DOCKHOST_SECRECY_H
#define DOCKHOST_SECRECY_H

/* From here on the process leaves no core, and what /proc tells of its memory and environment is root's. */
void secrecy_begin(void);

#endif
