/* Writes to stdout in a thread: who reads there may take as long as they like. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "worker.h"

struct output {
  struct worker_job job; /* first: it is the job */
  char *text;
  size_t length;
  int error;
};

static void output_work(struct worker_job *job) {
  struct output *output = (struct output *)job;
  for (size_t at = 0; at < output->length;) {
    ssize_t written = write(STDOUT_FILENO, output->text + at, output->length - at);
    if (written < 0 && errno != EINTR) {
      output->error = errno;
      return;
    }
    at += written < 0 ? 0 : (size_t)written;
  }
}

static int output_results(lua_State *L, struct worker_job *job) {
  const struct output *output = (struct output *)job;
  if (output->error)
    return host_fail_errno(L, output->error, "can't write the output");
  lua_pushboolean(L, 1);
  return 1;
}

static void output_clear(struct worker_job *job) {
  free(((struct output *)job)->text);
}

static const struct worker_kind output_kind = {sizeof(struct output), output_work, output_results,
                                               output_clear};

/* (text, fn) -> job | nil, message, code */
static int output_write(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  struct output *output = worker_new(L, &output_kind, 2);
  output->text = malloc(length + 1);
  if (!output->text)
    return luaL_error(L, "not enough memory");
  memcpy(output->text, text, length);
  output->length = length;
  return worker_start(L, &output->job);
}

static const luaL_Reg output_functions[] = {{"write", output_write}, {NULL, NULL}};

int luaopen_host_output(lua_State *L) {
  worker_register(L);
  luaL_newlib(L, output_functions);
  return 1;
}
