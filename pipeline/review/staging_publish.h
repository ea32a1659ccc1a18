// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_PUBLISH_H
#define PRESSRUN_PIPELINE_STAGING_PUBLISH_H
/*
 * A generation's way out of the stage, and back: publish, roll back, and finishing either where somebody was killed.
 * The caller holds the output's lock.
 *
 * Nothing is published where anything stands in the way of one of its outputs, unless it may be forced and is. Where a
 * move fails all the same, those before it are taken back, and the generation is staged again. Only where even that
 * fails are some outputs new and some old: then it stays in `publishing`, every later run says so and tries again, and
 * a rollback takes it back.
 *
 * The journal learns of published outputs after they have their names. Where it cannot, `note` tells; the next run then
 * makes these outputs again. A rollback goes on until it can, since without its entries what was pruned and is put back
 * would never be pruned again.
 */
#include "pipeline/review/staging.h"
#include "pipeline/review/staging_move.h"

struct journal;

struct staging_watcher { // all may be NULL
    void *self;
    void (*note)(void *self, const char *text);
    void (*obstacle)(void *self, struct str path, enum staging_obstacle obstacle);
};

struct staging_how {
    bool prune;              // outputs that no longer belong go, where nobody has edited them
    bool force;              // over what was edited since it was staged over; it is kept for a rollback
    bool durable;            // all of it survives a power failure once this returns
    uint64_t salt;           // base/salt.h
    struct journal *journal; // of the output directory, writable; NULL: it is opened where there is one
    const struct staging_watcher *watcher; // may be NULL
};

struct staging_outcome {
    uint64_t added, changed, removed; // done, now or before a kill
    uint64_t kept;                    // publish: belong no longer; rollback: not as they were published
    uint64_t obstacles;
    bool unfinished; // a publishing that was killed, which was taken back
    struct staging_facts facts;
};

// STATUS_CONFLICT: nothing is staged, it is incomplete, or something is in the way (outcome->obstacles).
enum status staging_publish(struct staging_root at, const struct staging_how *how,
                            struct staging_outcome *outcome, struct err *err);
// Of what was published last, as far as it is as it was published; `kept` counts the rest, each told as an obstacle.
// STATUS_CONFLICT: nothing was kept to go back to.
enum status staging_rollback(struct staging_root at, const struct staging_how *how,
                             struct staging_outcome *outcome, struct err *err);
// What a complete stage would note in the journal is noted, and nothing else done with it.
void staging_absorb(struct staging_root at, const struct staging_how *how);
// Finishes what somebody was killed at, and says so.
enum status staging_settle(struct staging_root at, const struct staging_how *how, struct err *err);

// Bytes that are kept of a generation's outputs: those that were replaced, or those staged. -errno.
int staging_measure(struct staging_root at, const char *directory, uint64_t *bytes);

#endif
