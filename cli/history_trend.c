// SPDX-License-Identifier: MIT
#include "cli/history_trend.h"

#include <math.h>
#include <time.h>

#include "base/quantity.h"
#include "bench/trend.h"
#include "cli/show.h"

enum { TREND_LIMIT = 1000, CHANGES_LIMIT = 200, CELLS = 40, VALUE = 12, NAME = 30, WITH = 4 };
static const double P_LEAST = 1e-9; // smaller ones say no more

static void add_moment(struct buf *out, int64_t nanoseconds) {
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    buf_add_text(out, text);
}

static void add_from_to(struct buf *out, const struct change *change, const char *unit) {
    quantity_add(out, change->before, unit);
    buf_add_text(out, " to ");
    quantity_add(out, change->after, unit);
    if (change->before > 0)
        buf_printf(out, ", %+.1f %%", 100 * (change->after / change->before - 1));
}

static void add_one(struct buf *out, const struct trend_with *with) {
    buf_printf(out, "%s ", with->what);
    if (!with->number) {
        show_escaped(out, with->before);
        buf_add_text(out, " -> ");
        show_escaped(out, with->after);
    } else if (with->old_value > 0) {
        buf_printf(out, "%+.2f %%", 100 * (with->new_value / with->old_value - 1));
    } else {
        quantity_add(out, with->old_value, "");
        buf_add_text(out, " -> ");
        quantity_add(out, with->new_value, "");
    }
}

// What else changed with it; nothing where nothing is known to have.
static void add_with(struct buf *out, const char *indent, const struct trend_with *with, size_t n) {
    for (size_t i = 0; i < n && i < WITH; i++) {
        buf_add_text(out, i ? "; " : indent);
        add_one(out, &with[i]);
    }
    if (n > WITH)
        buf_printf(out, "; and %zu more", n - WITH);
    if (n)
        buf_add_char(out, '\n');
}

// ---- one figure

static void add_change(const struct trend_change *c, const char *unit, bool colour, struct buf *out) {
    buf_printf(out, "%s-- changed from ", colour ? "\033[1;33m" : "");
    add_from_to(out, &c->change, unit);
    buf_printf(out, c->change.p < P_LEAST ? " (p < %.2g)" : " (p = %.2g)", fmax(c->change.p, P_LEAST));
    buf_add_text(out, colour ? "\033[0m\n" : "\n");
    add_with(out, "   with ", c->with, c->with_n);
}

static void add_point(const struct trend_point *point, double most, const char *unit, struct buf *out) {
    struct buf cell = BUF_INIT;
    add_moment(out, point->started);
    quantity_add(&cell, point->value, unit);
    buf_printf(out, " %*s  ", VALUE, buf_text(&cell));
    buf_release(&cell);
    for (int c = 0; most > 0 && c < (int)lround(point->value / most * CELLS); c++)
        buf_add_text(out, "█");
    buf_add_text(out, "  ");
    show_escaped(out, point->id);
    buf_add_text(out, point->outlier ? "  (stands alone)\n" : "\n");
}

static void add_expected(const struct trend *t, struct buf *out) {
    if (!t->expects)
        return;
    buf_add_text(out, "the next is to be expected from ");
    quantity_add(out, fmax(t->expected.low, 0), t->unit); // no figure is less
    buf_add_text(out, " to ");
    quantity_add(out, t->expected.high, t->unit);
    buf_printf(out, ", as in %zu runs like the last one\n", t->expected.n);
}

static void write_trend(const struct trend *t, bool colour, struct buf *out) {
    double most = 0;
    size_t next = 0;
    for (size_t i = 0; i < t->points_n; i++)
        most = fmax(most, t->points[i].value);
    for (size_t i = 0; i < t->points_n; i++) {
        if (next < t->changes_n && t->changes[next].change.at == i)
            add_change(&t->changes[next++], t->unit, colour, out);
        add_point(&t->points[i], most, t->unit, out);
    }
    add_expected(t, out);
}

static void note_mixed(const struct trend *t) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < t->mixed_n; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", t->mixed[i]);
    if (t->mixed_n)
        cli_note("these runs differ in %s; --name and --where choose among them", buf_text(&text));
    buf_release(&text);
}

int history_trend(struct cli *cli, struct history *h, const struct history_question *q, struct str figure,
                  bool json) {
    struct trend t;
    struct err err;
    int code = EXIT_DONE;
    if (trend_read(h, q->filters, q->filters_n, figure, q->limit ? q->limit : TREND_LIMIT, &t, &err) !=
        STATUS_OK) {
        code = cli_fail("%s", err.text);
    } else {
        struct buf text = BUF_INIT;
        if (json)
            trend_write_json(&t, &text);
        else
            write_trend(&t, cli->colour_out, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
        if (!json && !cli->quiet) {
            note_mixed(&t);
            if (t.points_n == 0)
                cli_note("no run here has %.*s", STR_ARG(figure));
        }
    }
    trend_release(&t);
    return code;
}

// ---- all of them

static void write_run(const struct moved_run *run, bool colour, struct buf *out) {
    buf_add_text(out, colour ? "\033[1m" : "");
    add_moment(out, run->started);
    buf_add_text(out, "  ");
    show_escaped(out, run->id);
    buf_add_text(out, colour ? "\033[0m\n" : "\n");
    add_with(out, "  with ", run->with, run->with_n);
    for (size_t i = 0; i < run->figures_n; i++) {
        const struct moved_figure *f = &run->figures[i];
        const size_t from = out->n;
        buf_add_text(out, "  ");
        show_escaped(out, str_of(f->name));
        while (out->n - from < NAME + 2)
            buf_add_char(out, ' ');
        buf_add_text(out, !colour || !f->worse ? "" : f->worse > 0 ? "\033[31m" : "\033[32m");
        add_from_to(out, &f->change, f->unit);
        buf_add_text(out, colour && f->worse ? "\033[0m\n" : "\n");
    }
}

static void write_moves(const struct moves *m, struct str name, bool colour, struct buf *out) {
    for (size_t i = 0; i < m->runs_n; i++)
        write_run(&m->runs[i], colour, out);
    buf_printf(out, "%s%zu figures of %zu run%s of ", m->runs_n ? "\n" : "", m->figures, m->sessions,
               m->sessions == 1 ? "" : "s");
    show_escaped(out, name);
    buf_add_text(out, m->runs_n ? " were looked at\n" : ": no level has changed for good\n");
}

// The manifest's name that the newest of these runs has.
static bool find_name(struct cli *cli, struct history *h, const struct history_question *q,
                      struct str *name) {
    struct history_row *rows;
    struct err err;
    size_t n;
    if (history_list(h, q->filters, q->filters_n, 1, &cli->arena, &rows, &n, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    if (n == 0) {
        cli_fail(q->filters_n ? "no run is like that" : "no run has been kept here");
        return false;
    }
    *name = rows[0].name;
    return true;
}

static int answer_changes(struct cli *cli, struct history *h, const struct history_question *q, bool json) {
    struct history_question of = *q;
    struct str name;
    struct moves m;
    struct err err;
    int code = EXIT_DONE;
    if (!find_name(cli, h, q, &name))
        return EXIT_USAGE;
    of.filters[of.filters_n++] = (struct history_filter){STR("name"), STR("="), name};
    if (moves_read(h, of.filters, of.filters_n, q->limit ? q->limit : CHANGES_LIMIT, &m, &err) != STATUS_OK) {
        code = cli_fail("%s", err.text);
    } else {
        struct buf text = BUF_INIT;
        if (json)
            moves_write_json(&m, &text);
        else
            write_moves(&m, name, cli->colour_out, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    moves_release(&m);
    return code;
}

int history_changes(struct cli *cli, const struct options *options, const struct history_question *q) {
    struct history *h = history_find(cli, options);
    if (!h)
        return EXIT_USAGE;
    const int code = answer_changes(cli, h, q, options_has(options, "json"));
    history_close(h);
    return code;
}
