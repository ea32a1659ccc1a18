// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_REDIS_PROXY_H
#define PRESSRUN_TESTS_SUPPORT_REDIS_PROXY_H
/*
 * Stands before a redis-server, on a socket file of its own, and spoils what it says. Threads in the test's own
 * process; the mode may be changed at any time and holds for what is said from then on.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/str.h"

enum proxy_mode {
    PROXY_PASS,
    PROXY_STALL,      // never answers
    PROXY_HANG,       // `at` bytes of a reply, then nothing more
    PROXY_CUT,        // `at` bytes of a reply, then hangs up
    PROXY_FLIP,       // the bit `at` of a reply is the other one
    PROXY_TWICE,      // each reply two times
    PROXY_TRICKLE,    // a byte now and then
    PROXY_SAY,        // `words` instead of a reply
    PROXY_FLOOD,      // a reply of a thousand megabytes
    PROXY_FLOOD_LINE, // a line without an end
};

struct redis_proxy {
    char path[96], url[128]; // of the proxy
    char server[96];         // socket of the server
    atomic_int mode;
    atomic_uint at;
    const char *words;
    atomic_uint requests, reply_bytes; // pieces that came; bytes of the last reply, before it was spoiled
    atomic_bool ending;
    atomic_uint pairs; // connections that are served
    int listener;
    pthread_t thread;
};

bool redis_proxy_start(struct redis_proxy *proxy, const char *path, const char *server);
void redis_proxy_set(struct redis_proxy *proxy, enum proxy_mode mode, unsigned at, const char *words);
void redis_proxy_stop(struct redis_proxy *proxy);

#endif
