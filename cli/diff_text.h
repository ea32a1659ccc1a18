// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_DIFF_TEXT_H
#define PRESSRUN_CLI_DIFF_TEXT_H
/*
 * Staged changes as people and as machines read them: clusters with a sample each, all outputs one by one, or JSON.
 * Text comes in pieces to standard output, so that it may be long.
 *
 * The source is borrowed; `out` and `diff` are owned until diff_text_end. One thread.
 */
#include "pipeline/review/clusters.h"

struct diff_text {
    struct clusters_source *source; // for the samples
    bool colour;
    uint32_t limit; // clusters or outputs shown; 0: all
    struct buf out;
    struct line_diff diff;
};

void diff_text_clusters(struct diff_text *t, const struct clusters *changes);
void diff_text_json(struct diff_text *t, const struct clusters *changes);
// Every change with its hunks, or (`stat`) with how many lines they are.
enum status diff_text_each(struct diff_text *t, const struct clusters_paths *paths, const struct digest *list,
                           bool stat, struct err *err);
void diff_text_end(struct diff_text *t); // prints what is left

#endif
