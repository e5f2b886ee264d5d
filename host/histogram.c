/* Counts durations by size. The bounds suit an event loop: what is under a millisecond is no delay. */
#include "histogram.h"

static const double bounds[HISTOGRAM_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,   0.25,   0.5,   1,    2.5};

void histogram_note(struct histogram *histogram, double seconds) {
  int at = 0;
  while (at < HISTOGRAM_BOUNDS && seconds > bounds[at])
    at++;
  histogram->counts[at]++;
  histogram->sum += seconds;
}

void histogram_push(lua_State *L, const struct histogram *histogram) {
  lua_createtable(L, 0, 3);
  lua_createtable(L, HISTOGRAM_BOUNDS, 0);
  for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
    lua_pushnumber(L, bounds[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "bounds");
  lua_createtable(L, HISTOGRAM_BOUNDS + 1, 0);
  for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
    lua_pushinteger(L, (lua_Integer)histogram->counts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "counts");
  lua_pushnumber(L, histogram->sum);
  lua_setfield(L, -2, "sum");
}
