// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_SELFTEST_TEXT_H
#define PRESSRUN_CLI_SELFTEST_TEXT_H
/*
 * A self-test in words: whether promises are kept first, then each rate with its interval.
 */
#include "base/buf.h"
#include "bench/selftest.h"

void selftest_text_write(const struct selftest *s, const struct selftest_figures *f, bool colour,
                         struct buf *out);

#endif
