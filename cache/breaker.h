// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_BREAKER_H
#define PRESSRUN_CACHE_BREAKER_H
/*
 * A circuit breaker: after a number of failures in a row nothing is tried for a pause, then once; where that fails, too,
 * the pause doubles, up to a bound, and the first success ends it all.
 *
 * What was let through before it opened may still fail or succeed; only the one try of an open breaker moves it then.
 * Many threads may ask.
 */
#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"

struct breaker_options {
    struct clock clock;
    unsigned failures;          // in a row, that open it
    uint64_t pause, pause_most; // nanoseconds
};

struct breaker {
    struct breaker_options options;
    pthread_mutex_t lock;
    unsigned failures;
    bool open, trying;
    uint64_t wait, until; // this pause, and its end
    uint64_t opened;      // times
};

enum breaker_pass { BREAKER_NO, BREAKER_YES, BREAKER_TRY };

void breaker_init(struct breaker *breaker, const struct breaker_options *options);
void breaker_release(struct breaker *breaker);

// Whoever is let through says how it went, by breaker_note.
enum breaker_pass breaker_ask(struct breaker *breaker);
void breaker_note(struct breaker *breaker, enum breaker_pass pass, bool well);
// Whether it would be of any use to prepare something now. Changes nothing.
bool breaker_lets(struct breaker *breaker);

#endif
