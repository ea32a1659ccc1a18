// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_LIBRARY_H
#define PRESSRUN_CACHE_REDIS_LIBRARY_H
/*
 * What the redis tier uses of hiredis and libb2, found when it is wanted: linked, both would be mapped and bound at
 * every start. By the names (PRESSRUN_HIREDIS, PRESSRUN_LIBB2) of the versions whose headers were built with, as hiredis's
 * structures differ between versions. hiredis parses what a server says; sockets are ours (redis_link.h).
 *
 * Immutable once open: any thread may call what is in it until it is closed.
 */
#include <stdint.h>

#include "base/err.h"

struct redisReader;
struct redisReplyObjectFunctions;

struct redis_library { // owned handles
    void *hiredis, *b2;
    struct redisReader *(*reader_new)(struct redisReplyObjectFunctions *functions);
    void (*reader_free)(struct redisReader *reader);
    int (*reader_feed)(struct redisReader *reader, const char *bytes, size_t n);
    int (*reader_get)(struct redisReader *reader, void **reply);
    int (*blake2b)(uint8_t *out, const void *in, const void *key, size_t out_n, size_t in_n, size_t key_n);
};

// STATUS_UNSUPPORTED, with a sentence for users, where one is missing or lacks a function.
enum status redis_library_open(const char *hiredis, const char *b2, struct redis_library *library,
                               struct err *err);
void redis_library_close(struct redis_library *library);

#endif
