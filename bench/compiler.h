// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_COMPILER_H
#define PRESSRUN_BENCH_COMPILER_H
/*
 * Which compiler an executable says it was made by. Numbers of instructions are compared only where both say the same: another
 * compiler makes another number of them of the same source, which is no slowdown. Processor and C library are the same,
 * as both run here. Thread-safe.
 */
#include <stdbool.h>

// False also where one of them does not say, or cannot be read; names are looked up in PATH as a command's would be only where
// they have a slash.
bool compiler_is_same(const char *a, const char *b);

#endif
