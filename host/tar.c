/* host.tar: packs POSIX ustar archives by hand; what we send is one or two small files, for which a library
 * would cost megabytes. */
#include <stdbool.h>
#include <string.h>

#include "host.h"

#define TAR_BLOCK 512
#define TAR_OCTAL7 07777777L
#define TAR_OCTAL11 077777777777L

struct tar_header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char owner[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a tar header is one block");

static void tar_octal(char *field, size_t size, lua_Integer value) {
  for (size_t i = size - 1; i-- > 0; value >>= 3)
    field[i] = (char)('0' + (value & 7));
}

static void tar_sign(struct tar_header *header) {
  unsigned sum = 0;
  memset(header->checksum, ' ', sizeof header->checksum);
  for (size_t i = 0; i < sizeof *header; i++)
    sum += ((const unsigned char *)header)[i];
  tar_octal(header->checksum, 7, (lua_Integer)sum);
  header->checksum[6] = '\0';
}

static int tar_wrong(lua_State *L, lua_Integer entry, const char *problem) {
  return luaL_argerror(L, 1, lua_pushfstring(L, "entry %I: %s", (LUAI_UACINT)entry, problem));
}

/* An optional field that is missing is 0. */
static lua_Integer tar_integer(lua_State *L, lua_Integer entry, const char *field, bool optional,
                               lua_Integer largest) {
  int is_integer = optional;
  lua_Integer value = 0;
  if (lua_getfield(L, -1, field) != LUA_TNIL)
    value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < 0 || value > largest)
    tar_wrong(L, entry, lua_pushfstring(L, "%s is no integer from 0 to %I", field, (LUAI_UACINT)largest));
  lua_pop(L, 1);
  return value;
}

static bool tar_is_directory(lua_State *L, lua_Integer entry) {
  lua_getfield(L, -1, "type");
  const char *type = lua_tostring(L, -1);
  bool directory = type && strcmp(type, "directory") == 0;
  if (!directory && (!type || strcmp(type, "file") != 0))
    tar_wrong(L, entry, "type is neither \"file\" nor \"directory\"");
  lua_pop(L, 1);
  return directory;
}

/* An absolute name or one with ".." could land outside of the directory that the archive is meant for. */
static bool tar_stays_inside(const char *name) {
  if (*name == '\0' || *name == '/')
    return false;
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0'))
      return false;
  }
  return true;
}

static void tar_name(lua_State *L, lua_Integer entry, struct tar_header *header, bool directory) {
  size_t length = 0;
  lua_getfield(L, -1, "name");
  const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
  if (strlen(name) != length || !tar_stays_inside(name))
    tar_wrong(L, entry, "name is no relative path");
  bool slash = directory && name[length - 1] != '/';
  if (length + slash > sizeof header->name)
    tar_wrong(L, entry, "name is longer than 100 bytes");
  if (!directory && name[length - 1] == '/')
    tar_wrong(L, entry, "the name of a file ends in a slash");
  memcpy(header->name, name, length);
  if (slash)
    header->name[length] = '/';
  lua_pop(L, 1);
}

/* Pushes the content of the entry on top and returns its length. */
static size_t tar_content(lua_State *L, lua_Integer entry, bool directory) {
  size_t length = 0;
  int type = lua_getfield(L, -1, "content");
  if (type != LUA_TNIL && type != LUA_TSTRING)
    tar_wrong(L, entry, "content is no string");
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  }
  lua_tolstring(L, -1, &length);
  if (directory && length > 0)
    tar_wrong(L, entry, "a directory has no content");
  if ((lua_Integer)length > TAR_OCTAL11)
    tar_wrong(L, entry, "content is larger than 8 GiB");
  return length;
}

/* Pushes the header, the content and the padding of the entry on top as one string. */
static void tar_entry(lua_State *L, lua_Integer entry) {
  static const char zeros[TAR_BLOCK];
  struct tar_header header = {.magic = "ustar", .version = {'0', '0'}};
  bool directory = tar_is_directory(L, entry);
  header.type = directory ? '5' : '0';
  tar_name(L, entry, &header, directory);
  tar_octal(header.mode, sizeof header.mode, tar_integer(L, entry, "mode", false, 07777));
  tar_octal(header.uid, sizeof header.uid, tar_integer(L, entry, "uid", true, TAR_OCTAL7));
  tar_octal(header.gid, sizeof header.gid, tar_integer(L, entry, "gid", true, TAR_OCTAL7));
  tar_octal(header.mtime, sizeof header.mtime, tar_integer(L, entry, "mtime", true, TAR_OCTAL11));
  size_t length = tar_content(L, entry, directory);
  tar_octal(header.size, sizeof header.size, (lua_Integer)length);
  tar_sign(&header);
  lua_pushlstring(L, (const char *)&header, sizeof header);
  lua_insert(L, -2);
  lua_pushlstring(L, zeros, (TAR_BLOCK - length % TAR_BLOCK) % TAR_BLOCK);
  lua_concat(L, 3);
}

/* (entries) -> archive */
static int tar_pack(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  luaL_Buffer archive;
  luaL_buffinit(L, &archive);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_geti(L, 1, i) != LUA_TTABLE)
      tar_wrong(L, i, "no table");
    tar_entry(L, i);
    lua_remove(L, -2);
    luaL_addvalue(&archive);
  }
  memset(luaL_prepbuffsize(&archive, 2 * TAR_BLOCK), 0, 2 * TAR_BLOCK);
  luaL_addsize(&archive, 2 * TAR_BLOCK);
  luaL_pushresult(&archive);
  return 1;
}

static const luaL_Reg tar_functions[] = {{"pack", tar_pack}, {NULL, NULL}};

int luaopen_host_tar(lua_State *L) {
  luaL_newlib(L, tar_functions);
  return 1;
}
