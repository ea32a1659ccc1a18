// SPDX-License-Identifier: MIT
#include "pipeline/strategy/strategy.h"

#include "base/buf.h"
#include "base/suggest.h"

const struct strategy *const strategies[] = {
    &strategy_minimal,     &strategy_sequential, &strategy_parallel,
    &strategy_cache_heavy, &strategy_balanced,   NULL,
};

const struct strategy strategy_default = {
    .name = "default",
    .best_for = "runs that say nothing of it",
    .workers = {.start = STRATEGY_ALL, .least = STRATEGY_ONE, .most = STRATEGY_ALL},
    .caching = {.categories = STRATEGY_EVERY_CATEGORY,
                .tiers = STRATEGY_LOCAL | 1u << CACHE_REDIS,
                .lifetimes = 1},
    .monitoring = {.times = true, .resources = true},
    .partition = "least_loaded",
};

const char *strategy_name(size_t i) {
    return strategies[i] ? strategies[i]->name : NULL;
}

static void name_all(struct buf *out) {
    for (size_t i = 0; strategies[i]; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : strategies[i + 1] ? ", " : " and ", strategies[i]->name);
}

enum status strategy_find(struct str name, const struct strategy **strategy, struct err *err) {
    struct suggestion suggestion = suggest_for(name);
    for (size_t i = 0; strategies[i]; i++) {
        if (str_is(name, strategies[i]->name)) {
            *strategy = strategies[i];
            return STATUS_OK;
        }
        suggest_offer(&suggestion, str_of(strategies[i]->name));
    }
    if (suggestion.best.p)
        return err_set(err, STATUS_DATA, "there is no strategy \"%.*s\", did you mean \"%.*s\"?",
                       STR_ARG(name), STR_ARG(suggestion.best));
    struct buf all = BUF_INIT;
    name_all(&all);
    err_set(err, STATUS_DATA, "there is no strategy \"%.*s\"; %s are", STR_ARG(name), buf_text(&all));
    buf_release(&all);
    return err->status;
}

static uint32_t share_of(enum strategy_share share, uint32_t available) {
    return share == STRATEGY_ONE ? 1 : share == STRATEGY_HALF ? available / 2 + available % 2 : available;
}

struct strategy_workers strategy_workers(const struct strategy *strategy, uint32_t available) {
    const uint32_t n = available ? available : 1;
    return (struct strategy_workers){.start = share_of(strategy->workers.start, n),
                                     .least = share_of(strategy->workers.least, n),
                                     .most = share_of(strategy->workers.most, n)};
}
