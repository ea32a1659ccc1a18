// SPDX-License-Identifier: MIT
#include "bench/gate_escape.h"
#include "bench/gate_formats.h"

// A cell has at most so many characters, each of which may need six bytes. The end has room for what is promised beyond.
enum { CELL = 300, ROOM_FOR_END = 32 << 10, WARNINGS_SHOWN = 10 };

static void add_cell(struct buf *out, const char *text) {
    buf_add_char(out, ' ');
    gate_escape_markdown(out, text ? text : "", CELL);
    buf_add_text(out, " |");
}

static void add_more(struct buf *out, const char *text) {
    if (text && *text) {
        buf_add_text(out, "<br>");
        gate_escape_markdown(out, text, CELL);
    }
}

static void add_row(struct gate_result *r, const struct gate_row *row, struct buf *out) {
    const char *bold = row->verdict == VERDICT_FAIL || row->verdict == VERDICT_INVALID ? "**" : "";
    const char *more = row->change == GATE_FASTER   ? ", faster"
                       : row->change == GATE_HINTED ? ", perhaps faster"
                                                    : "";
    const char *ratio = gate_ratio_text(r, row);
    buf_add_char(out, '|');
    add_cell(out, row->name);
    buf_printf(out, " %s%s%s%s |", bold, verdict_name(row->verdict), bold, more);
    add_cell(out, ratio);
    add_cell(out, gate_medians_text(r, row));
    buf_add_char(out, ' ');
    if (row->change != GATE_SAME || !*ratio)
        gate_escape_markdown(out, row->text ? row->text : "", CELL);
    add_more(out, row->cause);
    add_more(out, gate_outlook_text(r, row));
    add_more(out, row->note);
    buf_add_text(out, " |\n");
}

// Those for which there is no room are counted.
static void add_table(struct gate_result *r, const struct gate_row *const *rows, size_t n, struct buf *out) {
    size_t left_out = 0;
    buf_add_text(out, "| benchmark | verdict | B over A | medians | |\n|---|---|---:|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        size_t before = out->n;
        add_row(r, rows[i], out);
        if (out->n > GATE_MARKDOWN_MOST - ROOM_FOR_END) {
            out->n = before;
            left_out++;
        }
    }
    if (left_out)
        buf_printf(out, "\n%zu more rows have no room here.\n", left_out);
}

static void add_side(struct gate_result *r, const char *name, const struct gate_side *side, struct buf *out) {
    const char *what = gate_side_text(r, side);
    buf_printf(out, "- **%s**: ", name);
    gate_escape_markdown(out, side->shown ? side->shown : "?", CELL);
    if (*what) {
        buf_add_text(out, " (");
        gate_escape_markdown(out, what, CELL);
        buf_add_char(out, ')');
    }
    buf_add_char(out, '\n');
}

static void add_facts(struct gate_result *r, struct buf *out) {
    buf_add_text(out, "\n<details><summary>How it was measured</summary>\n\n");
    buf_printf(
        out,
        "Of suites in which nothing changed at most 1 in %.0f fails. A benchmark is FAIL where it is surely "
        "slower by more than 1 %%, by 3 %% or more as estimated, in two sessions; PASS where a slowdown of "
        "5 %% is ruled out. Ratios are B over A, with the bounds they were judged by.\n\n",
        r->alpha_suite > 0 ? 1 / r->alpha_suite : 0.0);
    buf_add_text(out, "- suite: ");
    gate_escape_markdown(out, r->suite ? r->suite : "?", CELL);
    buf_printf(out, ", seed %llu, %.0f s\n", (unsigned long long)r->seed, r->seconds);
    buf_add_text(out, "- machine: ");
    gate_escape_markdown(
        out, gate_printf(r, "%s, %s, %u CPUs", r->host.cpu, r->host.system, (unsigned)r->host.cpus), CELL);
    buf_add_text(out, "\n- compared by ");
    gate_escape_markdown(out, r->program ? r->program : "?", CELL);
    if (r->started) {
        buf_add_text(out, ", ");
        gate_escape_markdown(out, r->started, CELL);
    }
    buf_add_text(out, "\n\n</details>\n");
}

static void add_warnings(const struct gate_result *r, struct buf *out) {
    for (size_t i = 0; i < r->warnings_n && i < WARNINGS_SHOWN; i++) {
        buf_add_text(out, "\n> warning: ");
        gate_escape_markdown(out, r->warnings[i], CELL);
        buf_add_char(out, '\n');
    }
    if (r->warnings_n > WARNINGS_SHOWN)
        buf_printf(out, "\n> and %zu more warnings\n", r->warnings_n - WARNINGS_SHOWN);
}

void gate_write_markdown(struct gate_result *r, struct buf *out) {
    size_t changed, same = 0;
    const struct gate_row **rows = gate_sort_rows(r, &changed);
    for (size_t i = changed; i < r->rows_n; i++)
        same += rows[i]->kind != GATE_CONTROL;
    buf_printf(out, "## %s: ", verdict_name(r->verdict));
    gate_escape_markdown(out, r->text ? r->text : "", CELL);
    buf_add_text(out, "\n\n");
    add_side(r, "A", &r->baseline, out);
    add_side(r, "B", &r->candidate, out);
    if (r->moved) {
        buf_add_text(out, "- the baseline is now ");
        gate_escape_markdown(out, r->moved, CELL);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    if (changed)
        add_table(r, rows, changed, out);
    if (r->rows_n > changed) {
        buf_add_text(out, "\n<details><summary>");
        if (same)
            buf_printf(out, "%zu of %zu benchmarks did not change", same, r->benchmarks);
        else
            buf_add_text(out, "The control, which compares A with itself");
        buf_add_text(out, "</summary>\n\n");
        add_table(r, rows + changed, r->rows_n - changed, out);
        buf_add_text(out, "\n</details>\n");
    }
    add_warnings(r, out);
    add_facts(r, out);
}
