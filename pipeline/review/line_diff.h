// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_LINE_DIFF_H
#define PRESSRUN_PIPELINE_LINE_DIFF_H
/*
 * What changed between two texts, line by line: the fewest removed and added lines (Myers, An O(ND) Difference Algorithm
 * and Its Variations, 1986), as blocks in order.
 *
 * Effort is bounded: where more than LINE_DIFF_MOST lines would have to go and come, texts of as many lines are held
 * against each other line by line (a stream whose every item changed), and all others are one block from the first to
 * the last line that differs. `coarse` says that it is not the fewest then.
 *
 * Texts are borrowed; a diff is used again and again, and released once. Lines keep their ends, so a last line without
 * one differs from the same with one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { LINE_DIFF_MOST = 1000, LINE_DIFF_CONTEXT = 3 };

struct line_side {
    struct str *lines;
    uint64_t *hashes;
    size_t n, lines_cap, hashes_cap;
};

struct line_block { // lines old_at.. old_at + old_n - 1 go, and the new ones come; one of the two may be none
    size_t old_at, old_n, new_at, new_n;
};

struct line_diff {
    struct line_side old, fresh;
    struct line_block *blocks;
    size_t n, cap;
    size_t removed, added; // lines
    bool coarse;
    int32_t *trace; // of the search
    size_t trace_cap;
};

void line_diff(struct line_diff *d, struct str old, struct str fresh);
void line_diff_release(struct line_diff *d);

// As unified text: hunks with their headers. At most `lines_most` lines of hunks, 0: all; false: there were more.
struct line_colours {
    const char *removed, *added, *hunk, *end; // escape sequences, or ""
};
bool line_diff_write(const struct line_diff *d, size_t lines_most, const struct line_colours *colours,
                     struct buf *out);

#endif
