// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_PRIOR_HISTORY_H
#define PRESSRUN_PIPELINE_STRATEGY_PRIOR_HISTORY_H
/*
 * Past sessions as samples for the prior, and what the next run of a manifest is likely to ask for.
 *
 * Only sessions of the same machine that came to their end (`done`) and did not change their strategy on the way. What
 * hits of a cache spared is added to the work as if it had been done, since another strategy would have to do it.
 *
 * Asks history.h; opening that costs some milliseconds, which a tiny run is better off without.
 */
#include "base/arena.h"
#include "monitor/history.h"
#include "pipeline/strategy/prior.h"

enum { PRIOR_SESSIONS = 100 };

// The newest PRIOR_SESSIONS of `machine` (session.h), newest first, in `arena`. `name`: of the manifest at hand.
enum status prior_history_read(struct history *h, struct str machine, struct str name, struct arena *arena,
                               struct prior_sample **samples, size_t *n, struct err *err);
// What the newest of the same manifest that made outputs asked for; false: there is none. What the cache has of it, and
// whether outputs are worth keeping, the newest tell that looked there.
bool prior_history_work(const struct prior_sample *samples, size_t n, struct prior_work *work);

#endif
