// SPDX-License-Identifier: MIT
#include "cli/live_view.h"

#include <math.h>
#include <uniwidth.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/quantity.h"
#include "base/utf8.h"

#define DIM   "\033[2m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

enum { BAR_LEAST = 6, BAR_MOST = 40, NAME_COLUMNS = 32, LABEL_COLUMNS = 8, GAP = 3 };

// ---- a line

struct line {
    const struct live_view *view;
    struct buf text;
    size_t columns;
    bool full;
};

static size_t columns_of(struct str text) {
    size_t columns = 0, size;
    for (size_t at = 0; at < text.n; at += size) {
        const int width = uc_width(utf8_decode(text.p + at, &size), "UTF-8");
        columns += width > 0 ? (size_t)width : 0;
    }
    return columns;
}

// Something behind a gap, if there is room; once there was none, nothing comes any more.
static void add(struct line *line, size_t gap, const char *style, struct str text) {
    const size_t columns = columns_of(text);
    if (line->full || line->columns + gap + columns > line->view->columns) {
        line->full = true;
        return;
    }
    buf_printf(&line->text, "%*s", (int)gap, "");
    if (*style && line->view->colour)
        buf_add_text(&line->text, style);
    buf_add_str(&line->text, text);
    if (*style && line->view->colour)
        buf_add_text(&line->text, PLAIN);
    line->columns += gap + columns;
}

static void add_label(struct line *line, const char *label) {
    struct buf padded = BUF_INIT;
    buf_printf(&padded, "%-*s", LABEL_COLUMNS, label);
    add(line, 0, DIM, buf_str(&padded));
    buf_release(&padded);
}

// What `text` holds, which is empty then.
static void add_field(struct line *line, const char *style, struct buf *text) {
    add(line, line->columns > LABEL_COLUMNS ? GAP : 0, style, buf_str(text));
    buf_clear(text);
}

static void end(struct line *line, struct buf *out, size_t *lines) {
    if (line->columns > LABEL_COLUMNS || *lines == 0) { // more than its label
        if (*lines)
            buf_add_char(out, '\n');
        buf_add_str(out, buf_str(&line->text));
        ++*lines;
    }
    buf_release(&line->text);
}

static uint64_t whole(double value) {
    return value > 0 ? value < 1e18 ? (uint64_t)(value + 0.5) : (uint64_t)1e18 : 0;
}

static bool get(const struct snapshot *s, enum metric metric, double *value) {
    *value = s->values[metric];
    return s->known[metric];
}

// ---- the first line: which run, how far

static void add_name(struct line *line, struct str name, size_t most) {
    struct arena arena;
    arena_init(&arena, 0);
    const struct str all = diag_escape(&arena, name);
    struct str cut = all;
    while (columns_of(cut) > most)
        cut = str_slice(all, 0, utf8_offset(all, utf8_length(cut) - 1));
    add(line, 0, "", cut);
    arena_release(&arena);
}

// The bar takes what the figures behind it leave.
static void add_bar(struct line *line, double share, size_t behind) {
    struct buf bar = BUF_INIT;
    const size_t taken = line->columns + 2 + behind, all = line->view->columns;
    size_t cells = taken < all ? all - taken : 0;
    cells = cells < BAR_MOST ? cells : BAR_MOST;
    if (cells < BAR_LEAST)
        return;
    for (size_t i = 0; i < cells; i++)
        buf_add_text(&bar, i < (size_t)(share * (double)cells) ? "█" : "░");
    add(line, 2, "", buf_str(&bar));
    buf_release(&bar);
}

// Whole seconds: more is not known.
static void add_eta(struct buf *out, double eta) {
    if (eta < 120)
        buf_printf(out, "%.0f s", ceil(eta));
    else
        quantity_seconds(out, eta);
}

static void write_head(const struct live_view *view, const struct snapshot *s, struct buf *out,
                       size_t *lines) {
    struct line line = {.view = view};
    struct buf text = BUF_INIT, time = BUF_INIT;
    double share, eta;
    quantity_seconds(&time, s->seconds);
    add_name(&line, s->name, view->columns / 3 < NAME_COLUMNS ? view->columns / 3 : NAME_COLUMNS);
    if (get(s, METRIC_LIVE_PROGRESS, &share)) {
        buf_printf(&text, "%3.0f %%", floor(share * 100));
        if (get(s, METRIC_LIVE_ETA, &eta)) {
            buf_add_text(&text, "  ETA ");
            add_eta(&text, eta);
        }
        add_bar(&line, share, text.n + 2 + GAP + time.n);
        add(&line, line.columns ? 2 : 0, "", buf_str(&text));
    }
    add(&line, line.columns ? GAP : 0, DIM, buf_str(&time));
    end(&line, out, lines);
    buf_release(&text);
    buf_release(&time);
}

// ---- the others

// "1,234 failed"
static void add_count(struct line *line, const char *style, double value, const char *behind) {
    struct buf text = BUF_INIT;
    quantity_count(&text, whole(value));
    buf_add_text(&text, behind);
    add_field(line, style, &text);
    buf_release(&text);
}

static void add_bytes(struct line *line, double value, const char *behind) {
    struct buf text = BUF_INIT;
    quantity_bytes(&text, whole(value));
    buf_add_text(&text, behind);
    add_field(line, "", &text);
    buf_release(&text);
}

static void write_records(const struct live_view *view, const struct snapshot *s, struct buf *out,
                          size_t *lines) {
    struct line line = {.view = view};
    double value;
    add_label(&line, "records");
    if (get(s, METRIC_LOAD_RECORDS, &value))
        add_count(&line, "", value, "");
    if (get(s, METRIC_LIVE_RECORDS_RATE, &value))
        add_count(&line, "", value, "/s");
    if (get(s, METRIC_RUN_FAILED, &value) && value > 0)
        add_count(&line, RED, value, " failed");
    end(&line, out, lines);
}

static void write_outputs(const struct live_view *view, const struct snapshot *s, struct buf *out,
                          size_t *lines) {
    struct line line = {.view = view};
    double value;
    add_label(&line, "outputs");
    if (get(s, METRIC_RENDER_OUTPUTS, &value))
        add_count(&line, "", value, "");
    if (get(s, METRIC_LIVE_OUTPUTS_RATE, &value))
        add_count(&line, "", value, "/s");
    if (get(s, METRIC_LIVE_BYTES_RATE, &value))
        add_bytes(&line, value, "/s");
    if (get(s, METRIC_RENDER_UP_TO_DATE, &value) && value > 0)
        add_count(&line, "", value, " up to date");
    end(&line, out, lines);
}

static void write_workers(const struct live_view *view, const struct snapshot *s, struct buf *out,
                          size_t *lines) {
    struct line line = {.view = view};
    struct buf text = BUF_INIT;
    double value;
    add_label(&line, "workers");
    if (get(s, METRIC_LIVE_BUSY, &value)) {
        buf_printf(&text, "%.1f of %.0f busy", value, s->values[METRIC_LIVE_WORKERS]);
        add_field(&line, "", &text);
    }
    if (get(s, METRIC_LIVE_QUEUE, &value)) {
        buf_printf(&text, "queue %.0f", value);
        add_field(&line, "", &text);
    }
    if (get(s, METRIC_LIVE_CPU, &value)) {
        buf_printf(&text, "CPU %.1f", value);
        add_field(&line, "", &text);
    }
    if (get(s, METRIC_LIVE_RSS, &value))
        add_bytes(&line, value, "");
    end(&line, out, lines);
    buf_release(&text);
}

static void write_cache(const struct live_view *view, const struct snapshot *s, struct buf *out,
                        size_t *lines) {
    static const struct {
        enum metric rate;
        const char *name;
    } categories[] = {{METRIC_CACHE_RENDER_HIT_RATE, "outputs"},
                      {METRIC_CACHE_THROUGH_HIT_RATE, "filters"},
                      {METRIC_CACHE_SOURCE_HIT_RATE, "queries"}};
    struct line line = {.view = view};
    struct buf text = BUF_INIT;
    double rate;
    add_label(&line, "cache");
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (get(s, categories[i].rate, &rate)) {
            buf_printf(&text, "%s %.1f %%", categories[i].name, rate * 100);
            add_field(&line, "", &text);
        }
    end(&line, out, lines);
    buf_release(&text);
}

static void write_slowest(const struct live_view *view, const struct snapshot *s, struct buf *out,
                          size_t *lines) {
    const struct snapshot_distribution *slowest = snapshot_slowest_template(s);
    struct line line = {.view = view};
    struct buf text = BUF_INIT;
    if (!slowest)
        return;
    add_label(&line, "slowest");
    add_name(&line, str_from(slowest->name, sizeof "template." - 1), NAME_COLUMNS);
    buf_add_text(&text, "p50 ");
    quantity_seconds(&text, slowest->figures[FIGURE_P50]);
    add_field(&line, "", &text);
    buf_add_text(&text, "p99 ");
    quantity_seconds(&text, slowest->figures[FIGURE_P99]);
    add_field(&line, "", &text);
    end(&line, out, lines);
    buf_release(&text);
}

size_t live_view_write(const struct live_view *view, const struct snapshot *s, struct buf *out) {
    static void (*const writers[])(const struct live_view *, const struct snapshot *, struct buf *,
                                   size_t *) = {write_head,    write_records, write_outputs,
                                                write_workers, write_cache,   write_slowest};
    size_t lines = 0;
    struct buf all = BUF_INIT;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        writers[i](view, s, &all, &lines);
    struct str shown = buf_str(&all);
    for (size_t at = 0, seen = 0; at < shown.n; at++)
        if (shown.p[at] == '\n' && ++seen >= view->rows) {
            shown.n = at;
            lines = seen;
        }
    buf_add_str(out, shown);
    buf_release(&all);
    return lines;
}

void live_view_write_line(const struct snapshot *s, struct buf *out) {
    const uint64_t failed = whole(s->values[METRIC_RUN_FAILED]);
    double eta;
    quantity_count(out, whole(s->values[METRIC_LOAD_RECORDS]));
    buf_add_text(out, " records, ");
    quantity_count(out, whole(s->values[METRIC_EMIT_WRITTEN]) + whole(s->values[METRIC_EMIT_UNCHANGED]));
    buf_add_text(out, " written, ");
    if (failed) {
        quantity_count(out, failed);
        buf_add_text(out, " failed, ");
    }
    quantity_count(out, whole(s->values[METRIC_RUN_RECORDS_PER_SECOND]));
    buf_add_text(out, " records/s");
    if (get(s, METRIC_LIVE_ETA, &eta))
        buf_printf(out, ", ETA %.0f s", eta);
}
