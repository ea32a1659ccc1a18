// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_STRATEGIES_SHOW_H
#define PRESSRUN_CLI_STRATEGIES_SHOW_H
/*
 * What `pressrun strategies` found, for people on a terminal, in Markdown, and as JSON (docs/strategies.md has its keys).
 */
#include "bench/contest_figures.h"

struct strategies_findings {
    const struct contest_result *result;
    const char *manifest; // as it was named
    const char *what;     // the variants are: "strategies"
    int base;             // others are compared with it; -1: none
    bool all;             // of the text: all rows, not just the best
    bool offers;          // to remember
    double budget;
    uint64_t seed;
};

enum { STRATEGIES_BEST = 3 };

void strategies_show_text(const struct strategies_findings *findings, bool colour, struct buf *out);
void strategies_show_markdown(const struct strategies_findings *findings, struct buf *out);
void strategies_write_json(const struct strategies_findings *findings, struct buf *out);

#endif
