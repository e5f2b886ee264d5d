/* Chooses the certificate authorities of a request. */
#include "http_trust.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* OpenSSL finds a certificate in a directory by a name such as "002c0b4f.0". */
static bool trust_is_hashed(const char *directory) {
  DIR *entries = opendir(directory);
  if (!entries)
    return false;
  bool hashed = false;
  const struct dirent *entry;
  while (!hashed && (entry = readdir(entries)))
    hashed = strspn(entry->d_name, "0123456789abcdef") == 8 && strcmp(entry->d_name + 8, ".0") == 0;
  closedir(entries);
  return hashed;
}

/* Reading the whole bundle takes 20 ms in which the loop stands still; the directory is looked up as needed.
 */
CURLcode http_trust(CURL *easy, const char *ca) {
  const char *directory = curl_version_info(CURLVERSION_NOW)->capath;
  const char *chosen = ca ? ca : getenv("SSL_CERT_FILE");
  if (chosen && *chosen) {
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return curl_easy_setopt(easy, CURLOPT_CAINFO, chosen);
  }
  if (directory && trust_is_hashed(directory))
    return curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  return CURLE_OK;
}
