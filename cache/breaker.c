// SPDX-License-Identifier: MIT
#include "cache/breaker.h"

void breaker_init(struct breaker *breaker, const struct breaker_options *options) {
    *breaker = (struct breaker){.options = *options, .wait = options->pause};
    pthread_mutex_init(&breaker->lock, NULL);
}

void breaker_release(struct breaker *breaker) {
    pthread_mutex_destroy(&breaker->lock);
}

static uint64_t now(const struct breaker *breaker) {
    return breaker->options.clock.monotonic(breaker->options.clock.self);
}

static bool lets(const struct breaker *breaker) {
    return !breaker->open || (!breaker->trying && now(breaker) >= breaker->until);
}

enum breaker_pass breaker_ask(struct breaker *breaker) {
    enum breaker_pass pass = BREAKER_NO;
    pthread_mutex_lock(&breaker->lock);
    if (lets(breaker))
        pass = breaker->open ? BREAKER_TRY : BREAKER_YES;
    breaker->trying = breaker->trying || pass == BREAKER_TRY;
    pthread_mutex_unlock(&breaker->lock);
    return pass;
}

static void open_now(struct breaker *breaker) {
    breaker->open = true;
    breaker->opened++;
    breaker->until = now(breaker) + breaker->wait;
}

void breaker_note(struct breaker *breaker, enum breaker_pass pass, bool well) {
    pthread_mutex_lock(&breaker->lock);
    if (pass == BREAKER_TRY) {
        breaker->trying = false;
        breaker->open = !well;
        breaker->failures = 0;
        if (well) {
            breaker->wait = breaker->options.pause;
        } else {
            uint64_t most = breaker->options.pause_most;
            breaker->wait = breaker->wait < most / 2 ? breaker->wait * 2 : most;
            open_now(breaker);
        }
    } else if (pass == BREAKER_YES && !breaker->open) {
        breaker->failures = well ? 0 : breaker->failures + 1;
        if (breaker->failures >= breaker->options.failures) {
            breaker->failures = 0;
            open_now(breaker);
        }
    }
    pthread_mutex_unlock(&breaker->lock);
}

bool breaker_lets(struct breaker *breaker) {
    pthread_mutex_lock(&breaker->lock);
    bool would = lets(breaker);
    pthread_mutex_unlock(&breaker->lock);
    return would;
}
