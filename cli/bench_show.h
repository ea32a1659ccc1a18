// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_BENCH_SHOW_H
#define PRESSRUN_CLI_BENCH_SHOW_H
/*
 * What `pressrun bench` found, as a table for people and as one JSON document. docs/benchmarks.md says how to read both.
 */
#include <stddef.h>

#include "bench/micro.h"
#include "bench/scenario_run.h"

struct bench_findings {
    const struct scenario_options *options;
    const struct scenario_result *scenarios;
    size_t scenarios_n;
    const struct micro_result *micros;
    size_t micros_n;
};

void bench_show_table(const struct bench_findings *findings, bool colour, struct buf *out);
void bench_show_json(const struct bench_findings *findings, struct buf *out);

#endif
