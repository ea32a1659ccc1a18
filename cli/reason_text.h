// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_REASON_TEXT_H
#define PRESSRUN_CLI_REASON_TEXT_H
/*
 * Reasons (pipeline/reasons/explanation.h) in words and as JSON; and `run --explain`, which writes a line for each output that
 * is made. What comes from journals and records is made harmless for terminals.
 */
#include "pipeline/run/run.h"

// `field tier: "tin" -> "gold"`
void reason_text_write(const struct explained *reason, bool colour, struct buf *out);
void reason_text_write_json(const struct explained *reason, struct buf *out); // an object
void reason_text_list_json(const struct explained *reasons, size_t n, struct buf *out);
// A string of JSON, whatever bytes it is made of.
void reason_text_string(struct str text, struct buf *out);

// Lines on their way out. One thread at a time.
struct reason_lines {
    bool json, all, colour; // all reasons of an output, not the first alone
    int fd;
    struct buf text;
    struct arena arena;
    int os; // errno of the first write that failed; nothing is written after that
};
void reason_lines_init(struct reason_lines *lines, int fd, bool json, bool all, bool colour);
void reason_lines_add(struct reason_lines *lines, const struct run_reason *reason);
void reason_lines_end(struct reason_lines *lines); // writes what is left

#endif
