// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_URL_H
#define PRESSRUN_CACHE_REDIS_URL_H
/*
 * Where a redis is, from a url. Sentences about a wrong one never repeat it: there may be a password in it.
 * What was parsed is owned, and immutable until it is released.
 */
#include "base/err.h"

struct redis_place {   // owned strings
    char *host, *port; // NULL where it is a socket file
    char *path;
    char *user, *password; // NULL: none
    unsigned db;
};

enum status redis_url_parse(struct str url, struct redis_place *place, struct err *err);
void redis_place_release(struct redis_place *place);

#endif
