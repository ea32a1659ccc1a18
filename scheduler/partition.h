// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_PARTITION_H
#define PRESSRUN_SCHEDULER_PARTITION_H
/*
 * How batches are shared among workers: one row each. A policy says which worker a batch belongs to, from its number
 * alone, or that it is anybody's; and whether large ones go first. What is no batch (steps of nodes, what a batch hands on)
 * is always anybody's. The work of a worker that is parked is anybody's, too, so no policy can strand a batch.
 *
 * To add one: a row in partition.c. Its name is then known to `run --partition`, and `strategies --partitions` compares it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define PARTITION_ANY UINT32_MAX

struct partition {
    const char *name;
    const char *what; // it does, in a sentence
    // The worker that batch number `sequence` belongs to, of so many; NULL: it is anybody's.
    uint32_t (*home)(uint64_t sequence, uint32_t workers);
    bool longest_first; // of the batches that wait, else the one that has waited longest
};

enum {
    PARTITION_LEAST_LOADED,
    PARTITION_LONGEST_FIRST,
    PARTITION_ROUND_ROBIN,
    PARTITION_STATIC,
    PARTITIONS_N
};
extern const struct partition partitions[PARTITIONS_N];
// One by its name. STATUS_DATA: there is none; err has the nearest, or all.
enum status partition_find(struct str name, const struct partition **partition, struct err *err);

#endif
