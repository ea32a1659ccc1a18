// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_WORDS_H
#define PRESSRUN_BENCH_GATE_WORDS_H
/*
 * The sentences of a gate, the same in each format of output: without a full stop, on one line, in the result's arena.
 * They say what gate_judge found, which has filled all else before it asks for them.
 */
#include "bench/gate.h"

const char *gate_metric_words(enum paired_metric metric); // "CPU time"
const char *gate_metric_unit(enum paired_metric metric);  // "s", "bytes", "instructions"
// 12.3 ms, 4.5 MB, 1,234: a median as people read it.
const char *gate_value_text(struct gate_result *r, double value, enum paired_metric metric);

const char *gate_row_sentence(struct gate_result *r, const struct gate_row *row);
const char *gate_row_cause(struct gate_result *r, const struct gate_row *row); // or NULL
const char *gate_suite_sentence(struct gate_result *r);

#endif
