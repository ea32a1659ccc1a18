// SPDX-License-Identifier: MIT
#include "cli/history_compare.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "bench/baseline.h"
#include "cli/show.h"
#include "monitor/session_compare.h"

enum { NAME_WIDTH = 30, CELL = 12, PAIRS_SHOWN = 12 };

// ---- what is usual

static const char *text_at(const json_t *session, const char *key) {
    const char *text = json_string_value(json_object_get(session, key));
    return text ? text : "";
}

static void to_usual(const struct baseline *b, bool known, struct session_usual *out) {
    *out = (struct session_usual){0};
    if (known)
        *out = (struct session_usual){b->n, b->low, b->high, b->mean};
}

// All are asked for at once; the risk of calling any one of them moved is what a single one would have.
static bool judge(struct history *h, const json_t *a, const json_t *b, struct session_comparison *c) {
    const size_t n = c->figures_n;
    const json_t *metrics = json_object_get(a, "metrics");
    struct baseline_question q = {
        .name = str_of(text_at(a, "name")),
        .machine = str_of(text_at(a, "machine")),
        .strategy = str_of(text_at(a, "strategy")),
        .workers = json_number_value(json_object_get(metrics, metric_rows[METRIC_RUN_WORKERS].name)),
        .before = str_of(text_at(c->started_a > c->started_b ? a : b, "session")),
        .alpha = BASELINE_ALPHA / (double)(n ? n : 1),
    };
    const char **names = MEM_NEW_ARRAY(const char *, n + 1);
    struct baseline *baselines = MEM_NEW_ARRAY(struct baseline, n + 1);
    struct session_usual *usual = MEM_NEW_ARRAY(struct session_usual, n + 1);
    bool *known = MEM_NEW_ARRAY(bool, n + 1);
    struct err err;
    for (size_t i = 0; i < n; i++)
        names[i] = c->figures[i].name.p; // kept with an end
    const bool fine = baseline_ask_all(h, &q, names, n, baselines, known, &err) == STATUS_OK;
    for (size_t i = 0; fine && i < n; i++)
        to_usual(&baselines[i], known[i], &usual[i]);
    if (fine)
        session_comparison_judge(c, usual);
    else
        cli_fail("%s", err.text);
    mem_free(names);
    mem_free(baselines);
    mem_free(usual);
    mem_free(known);
    return fine;
}

// ---- as text

static void add_cell(struct buf *out, double value, const char *unit) {
    struct buf cell = BUF_INIT;
    quantity_add(&cell, value, unit);
    buf_printf(out, " %*s", CELL, buf_text(&cell));
    buf_release(&cell);
}

static void add_name(struct buf *out, struct str name) {
    const size_t from = out->n;
    buf_add_text(out, "  ");
    show_escaped(out, name);
    while (out->n - from < NAME_WIDTH + 2)
        buf_add_char(out, ' ');
}

static void add_heading(struct buf *out, bool colour, const char *text) {
    buf_printf(out, "\n%s%s%s\n", colour ? "\033[1m" : "", text, colour ? "\033[0m" : "");
}

static void add_facts(const struct session_comparison *c, struct buf *out) {
    buf_add_text(out, "A  ");
    show_escaped(out, c->facts[0].a);
    buf_add_text(out, "\nB  ");
    show_escaped(out, c->facts[0].b);
    buf_add_char(out, '\n');
    for (size_t i = 1; i < SESSION_FACTS; i++) {
        const struct session_fact *fact = &c->facts[i];
        buf_printf(out, "  %-10s", fact->key);
        show_escaped(out, fact->a);
        if (!str_equal(fact->a, fact->b)) {
            buf_add_text(out, "  ->  ");
            show_escaped(out, fact->b);
        }
        buf_add_char(out, '\n');
    }
}

static void add_change(const struct session_figure *f, struct buf *out) {
    if (f->a != f->b && f->a != 0 && !isnan(f->a) && !isnan(f->b))
        buf_printf(out, " %+8.1f %%", 100 * (f->b / f->a - 1));
}

static void add_usual(const struct session_figure *f, struct buf *out) {
    if (!f->usual.n || f->work || f->change == SESSION_SAME)
        return;
    buf_add_text(out, "   ");
    quantity_add(out, fmax(f->usual.low, 0), f->unit); // no figure is less
    if (f->usual.low < f->usual.high) {
        buf_add_text(out, " to ");
        quantity_add(out, f->usual.high, f->unit);
    }
}

static void add_figure(const struct session_figure *f, bool colour, struct buf *out) {
    const bool marked = colour && f->worse && f->change >= SESSION_DIFFERS;
    add_name(out, f->name);
    add_cell(out, f->a, f->unit);
    buf_add_text(out, marked ? f->worse > 0 ? "\033[31m" : "\033[32m" : "");
    add_cell(out, f->b, f->unit);
    add_change(f, out);
    buf_add_text(out, marked ? "\033[0m" : "");
    add_usual(f, out);
    buf_add_char(out, '\n');
}

// The figures that changed so, under a heading; nothing where there are none.
static void add_figures(const struct session_comparison *c, bool work, enum session_change change,
                        const char *heading, bool colour, struct buf *out) {
    if (!session_comparison_count(c, work, change))
        return;
    add_heading(out, colour, heading);
    for (size_t i = 0; i < c->figures_n; i++)
        if (c->figures[i].work == work && c->figures[i].change == change)
            add_figure(&c->figures[i], colour, out);
}

static void add_side(const struct session_pair *pair, bool b, struct buf *out) {
    static const enum metric_figure shown[] = {FIGURE_P50, FIGURE_P95, FIGURE_P99, FIGURE_MAX};
    const double *figures = b ? pair->b : pair->a;
    add_name(out, b ? STR("") : pair->name);
    buf_add_text(out, b ? "B" : "A");
    add_cell(out, figures[FIGURE_COUNT], "");
    for (size_t f = 0; f < sizeof shown / sizeof *shown; f++)
        add_cell(out, figures[shown[f]], "s");
    if (b && !isnan(pair->later))
        buf_printf(out, " %9.1f %%", 100 * pair->later);
    buf_add_char(out, '\n');
}

// All that its observations took in A and B; what is not known is nothing.
static double weight_of(const struct session_pair *pair) {
    const double a = pair->a[FIGURE_MEAN] * pair->a[FIGURE_COUNT],
                 b = pair->b[FIGURE_MEAN] * pair->b[FIGURE_COUNT];
    return (isnan(a) ? 0 : a) + (isnan(b) ? 0 : b);
}

// How many distributions took longer than this one, or as long and come before it.
static size_t rank_of(const struct session_comparison *c, size_t at) {
    size_t rank = 0;
    for (size_t i = 0; i < c->pairs_n; i++) {
        const double more = weight_of(&c->pairs[i]) - weight_of(&c->pairs[at]);
        rank += more > 0 || (more == 0 && i < at);
    }
    return rank;
}

static void add_pairs(const struct session_comparison *c, size_t most, bool colour, struct buf *out) {
    static const char *const titles[] = {"n", "p50", "p95", "p99", "max"};
    if (!c->pairs_n)
        return;
    buf_printf(out, "\n%s%-*s", colour ? "\033[1m" : "", NAME_WIDTH + 3, "distributions");
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        buf_printf(out, " %*s", CELL, titles[i]);
    buf_printf(out, "   B longer%s\n", colour ? "\033[0m" : "");
    for (size_t i = 0; i < c->pairs_n; i++) {
        if (rank_of(c, i) >= most)
            continue;
        add_side(&c->pairs[i], false, out);
        add_side(&c->pairs[i], true, out);
    }
}

static size_t most_usual(const struct session_comparison *c) {
    size_t most = 0;
    for (size_t i = 0; i < c->figures_n; i++)
        most = c->figures[i].usual.n > most ? c->figures[i].usual.n : most;
    return most;
}

static void add_summary(const struct session_comparison *c, bool colour, struct buf *out) {
    const size_t work = session_comparison_count(c, true, SESSION_MOVED),
                 moved = session_comparison_count(c, false, SESSION_MOVED), usual = most_usual(c);
    buf_add_text(out, colour ? "\033[1m" : "");
    if (work)
        buf_printf(out, "B did other work than A: %zu work counter%s differ%s", work, work == 1 ? "" : "s",
                   work == 1 ? "s" : "");
    else
        buf_add_text(out, "B did the same work as A");
    if (!usual)
        buf_printf(out, "; fewer than %d runs like A are known, so nothing says what is usual",
                   BASELINE_LEAST);
    else if (moved)
        buf_printf(out, "; %zu figure%s moved beyond what is usual in %zu runs like A", moved,
                   moved == 1 ? "" : "s", usual);
    else
        buf_printf(out, "; no figure moved beyond what is usual in %zu runs like A", usual);
    buf_add_text(out, colour ? "\033[0m\n" : "\n");
}

static void write_text(const struct session_comparison *c, bool all, bool colour, struct buf *out) {
    add_summary(c, colour, out);
    add_facts(c, out);
    add_figures(c, true, SESSION_MOVED, "work counters that differ", colour, out);
    add_figures(c, true, SESSION_DIFFERS, "work counters that one of them lacks", colour, out);
    add_figures(c, false, SESSION_MOVED, "moved, and what is usual", colour, out);
    add_figures(c, false, SESSION_DIFFERS, "differ by 5 % or more, or are not in both", colour, out);
    if (all) {
        add_figures(c, false, SESSION_USUAL, "as usual", colour, out);
        add_figures(c, true, SESSION_SAME, "the same work", colour, out);
        add_figures(c, false, SESSION_SAME, "the same", colour, out);
    }
    add_pairs(c, all ? c->pairs_n : PAIRS_SHOWN, colour, out);
    if (!all && c->pairs_n > PAIRS_SHOWN)
        buf_printf(out, "  and %zu that took less\n", c->pairs_n - PAIRS_SHOWN);
    const size_t usual = session_comparison_count(c, false, SESSION_USUAL),
                 same = session_comparison_count(c, false, SESSION_SAME) +
                        session_comparison_count(c, true, SESSION_SAME);
    if (!all)
        buf_printf(out, "\n%zu figures differ no more than usual and %zu are the same; --all shows all\n",
                   usual, same);
}

// ---- the command

// The session before B of the same name; NULL: there is none.
static json_t *before_that(struct cli *cli, struct history *h, const json_t *b) {
    const struct history_filter filters[] = {{STR("name"), STR("="), str_of(text_at(b, "name"))},
                                             {STR("id"), STR("<"), str_of(text_at(b, "session"))}};
    struct history_row *rows;
    struct err err;
    size_t n;
    if (history_list(h, filters, 2, 1, &cli->arena, &rows, &n, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return NULL;
    }
    if (n == 0) {
        cli_fail("there is no run of \"%s\" before %s", text_at(b, "name"), text_at(b, "session"));
        return NULL;
    }
    return history_session_json(cli, h, &(struct history_question){0}, rows[0].id.p);
}

static int compare(struct cli *cli, struct history *h, const json_t *a, const json_t *b, bool all,
                   bool json) {
    struct session_comparison c;
    session_compare(a, b, &c);
    int code = EXIT_DONE;
    if (h && !judge(h, a, b, &c)) {
        code = EXIT_USAGE;
    } else {
        struct buf text = BUF_INIT;
        if (json)
            session_comparison_write_json(&c, &text);
        else
            write_text(&c, all, cli->colour_out, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    session_comparison_release(&c);
    return code;
}

int history_compare(struct cli *cli, const struct options *options, const struct history_question *q,
                    const char *const *words, size_t n) {
    const bool files = n == 2 && history_is_file(words[0]) && history_is_file(words[1]) &&
                       !options_has(options, "history") && !options_has(options, "file") &&
                       !options_has(options, "directory");
    struct history *h = files ? NULL : history_find(cli, options);
    if (!h && !files)
        return EXIT_USAGE;
    json_t *b = history_session_json(cli, h, q, n > 1 ? words[1] : "latest");
    json_t *a = !b ? NULL : n ? history_session_json(cli, h, q, words[0]) : before_that(cli, h, b);
    int code = a && b ? compare(cli, h, a, b, options_has(options, "all"), options_has(options, "json"))
                      : EXIT_USAGE;
    json_decref(a);
    json_decref(b);
    history_close(h);
    return code;
}
