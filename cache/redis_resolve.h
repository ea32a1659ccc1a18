// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_RESOLVE_H
#define PRESSRUN_CACHE_REDIS_RESOLVE_H
/*
 * Addresses of a host, with a time limit: getaddrinfo has none, and a name server that is down holds it for half a
 * minute. So names are looked up by a thread of their own that is left to itself when the time is over; it then frees
 * what it holds. Numeric addresses need none.
 */
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { REDIS_ADDRESSES_MOST = 8 };

struct redis_address {
    struct sockaddr_storage address;
    socklen_t n;
};

// Until a moment of clock.monotonic. 0: none, and `why` (static) says so.
unsigned redis_resolve(const char *host, const char *port, const struct clock *clock, uint64_t until,
                       struct redis_address addresses[REDIS_ADDRESSES_MOST], const char **why);

#endif
