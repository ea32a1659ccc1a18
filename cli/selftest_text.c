// SPDX-License-Identifier: MIT
#include "cli/selftest_text.h"

#include <math.h>
#include <stdio.h>

#include "cli/show.h"

enum { CELL = 96 };

static const char *const colours[] = {[SELFTEST_STATED] = "",
                                      [SELFTEST_KEPT] = "\033[1;32m",
                                      [SELFTEST_UNCLEAR] = "\033[1;33m",
                                      [SELFTEST_BROKEN] = "\033[1;31m"};

static void write_first_line(const struct selftest_figures *f, bool colour, struct buf *out) {
    static const char *const words[] = {[SELFTEST_STATED] = "UNCLEAR  nothing was measured\n",
                                        [SELFTEST_KEPT] = "KEPT  comparisons do here what they promise\n",
                                        [SELFTEST_UNCLEAR] = "UNCLEAR  too few were measured to say\n",
                                        [SELFTEST_BROKEN] =
                                            "BROKEN  comparisons do not do here what they promise\n"};
    const char *text = words[f->state];
    while (colour && *text && *text != ' ') {
        if (text == words[f->state])
            buf_add_text(out, colours[f->state]);
        buf_add_char(out, *text++);
    }
    if (colour)
        buf_add_text(out, "\033[0m");
    buf_add_text(out, text);
}

static void write_what(const struct selftest *s, const struct selftest_figures *f, struct buf *out) {
    buf_add_text(out, "  operation: ");
    show_count(out, s->operation.records);
    buf_printf(out, " records of the scenario medium read and rendered, %.0f ms of CPU time\n",
               s->operation.seconds * 1000);
    buf_add_text(out, "  ");
    show_count(out, s->pairs);
    buf_add_text(out, " pairs, whose runs took ");
    show_seconds(out, s->seconds);
    if (s->dropped)
        buf_printf(out, "; %llu dropped, since the host took the CPU away", (unsigned long long)s->dropped);
    buf_add_char(out, '\n');
    if (s->differences_n)
        buf_printf(out,
                   "  two runs of the same differ by %.1f %% in the middle, and by up to %.1f %% in nine of "
                   "ten pairs\n",
                   100 * f->middle, 100 * f->most);
}

static void write_slowdowns(const struct selftest *s, struct buf *out) {
    for (size_t i = 0; i < s->levels_n; i++) {
        const struct selftest_level *level = &s->levels[i];
        struct comparison_median ratio = selftest_ratio(level);
        if (!level->n)
            continue;
        if (level->percent > 0)
            buf_printf(out, "  %g %% slower: ", level->percent);
        else
            buf_add_text(out, "  equals: ");
        buf_printf(out, "%.3f times in the middle (%.3f to %.3f), %.1f pairs on average\n", ratio.value,
                   ratio.low, ratio.high, selftest_mean_pairs(level));
    }
}

static void write_promise(const struct selftest_rate *rate, char *cell) {
    cell[0] = 0;
    if (rate->at_least > 0)
        snprintf(cell, CELL, "at least %g %%", 100 * rate->at_least);
    else if (rate->at_most < 1)
        snprintf(cell, CELL, "at most %g %%", 100 * rate->at_most);
}

static void write_rate(const struct selftest_rate *rate, bool colour, struct buf *out) {
    char promise[CELL];
    struct buf seen = BUF_INIT;
    write_promise(rate, promise);
    show_count(&seen, rate->hits);
    buf_add_text(&seen, " of ");
    show_count(&seen, rate->n);
    buf_printf(out, "  %-35s  %-14s  %s", rate->what, promise, buf_text(&seen));
    if (rate->n)
        buf_printf(out, " (%.3g %% to %.3g %%)", 100 * rate->low, 100 * rate->high);
    if (rate->state == SELFTEST_UNCLEAR || rate->state == SELFTEST_BROKEN)
        buf_printf(out, "  %s%s%s", colour ? colours[rate->state] : "", selftest_states[rate->state],
                   colour ? "\033[0m" : "");
    buf_add_char(out, '\n');
    buf_release(&seen);
}

void selftest_text_write(const struct selftest *s, const struct selftest_figures *f, bool colour,
                         struct buf *out) {
    write_first_line(f, colour, out);
    write_what(s, f, out);
    write_slowdowns(s, out);
    buf_printf(out, "\n  %-35s  %-14s  %s\n", "what", "promised", "seen (95 % sure)");
    for (size_t i = 0; i < f->rates_n; i++)
        write_rate(&f->rates[i], colour, out);
}
