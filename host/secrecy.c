/* Keeps what the process knows out of core files and from other processes of its user. */
#include "secrecy.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* The limit alone would not do: the kernel pipes a core to a program whatever the limit is. */
void secrecy_begin(void) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}
