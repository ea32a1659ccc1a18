// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_OPERATION_H
#define PRESSRUN_BENCH_OPERATION_H
/*
 * The operation that the self-test compares with itself: records of a scenario are read from JSON and rendered, again from
 * the first one after the last, and a busy loop of so many steps follows each. So it can be made slower by any share, as
 * code becomes slower: a little with every record.
 *
 * The scenario's files are made beforehand (scenario_make) and read before the first record. One thread.
 */
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"

struct operation_options {
    const struct fs *fs;
    const char *directory; // of the scenario
    const char *template;  // below its templates
    uint32_t records;
    uint64_t steps; // of the loop, after each
};

// *digest: of all outputs, whatever the steps.
enum status operation_run(const struct operation_options *options, struct digest *digest, struct err *err);

#endif
