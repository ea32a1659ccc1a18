// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_GATE_SUMMARY_H
#define PRESSRUN_CLI_GATE_SUMMARY_H
/*
 * A gate in words, for a terminal: the verdict first, then the rows that changed with what moved; the others are counted.
 */
#include "base/buf.h"
#include "bench/gate.h"

// `all`: every row.
void gate_summary_write(struct gate_result *r, bool all, bool colour, struct buf *out);

#endif
