// SPDX-License-Identifier: MIT
#include "cli/strategies_show.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/show.h"

// ---- the table: cells first, as text and Markdown have the same

enum { COLUMNS = 9 + CONTEST_RATES, CELL = 40 };

struct table {
    char head[COLUMNS][CELL];
    char cells[RANKING_MOST][COLUMNS][CELL];
    uint32_t rows, columns;
    uint32_t variants[RANKING_MOST]; // of the rows
};

static char *add_head(struct table *t) {
    return t->head[t->columns++];
}

// Digits behind the point: three that count of the smallest.
static int digits_of(const struct contest_result *result, enum contest_state state) {
    double smallest = INFINITY;
    for (uint32_t v = 0; v < result->variants_n; v++) {
        struct contest_figure wall = contest_figure(result, v, state, CONTEST_WALL);
        if (wall.n && wall.median > 0 && wall.median < smallest)
            smallest = wall.median;
    }
    return smallest < 0.1 ? 4 : smallest < 10 ? 3 : 1;
}

static bool is_asked(const struct contest_result *result, enum contest_state state, int rate) {
    for (uint32_t v = 0; v < result->variants_n; v++)
        if (result->series[v][state].n && contest_rate(result, v, state, rate) >= 0)
            return true;
    return false;
}

static void fill_heads(struct table *t, const struct strategies_findings *f, enum contest_state state) {
    static const char *const heads[] = {"seconds", "95 %", "CPU s"};
    const struct contest_result *result = f->result;
    snprintf(add_head(t), CELL, "%s", contest_states[state]);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        snprintf(add_head(t), CELL, "%s", heads[i]);
    if (f->base >= 0) {
        snprintf(add_head(t), CELL, "over %s", result->variants[f->base].name);
        snprintf(add_head(t), CELL, "speed-up");
        snprintf(add_head(t), CELL, "efficiency");
    }
    snprintf(add_head(t), CELL, "workers");
    snprintf(add_head(t), CELL, "peak MB");
    for (int i = 0; i < CONTEST_RATES; i++)
        if (is_asked(result, state, i))
            snprintf(add_head(t), CELL, "%s", contest_rates[i]);
}

static void fill_row(struct table *t, const struct strategies_findings *f, enum contest_state state,
                     uint32_t variant) {
    const struct contest_result *result = f->result;
    char(*cells)[CELL] = t->cells[t->rows];
    const int digits = digits_of(result, state);
    const uint32_t workers = contest_workers(result, variant, state);
    struct contest_figure wall = contest_figure(result, variant, state, CONTEST_WALL);
    size_t n = 0;
    t->variants[t->rows++] = variant;
    snprintf(cells[n++], CELL, "%s", result->variants[variant].name);
    snprintf(cells[n++], CELL, "%.*f", digits, wall.median);
    snprintf(cells[n++], CELL, "%.*f..%.*f", digits, wall.low, digits, wall.high);
    snprintf(cells[n++], CELL, "%.*f", digits, contest_figure(result, variant, state, CONTEST_CPU).median);
    if (f->base >= 0) {
        struct ranking_ratio ratio = contest_ratio(result, state, (uint32_t)f->base, variant);
        bool other = ratio.rounds && variant != (uint32_t)f->base;
        snprintf(cells[n++], CELL, other ? "%.1f %%" : "-", 100 * (1 - ratio.estimate));
        snprintf(cells[n++], CELL, other ? "%.2f" : "-", 1 / ratio.estimate);
        snprintf(cells[n++], CELL, other && workers ? "%.2f" : "-", 1 / ratio.estimate / workers);
    }
    snprintf(cells[n++], CELL, "%u", (unsigned)workers);
    snprintf(cells[n++], CELL, "%.1f", contest_figure(result, variant, state, CONTEST_PEAK).median / 1e6);
    for (int i = 0; i < CONTEST_RATES; i++)
        if (is_asked(result, state, i)) {
            double rate = contest_rate(result, variant, state, i);
            snprintf(cells[n++], CELL, rate >= 0 ? "%.0f %%" : "-", 100 * rate);
        }
}

// Rows that are shown: the best, those that nothing is decided of, and what is no candidate.
static bool is_shown(const struct strategies_findings *f, enum contest_state state, uint32_t variant,
                     uint32_t rank) {
    enum ranking_place place = f->result->rankings[state].places[variant];
    return f->all || rank < STRATEGIES_BEST || variant >= f->result->candidates_n ||
           (place != RANKING_SLOWER && place != RANKING_ASIDE);
}

// Returns how many rows are left out, the last ones of `order`.
static uint32_t fill_table(struct table *t, const struct strategies_findings *f, enum contest_state state,
                           uint32_t left_out[RANKING_MOST]) {
    uint32_t order[RANKING_MOST], n = contest_order(f->result, state, order), out = 0;
    *t = (struct table){0};
    fill_heads(t, f, state);
    for (uint32_t i = 0; i < n; i++) {
        if (is_shown(f, state, order[i], i))
            fill_row(t, f, state, order[i]);
        else
            left_out[out++] = order[i];
    }
    return out;
}

// ---- sentences

static void write_list(const struct contest_result *result, const uint32_t *variants, uint32_t n,
                       struct buf *out) {
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", result->variants[variants[i]].name);
}

static void write_left_out(const struct contest_result *result, enum contest_state state,
                           const uint32_t *left_out, uint32_t n, struct buf *out) {
    for (uint32_t i = 0; i < n; i++) {
        struct ranking_ratio ratio =
            contest_ratio(result, state, result->rankings[state].leader, left_out[i]);
        buf_printf(out, "%s%s %.2f times", i ? ", " : "slower: ", result->variants[left_out[i]].name,
                   ratio.estimate);
    }
    if (n)
        buf_add_text(out, " (--all shows them)\n");
}

static void write_decision(const struct strategies_findings *f, enum contest_state state, struct buf *out) {
    const struct contest_result *result = f->result;
    const struct ranking *ranking = &result->rankings[state];
    uint32_t some[RANKING_MOST], n = 0;
    const uint32_t rounds = result->times[state].rounds;
    if (!ranking->decided) {
        n = contest_open(result, state, some);
        buf_add_text(out, "undecided between ");
        write_list(result, some, n, out);
    } else {
        for (uint32_t c = 0; c < result->candidates_n; c++)
            if (ranking->places[c] == RANKING_EQUAL)
                some[n++] = c;
        buf_printf(out, "%s is the fastest", result->variants[ranking->leader].name);
        if (n) {
            buf_add_text(out, "; equal within 3 %: ");
            write_list(result, some, n, out);
        }
    }
    buf_printf(out, ", after %u round%s", (unsigned)rounds, rounds == 1 ? "" : "s");
    if (result->times[state].dropped)
        buf_printf(out, "; %u more dropped, since the host took the CPU away",
                   (unsigned)result->times[state].dropped);
    if (!ranking->decided && rounds < RANKING_ROUNDS)
        buf_printf(out, "; a longer --budget than %.0f s may decide", f->budget);
    buf_add_char(out, '\n');
}

static void write_advice(const struct strategies_findings *f, bool markdown, bool colour, struct buf *out) {
    const struct contest_result *result = f->result;
    const enum contest_state state = contest_state_of(result);
    const char *name = result->variants[contest_recommended(result, state)].name;
    const char *mark = markdown ? "**"
                       : colour ? "\033[1m"
                                : "",
               *end = markdown ? "**"
                      : colour ? "\033[0m"
                               : "";
    struct buf idle = BUF_INIT;
    buf_printf(out, "%s %s%s%s: ", result->rankings[state].decided ? "recommended:" : "not decided, a guess:",
               mark, name, end);
    contest_write_reason(result, state, f->base, out);
    buf_add_char(out, '\n');
    for (uint32_t v = 0; v < result->candidates_n; v++) {
        buf_clear(&idle);
        if (!result->series[v][state].n || !contest_write_idle(result, state, f->base, v, &idle))
            continue;
        buf_printf(out, markdown ? "\n%.*s\n" : "%.*s\n", STR_ARG(buf_str(&idle)));
    }
    buf_release(&idle);
}

static void write_title(const struct strategies_findings *f, struct buf *out) {
    const struct contest_result *result = f->result;
    char digest[DIGEST_HEX_SIZE];
    digest_hex(result->digest, digest);
    show_escaped(out, str_of(f->manifest));
    if (result->variants_n == 1)
        buf_printf(out, ": %s makes ", result->variants[0].name);
    else
        buf_printf(out, ": %u %s make the same ", (unsigned)result->variants_n, f->what);
    show_count(out, result->outputs);
    buf_printf(out, " output%s, digest %s", result->outputs == 1 ? "" : "s", digest);
    if (result->failed) {
        buf_add_text(out, "; ");
        show_count(out, result->failed);
        buf_add_text(out, result->variants_n == 1 ? " failed" : " failed with each");
    }
    buf_add_char(out, '\n');
}

// ---- text

static void write_text_table(const struct table *t, const char *best, bool colour, struct buf *out) {
    for (uint32_t row = 0; row <= t->rows; row++) {
        const char(*cells)[CELL] = row ? t->cells[row - 1] : t->head;
        bool bold = colour && row && strcmp(cells[0], best) == 0;
        buf_add_text(out, bold ? "\033[1m" : colour && !row ? "\033[2m" : "");
        for (uint32_t c = 0; c < t->columns; c++) {
            int width = (int)strlen(t->head[c]);
            for (uint32_t i = 0; i < t->rows; i++)
                if ((int)strlen(t->cells[i][c]) > width)
                    width = (int)strlen(t->cells[i][c]);
            buf_printf(out, c == 0 ? "%-*s" : "  %*s", width, cells[c]);
        }
        buf_add_text(out, bold || (colour && !row) ? "\033[0m\n" : "\n");
    }
}

void strategies_show_text(const struct strategies_findings *f, bool colour, struct buf *out) {
    const struct contest_result *result = f->result;
    write_title(f, out);
    for (int s = 0; s < CONTEST_STATES; s++) {
        const enum contest_state state = (enum contest_state)s;
        uint32_t left_out[RANKING_MOST];
        struct table table;
        if (!result->states[state])
            continue;
        uint32_t n = fill_table(&table, f, state, left_out);
        buf_add_char(out, '\n');
        write_text_table(&table, result->variants[contest_recommended(result, state)].name, colour, out);
        write_left_out(result, state, left_out, n, out);
        write_decision(f, state, out);
    }
    buf_add_char(out, '\n');
    write_advice(f, false, colour, out);
    if (f->offers)
        buf_printf(out, "\"pressrun strategies --remember=%s\" keeps it for `strategy: auto`\n",
                   result->variants[contest_recommended(result, contest_state_of(result))].name);
}

// ---- Markdown

static void write_markdown_row(const struct table *t, const char (*cells)[CELL], struct buf *out) {
    buf_add_char(out, '|');
    for (uint32_t c = 0; c < t->columns; c++)
        buf_printf(out, " %s |", cells[c]);
    buf_add_char(out, '\n');
}

void strategies_show_markdown(const struct strategies_findings *f, struct buf *out) {
    const struct contest_result *result = f->result;
    write_title(f, out);
    for (int s = 0; s < CONTEST_STATES; s++) {
        const enum contest_state state = (enum contest_state)s;
        uint32_t left_out[RANKING_MOST];
        struct table table;
        if (!result->states[state])
            continue;
        uint32_t n = fill_table(&table, f, state, left_out);
        buf_add_char(out, '\n');
        write_markdown_row(&table, (const char(*)[CELL])table.head, out);
        buf_add_text(out, "| --- |");
        for (uint32_t c = 1; c < table.columns; c++)
            buf_add_text(out, " ---: |");
        buf_add_char(out, '\n');
        for (uint32_t row = 0; row < table.rows; row++)
            write_markdown_row(&table, (const char(*)[CELL])table.cells[row], out);
        buf_add_char(out, '\n');
        write_left_out(result, state, left_out, n, out);
        write_decision(f, state, out);
    }
    buf_add_char(out, '\n');
    write_advice(f, true, false, out);
}
