// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_PATH_TEXT_H
#define PRESSRUN_CLI_PATH_TEXT_H
/*
 * A critical path for people: its parts, the longest first, with bars.
 */
#include "pipeline/run/run.h"

void path_text_write(const struct run_path_part *parts, size_t n, double seconds, bool colour,
                     struct buf *out);

#endif
