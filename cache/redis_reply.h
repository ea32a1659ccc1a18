// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_REPLY_H
#define PRESSRUN_CACHE_REDIS_REPLY_H
/*
 * What a server said: hiredis's reader, which makes no objects of its own but fills a flat list of items with bounds.
 * An array is an item with its number of elements, which follow it. So a server that announces a thousand million
 * elements, or sends on and on, meets a bound before it gets memory.
 *
 * One thread at a time.
 */
#include "base/buf.h"
#include "cache/redis_library.h"

enum redis_kind {
    REDIS_NIL,
    REDIS_TEXT,
    REDIS_STATUS,
    REDIS_ERROR,
    REDIS_INTEGER,
    REDIS_ARRAY,
    REDIS_STRANGE
};

struct redis_item {
    enum redis_kind kind;
    int64_t number; // of an integer; elements of an array
    size_t at, n;   // text within the replies' bytes
};

struct redis_bounds { // of one exchange
    size_t bytes;     // as they come
    size_t items;
};

struct redis_replies; // owned

struct redis_replies *redis_replies_new(const struct redis_library *library); // NULL: memory is out
void redis_replies_free(struct redis_replies *replies);                       // NULL is fine

// Before an exchange: forgets what was there. False where bytes are left over that nobody asked for.
bool redis_replies_begin(struct redis_replies *replies, struct redis_bounds bounds);
// Takes bytes in and counts whole replies. False: not the protocol, or beyond a bound; then the reader is of no more use.
bool redis_replies_feed(struct redis_replies *replies, struct str bytes, unsigned *whole);

size_t redis_replies_n(const struct redis_replies *replies); // items
const struct redis_item *redis_replies_item(const struct redis_replies *replies, size_t i);
struct str redis_replies_text(const struct redis_replies *replies, size_t i);

#endif
