// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CHOOSER_TEXT_H
#define PRESSRUN_PIPELINE_CHOOSER_TEXT_H
/*
 * What `auto` did, in words and as JSON: the choice and what came of it, each strategy with what was predicted and what
 * was seen, and the decisions with the numbers they were made from (chooser.h). `names`: of the candidates, in their
 * order. Reads the chooser's record and nothing else.
 */
#include <jansson.h>

#include "base/buf.h"
#include "pipeline/strategy/chooser.h"

// One line for the summary: "parallel, chosen by auto; its batches predicted 1.20 s, took 1.13 s; next cache_heavy 1.31 s; ...".
void chooser_write_line(const struct chooser *c, const char *const *names, struct buf *out);
// --explain-strategy: several lines.
void chooser_write_text(const struct chooser *c, const char *const *names, struct buf *out);
// The same as an object that the caller owns. Seconds, shares; null where it is not known.
json_t *chooser_json(const struct chooser *c, const char *const *names);

#endif
