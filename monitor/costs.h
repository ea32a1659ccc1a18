// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_COSTS_H
#define PRESSRUN_MONITOR_COSTS_H
/*
 * What lines of templates cost: stacks with the time that was spent at their ends, put together by line. Where the stacks come
 * from, and what a template is, is not known here.
 *
 * `self` is what was spent on the line itself, `total` also what it led to (includes, macros, blocks); a line that is on a
 * stack twice counts once. Seconds are estimates: their standard error is about the square root of seconds times the interval
 * between two samples.
 *
 * Bounded: of stacks beyond COSTS_STACKS the outermost part counts, and lines beyond COSTS_LINES are not told apart. Copies
 * what it is given. One thread at a time.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { COSTS_LINES = 1 << 16, COSTS_STACKS = 1 << 16, COSTS_TOLD = 50 };

struct costs_frame {
    struct str name;     // of a template; where `line` is 0, of anything: a job, a filter
    uint32_t line;       // from 1
    struct str text;     // of the line
    struct str function; // macro or block that it is in; {NULL, 0} or "": none
};

struct costs_line {
    struct str key; // "template:line"
    struct str name, text;
    uint32_t line;
    uint64_t self, total; // nanoseconds
    uint64_t seen;        // the last stack that it was on
};

struct costs_stack {
    struct str text; // frames with semicolons between them, as flame graphs have it
    uint64_t nanoseconds;
};

struct costs {
    struct arena arena;
    struct costs_line *lines;
    size_t lines_n, lines_cap;
    struct costs_stack *stacks;
    size_t stacks_n, stacks_cap;
    uint32_t *line_buckets, *stack_buckets;
    uint64_t nanoseconds, samples; // in all; the caller adds to samples
    uint64_t added;
};

struct costs *costs_new(void);
void costs_free(struct costs *c);
// Outermost first; the time was spent at the last one.
void costs_add(struct costs *c, const struct costs_frame *frames, size_t n, uint64_t nanoseconds);
void costs_sort(struct costs *c); // lines by self, stacks by text; nothing is added after it
// A line for each stack: its text and its microseconds, rounded, at least 1.
void costs_write_folded(const struct costs *c, struct buf *out);

#endif
