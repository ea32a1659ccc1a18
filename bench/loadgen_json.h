// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_LOADGEN_JSON_H
#define PRESSRUN_BENCH_LOADGEN_JSON_H
/*
 * The result of a load as one JSON object on a line; docs/load.md has its members. Times are seconds.
 */
#include "base/buf.h"
#include "bench/loadgen.h"

enum { LOADGEN_QUANTILES = 7 };
extern const double loadgen_quantiles[LOADGEN_QUANTILES];           // 0.5 ... 1
extern const char *const loadgen_quantile_names[LOADGEN_QUANTILES]; // "p50" ... "max"

void loadgen_write_json(const struct loadgen_options *options, const struct loadgen_result *result,
                        struct buf *out);

#endif
