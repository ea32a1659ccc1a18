// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_H
#define PRESSRUN_REPORT_REPORT_H
/*
 * The one model of a report, whatever it is about: a verdict, key figures, and sections of blocks (texts, tables, charts,
 * faults). It is a JSON document (report/schema.json describes it); whoever shows a report reads that document and nothing
 * else, so the same report is shown now or later, here or elsewhere.
 *
 * Builders (report_sources.h) make one from what commands keep or print as JSON, with the functions here.
 *
 * Invariants: every number has a text next to it that says it with its unit, so that who shows it need not know units. The
 * document is bounded whatever it is about: a table has REPORT_ROWS rows and counts the others in "more", a series
 * REPORT_POINTS points, a chart REPORT_SPANS spans. Texts of others are cut at REPORT_TEXT bytes and are UTF-8, without
 * control characters. Sections without blocks and figures without a value are left out. Handles (sections, blocks, rows)
 * are borrowed from their report; every function takes NULL for one and does nothing, so a row that a full table did not
 * take needs no looking at.
 *
 * Times are seconds since 1970, durations seconds, shares 0 to 1. One thread.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { REPORT_VERSION = 1 };
enum {
    REPORT_FIGURES = 50,
    REPORT_ROWS = 50,
    REPORT_COLUMNS = 12,
    REPORT_POINTS = 300,
    REPORT_SERIES = 8,
    REPORT_SPANS = 2000,
    REPORT_MARKS = 20,
    REPORT_FAULTS = 50,
    REPORT_TEXT = 2000
};

#define REPORT_KINDS(X)                                                                                      \
    X(SESSION, session)                                                                                      \
    X(STRATEGY, strategy)                                                                                    \
    X(BENCHMARK, benchmark)                                                                                  \
    X(COMPARISON, comparison) X(GATE, gate) X(HISTORY, history) X(MERGED, merged) X(DOCTOR, doctor)
enum report_kind {
#define X(NAME, name) REPORT_##NAME,
    REPORT_KINDS(X)
#undef X
        REPORT_KINDS_N
};
extern const char *const report_kinds[REPORT_KINDS_N]; // "session", ...

enum report_state { REPORT_NEUTRAL, REPORT_GOOD, REPORT_WARNING, REPORT_BAD };

struct report; // owned
struct report *report_new(enum report_kind kind, const char *title, double made);
void report_free(struct report *report); // NULL is fine
// The document, on one line with a newline, or indented for people.
void report_write_json(const struct report *report, bool indented, struct buf *out);

void report_set_subtitle(struct report *report, const char *text);
void report_set_verdict(struct report *report, enum report_state state, const char *word, const char *text);

struct report_figure {
    const char *id, *label; // "run.seconds", "time"
    double value;           // NAN: there is none, and no figure
    const char *unit;       // base/quantity.h
    enum report_state state;
    const char *note; // NULL: none
};
void report_add_figure(struct report *report, const struct report_figure *figure);

// A section; `text` says what to see in it (NULL: nothing). `folded`: of interest to few, shown closed where that can be.
json_t *report_section(struct report *report, const char *id, const char *title, const char *text,
                       bool folded);
void report_add_text(json_t *section, const char *text);

// ---- tables

struct report_column {
    const char *label;
    bool number; // aligned to the right
    bool bar;    // cells have a share, drawn as a bar
};
json_t *report_add_table(json_t *section, const char *caption, const struct report_column *columns, size_t n);
json_t *report_add_row(json_t *table, enum report_state state);
void report_add_cell(json_t *row, const char *text);
void report_add_number(json_t *row, double value, const char *unit);
void report_add_share(json_t *row, double value, const char *unit,
                      double share);                              // with a bar of `share` of the column
void report_set_cell_state(json_t *row, enum report_state state); // of the cell that was added last

// ---- charts; made in report_chart.c

struct report_axis {
    const char *label, *unit; // base/quantity.h
    double min, max;
};
// `form`: "line", "area", "bars", "intervals", "lanes". `text` tells what it shows to who cannot see it. An axis has ticks
// at round numbers; it reaches from min to max, and to the next tick above where `rounded`.
json_t *report_add_chart(json_t *section, const char *form, const char *caption, const char *text);
void report_set_axis(json_t *chart, const char *which, const struct report_axis *axis, bool rounded);
// `kind`: which colour, the same for the same thing all over the report. Of more than REPORT_POINTS points in a stretch
// the least and the greatest stay, so peaks are not lost.
void report_add_series(json_t *chart, const char *name, int kind, const double *xs, const double *ys,
                       size_t n);
struct report_bar {
    const char *name;
    double low, value, high; // low, high: NAN where there is no interval
    const char *unit;
    enum report_state state;
};
void report_add_bar(json_t *chart, const struct report_bar *bar);
void report_add_mark(json_t *chart, double at, const char *text);
// Lanes: spans that lie above each other within 0..1 of a lane's height: a span is `share` high and begins at `base`.
void report_add_kind(json_t *chart, const char *name); // of spans, in the order of their numbers
json_t *report_add_lane(json_t *chart, const char *name);
struct report_span {
    double from, to;
    int kind;
    double base, share;
};
void report_add_span(json_t *lane, const struct report_span *span);

// ---- faults

struct report_fault {
    const char *message;
    const char *hint, *place, *excerpt, *record, *job; // NULL: none. place: "templates/a.j2:3:7"
    unsigned caret, caret_n; // bytes of the excerpt, from 0 (characters in the document)
    uint64_t count;
};
json_t *report_add_faults(json_t *section, uint64_t more); // `more`: those that are not known one by one
void report_add_fault(json_t *faults, const struct report_fault *fault);

// ---- texts

// A text as a document may have it: UTF-8 without control characters (but for newlines), at most `most` bytes.
json_t *report_text_json(struct str text, size_t most);
void report_add_moment(struct buf *out, double seconds); // 2026-11-21 10:15 UTC

#endif
