// SPDX-License-Identifier: MIT
#include "scheduler/partition.h"

#include <string.h>

// Batches in a row that belong to one worker. More would leave the others without work: only so many are in flight.
enum { BLOCK = 2 };

static uint32_t home_by_block(uint64_t sequence, uint32_t workers) {
    return (uint32_t)(sequence / BLOCK % workers);
}

static uint32_t home_in_turn(uint64_t sequence, uint32_t workers) {
    return (uint32_t)(sequence % workers);
}

const struct partition partitions[PARTITIONS_N] = {
    {.name = "least_loaded", .what = "the worker that is free first takes the batch that has waited longest"},
    {.name = "longest_first",
     .what = "the worker that is free first takes the largest batch that waits",
     .longest_first = true},
    {.name = "round_robin", .what = "each batch belongs to the next worker in turn", .home = home_in_turn},
    {.name = "static",
     .what = "two batches in a row belong to the next worker in turn",
     .home = home_by_block},
};

const struct partition *partition_find(const char *name) {
    for (size_t i = 0; i < PARTITIONS_N; i++)
        if (strcmp(partitions[i].name, name) == 0)
            return &partitions[i];
    return NULL;
}
