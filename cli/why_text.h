// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_WHY_TEXT_H
#define PRESSRUN_CLI_WHY_TEXT_H
/*
 * What `pressrun why` prints of an output: for people, and as one JSON object in one line.
 */
#include "pipeline/reasons/why.h"

// `details`: with all that it is made with.
void why_text_write(const struct why *why, const struct why_answer *answer, bool details, bool colour,
                    struct buf *out);
void why_text_write_json(const struct why *why, const struct why_answer *answer, struct buf *out);

#endif
