// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_COMPARE_TEXT_H
#define PRESSRUN_CLI_COMPARE_TEXT_H
/*
 * A comparison in words: the verdict first, then what it rests on.
 */
#include "base/buf.h"
#include "bench/comparison.h"

void compare_text_write(const struct comparison *c, bool colour, struct buf *out);

#endif
