// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_COMPARE_H
#define PRESSRUN_CLI_HISTORY_COMPARE_H
/*
 * `history compare A B`: two sessions side by side. What is usual comes from runs like A (bench/baseline.h) that began
 * before the later of the two.
 */
#include "cli/history_sessions.h"

// The words after "compare": none, A, or A and B. Exit code.
int history_compare(struct cli *cli, const struct options *options, const struct history_question *q,
                    const char *const *words, size_t n);

#endif
