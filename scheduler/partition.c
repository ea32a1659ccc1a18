// SPDX-License-Identifier: MIT
#include "scheduler/partition.h"

#include "base/suggest.h"

// Batches in a row that belong to one worker. More would leave the others without work: only so many are in flight.
enum { BLOCK = 2 };

static uint32_t home_by_block(uint64_t sequence, uint32_t workers) {
    return (uint32_t)(sequence / BLOCK % workers);
}

static uint32_t home_in_turn(uint64_t sequence, uint32_t workers) {
    return (uint32_t)(sequence % workers);
}

const struct partition partitions[PARTITIONS_N] = {
    [PARTITION_LEAST_LOADED] = {.name = "least_loaded",
                                .what =
                                    "the worker that is free first takes the batch that has waited longest"},
    [PARTITION_LONGEST_FIRST] = {.name = "longest_first",
                                 .what = "the worker that is free first takes the largest batch that waits",
                                 .longest_first = true},
    [PARTITION_ROUND_ROBIN] = {.name = "round_robin",
                               .what = "each batch belongs to the next worker in turn",
                               .home = home_in_turn},
    [PARTITION_STATIC] = {.name = "static",
                          .what = "two batches in a row belong to the next worker in turn",
                          .home = home_by_block},
};

static const char *partition_name(size_t n) {
    return n < PARTITIONS_N ? partitions[n].name : NULL;
}

enum status partition_find(struct str name, const struct partition **partition, struct err *err) {
    size_t chosen;
    if (suggest_choose("partition", name, partition_name, &chosen, err) != STATUS_OK)
        return err->status;
    *partition = &partitions[chosen];
    return STATUS_OK;
}
