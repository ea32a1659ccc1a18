// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_BENCH_LOAD_TEXT_H
#define PRESSRUN_CLI_BENCH_LOAD_TEXT_H
/*
 * The result of a load as a person reads it: the verdict first, then how long operations took, whose they were, and how
 * many waited.
 */
#include "base/buf.h"
#include "bench/loadgen.h"

void bench_load_text(const struct loadgen_options *options, const struct loadgen_result *result, bool colour,
                     struct buf *out);

#endif
