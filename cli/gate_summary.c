// SPDX-License-Identifier: MIT
#include "cli/gate_summary.h"

#include <string.h>

#include "base/utf8.h"
#include "bench/gate_formats.h"
#include "cli/show.h"

enum { NAME_MOST = 40 };

static const char *colour_of(enum verdict verdict) {
    static const char *const colours[] = {[VERDICT_MORE] = "",
                                          [VERDICT_PASS] = "\033[1;32m",
                                          [VERDICT_FAIL] = "\033[1;31m",
                                          [VERDICT_INCONCLUSIVE] = "\033[1;33m",
                                          [VERDICT_INVALID] = "\033[1;31m"};
    return colours[verdict];
}

static void write_verdict(enum verdict verdict, size_t width, bool colour, struct buf *out) {
    const char *name = verdict_name(verdict);
    buf_printf(out, "%s%s%s", colour ? colour_of(verdict) : "", name, colour ? "\033[0m" : "");
    for (size_t n = strlen(name); n < width; n++)
        buf_add_char(out, ' ');
}

static void write_line(struct buf *out, const char *text) {
    if (text && *text) {
        buf_add_text(out, "      ");
        show_escaped(out, str_of(text));
        buf_add_char(out, '\n');
    }
}

static void write_side(struct gate_result *r, char letter, const struct gate_side *side, struct buf *out) {
    const char *what = gate_side_text(r, side);
    buf_printf(out, "  %c  ", letter);
    show_escaped(out, str_of(side->shown ? side->shown : "?"));
    if (*what)
        buf_printf(out, "  (%s)", what);
    buf_add_char(out, '\n');
}

static size_t length(const char *text) {
    struct str shown = str_of(text);
    return utf8_valid(shown, NULL) ? utf8_length(shown) : shown.n;
}

// Of the names that are shown, the longest one's.
static size_t name_width(const struct gate_row *const *rows, size_t n) {
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        if (length(rows[i]->name) > width)
            width = length(rows[i]->name);
    return width < NAME_MOST ? width : NAME_MOST;
}

static void write_row(struct gate_result *r, const struct gate_row *row, size_t width, bool colour,
                      struct buf *out) {
    const char *ratio = gate_ratio_text(r, row);
    buf_add_text(out, "  ");
    write_verdict(row->verdict, sizeof "INCONCLUSIVE" + 1, colour, out);
    show_escaped(out, str_of(row->name));
    for (size_t n = length(row->name); *ratio && n < width + 2; n++)
        buf_add_char(out, ' ');
    if (*ratio)
        buf_printf(out, "%s times the %s, %u pair%s%s%s", ratio, row->metric_words, (unsigned)row->pairs,
                   row->pairs == 1 ? "" : "s", row->session == 2 ? ", second session" : "",
                   row->change == GATE_FASTER   ? ", faster"
                   : row->change == GATE_HINTED ? ", perhaps faster"
                                                : "");
    buf_add_char(out, '\n');
    if (!*ratio || row->reason != GATE_BY_PAIRS)
        write_line(out, row->text);
    if (gate_is_changed(row))
        write_line(out, gate_medians_text(r, row));
    if (row->cause)
        write_line(out, gate_printf(r, "what moved: %s", row->cause));
    write_line(out, gate_outlook_text(r, row));
    write_line(out, row->note);
}

void gate_summary_write(struct gate_result *r, bool all, bool colour, struct buf *out) {
    size_t changed, folded = 0;
    const struct gate_row **rows = gate_sort_rows(r, &changed);
    size_t shown = all ? r->rows_n : changed, width = name_width(rows, shown);
    write_verdict(r->verdict, 0, colour, out);
    buf_add_text(out, "  ");
    show_escaped(out, str_of(r->text ? r->text : ""));
    buf_add_char(out, '\n');
    write_side(r, 'A', &r->baseline, out);
    write_side(r, 'B', &r->candidate, out);
    for (size_t i = 0; i < shown; i++)
        write_row(r, rows[i], width, colour, out);
    for (size_t i = shown; i < r->rows_n; i++)
        folded += rows[i]->kind != GATE_CONTROL;
    if (folded)
        buf_printf(out, "  %zu of %zu benchmarks did not change (--all shows them)\n", folded, r->benchmarks);
    for (size_t i = 0; i < r->warnings_n; i++) {
        buf_add_text(out, "  warning: ");
        show_escaped(out, str_of(r->warnings[i]));
        buf_add_char(out, '\n');
    }
    if (r->moved) {
        buf_add_text(out, "  the baseline is now ");
        show_escaped(out, str_of(r->moved));
        buf_add_char(out, '\n');
    }
}
