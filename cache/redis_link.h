// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_LINK_H
#define PRESSRUN_CACHE_REDIS_LINK_H
/*
 * One connection and what goes over it: exchanges of commands and as many replies, each with a time limit and bounds.
 *
 * Whatever goes wrong closes the connection, as replies could then be taken for those of another exchange; the next
 * exchange connects anew. So does one that finds the connection closed by the server, or bytes in it that nobody
 * asked for. One thread at a time.
 */
#include "base/clock.h"
#include "cache/redis_reply.h"
#include "cache/redis_url.h"

struct redis_link {
    const struct redis_place *place; // borrowed, as is the library
    const struct redis_library *library;
    struct clock clock;
    uint64_t connect_limit; // nanoseconds
    int fd;                 // -1: none
    struct redis_replies *replies;
    uint64_t connects;
};

struct redis_exchange {
    struct str commands; // as the protocol has them: redis_command
    unsigned replies;    // of so many commands
    struct redis_bounds bounds;
    uint64_t limit; // nanoseconds
};

void redis_link_init(struct redis_link *link, const struct redis_place *place,
                     const struct redis_library *library, const struct clock *clock, uint64_t connect_limit);
void redis_link_close(struct redis_link *link); // may be used again

// True: link->replies holds exactly so many replies. False: `err` says why, and the connection is closed.
bool redis_link_exchange(struct redis_link *link, const struct redis_exchange *exchange, struct err *err);

// Adds the start of a command of so many words, and a word.
void redis_command(struct buf *commands, unsigned words);
void redis_word(struct buf *commands, struct str word);

#endif
